//! Owns: DPoP nonces in the store, so that a replica's first call to a server carries what another
//! replica learned there.
//!
//! They are a convenience: a store that is away costs one more request to that server.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use session::any::AnyStore;
use session::shelf::Shelf as _;
use shell::shutdown::Shutdown;

use crate::oidc::SharedNonces;

/// Servers change theirs every few minutes.
const KEEP: Duration = Duration::from_secs(300);

/// Longest wait for the store: a request without a nonce is no disaster.
const PATIENCE: Duration = Duration::from_millis(250);

/// Nonces in notes of the store.
pub(crate) struct StoreNonces {
    store: AnyStore,
    shutdown: Shutdown,
    unwritten: Arc<Mutex<Unwritten>>,
}

/// The latest nonce of each name; what it replaces is not worth writing.
#[derive(Default)]
struct Unwritten {
    nonces: BTreeMap<String, String>,
    being_written: bool,
}

impl StoreNonces {
    pub(crate) fn shared(store: AnyStore, shutdown: Shutdown) -> Arc<dyn SharedNonces> {
        Arc::new(Self { store, shutdown, unwritten: Arc::default() })
    }
}

impl SharedNonces for StoreNonces {
    fn get<'a>(
        &'a self,
        name: &'a str,
    ) -> Pin<Box<dyn Future<Output = Option<String>> + Send + 'a>> {
        Box::pin(async move {
            let note = tokio::time::timeout(PATIENCE, self.store.note(name)).await.ok()?;
            let note = note.ok().flatten()?;
            String::from_utf8(note.into()).ok()
        })
    }

    fn put(&self, name: String, nonce: String) {
        let mut unwritten = lock(&self.unwritten);
        unwritten.nonces.insert(name, nonce);
        // One task at a time, so that a server with a nonce for every answer costs one command in
        // flight and no queue.
        if std::mem::replace(&mut unwritten.being_written, true) {
            return;
        }
        drop(unwritten);
        let (store, unwritten) = (self.store.clone(), Arc::clone(&self.unwritten));
        self.shutdown.spawn(async move {
            while let Some((name, nonce)) = next(&unwritten) {
                if let Err(error) = store.put_note(&name, Bytes::from(nonce), Some(KEEP)).await {
                    tracing::debug!(reason = error.reason(), "nonce not shared");
                }
            }
        });
    }
}

/// What to write next; with `None` the writing is over.
fn next(unwritten: &Mutex<Unwritten>) -> Option<(String, String)> {
    let mut unwritten = lock(unwritten);
    let next = unwritten.nonces.pop_first();
    unwritten.being_written = next.is_some();
    next
}

fn lock(unwritten: &Mutex<Unwritten>) -> MutexGuard<'_, Unwritten> {
    unwritten.lock().unwrap_or_else(PoisonError::into_inner)
}
