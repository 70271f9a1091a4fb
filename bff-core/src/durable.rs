//! Owns: keeping Redis and PostgreSQL together while the process runs, where `DATABASE_URL` is set, and telling of it.
//! What is done, and why, is in `session/src/durable.rs`.

use std::time::Duration;

use session::any::AnyStore;
use session::durable::keeper::{BEAT, Beat, Keeper};
use session::durable::{DurableStore, FastStore};
use session::postgres::{PostgresOptions, PostgresStore};
use shell::random::Random;
use tokio::task::JoinHandle;

use crate::app::App;
use crate::metrics;

/// How long PostgreSQL may take at the end for what it missed, beyond the drain.
const LAST_WORDS: Duration = Duration::from_secs(2);

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

/// Two stores that are kept together.
#[derive(Debug)]
pub struct Together {
    store: DurableStore,
    keeper: JoinHandle<()>,
}

/// Keeps them together, where there are two. Nobody's end waits for that: it goes on while requests are drained.
pub fn start(app: &App) -> Option<Together> {
    let AnyStore::Durable(store) = &app.store else { return None };
    let keeper = Keeper::new(store.clone(), name(&*app.random));
    let told = store.clone();
    let keeper = tokio::spawn(async move {
        tokio::select! {
            () = keep(keeper) => {}
            () = tell(&told) => {}
        }
    });
    Some(Together { store: store.clone(), keeper })
}

impl Together {
    /// Ends that, once nobody writes any more, and tells PostgreSQL what it missed, or the log that nobody will.
    pub async fn end(self) {
        self.keeper.abort();
        // Its answer is that it was aborted.
        drop(self.keeper.await);
        let missing = self.store.say_last_words(LAST_WORDS).await;
        if missing > 0 {
            tracing::warn!(missing, "postgresql was away to the end, and lacks what it missed");
        }
    }
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
