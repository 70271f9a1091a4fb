//! Owns: keeping Redis and PostgreSQL together while the process runs, where `DATABASE_URL` is set, and telling of it.
//! What is done, and why, is in `session/src/durable.rs`.

use std::sync::Arc;

use session::any::AnyStore;
use session::durable::keeper::{BEAT, Beat, Keeper};
use session::durable::{DurableStore, FastStore};
use session::postgres::{PostgresOptions, PostgresStore};
use shell::random::Random;

use crate::app::App;
use crate::metrics;

/// The store as configured: `store`, and beside it the database, if there is one.
///
/// # Errors
/// If the address cannot be used at all.
pub async fn open(
    store: AnyStore,
    database: Option<&PostgresOptions>,
) -> Result<AnyStore, session::postgres::PostgresSetupError> {
    match (store, database) {
        (AnyStore::Redis(redis), Some(database)) => {
            let kept = PostgresStore::connect(database).await?;
            Ok(AnyStore::Durable(DurableStore::new(redis.into(), kept)))
        }
        (store, _) => Ok(store),
    }
}

/// Keeps them together until the process ends.
pub fn start(app: &Arc<App>) {
    let AnyStore::Durable(store) = &app.store else { return };
    let keeper = Keeper::new(store.clone(), name(&*app.random));
    let (store, shutdown) = (store.clone(), app.shutdown.clone());
    app.shutdown.spawn(async move {
        tokio::select! {
            () = keep(keeper) => {}
            () = tell(&store) => {}
            () = shutdown.begun() => {}
        }
        let waiting = store.counted().waiting_writes;
        if waiting > 0 {
            tracing::warn!(waiting, "postgresql was away to the end, and lacks what it missed");
        }
    });
}

async fn keep(mut keeper: Keeper<FastStore>) {
    loop {
        match keeper.beat().await {
            Ok(Beat::Restored(sessions)) => {
                tracing::warn!(sessions, "redis had lost its data; sessions were given back to it");
            }
            Ok(Beat::Idle | Beat::Kept) => {}
            // Redis and PostgreSQL tell of themselves when they go and come.
            Err(error) => tracing::debug!(reason = error.reason(), "stores not together"),
        }
        tokio::time::sleep(BEAT).await;
    }
}

/// Not a part of the beat, which waits for whoever is away, and that is when somebody looks at the metrics.
async fn tell(store: &DurableStore) {
    loop {
        metrics::durable(&store.counted());
        tokio::time::sleep(BEAT).await;
    }
}

/// What no other replica is called.
fn name(random: &dyn Random) -> String {
    random.bytes::<16>().iter().map(|byte| format!("{byte:02x}")).collect()
}
