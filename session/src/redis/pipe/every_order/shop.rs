//! Owns: the readers, each of which does what verify does for a request, a step whenever it is let go.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::READERS;
use crate::edge::{AuthenticEdge, EdgeKeys, EdgeView};
use crate::id::{SessionId, StoreKey};
use crate::keys::KeyRing;
use crate::redis::pipe::Pipe;
use crate::tracking::TrackedEdges;

/// What stays the same on all paths.
pub(super) struct Fixed {
    pub(super) key: StoreKey,
    keys: EdgeKeys,
    pub(super) views: Vec<Bytes>,
}

impl Fixed {
    pub(super) fn new() -> Self {
        let key = SessionId::from_random([7; 32]).store_key();
        let keys = EdgeKeys::new(&KeyRing::single("k1", [3; 32]));
        let view = |version| EdgeView { token_version: version, ..EdgeView::default() };
        let views = (0..8).map(|version| keys.seal(&key, &view(version)).unwrap()).collect();
        Self { key, keys, views }
    }
}

/// What the readers share with who lets them go.
pub(super) struct Shop {
    pub(super) fixed: Arc<Fixed>,
    pub(super) pipe: Pipe,
    pub(super) tracked: TrackedEdges,
    pub(super) turns: [Semaphore; READERS],
    pub(super) log: Mutex<Log>,
}

#[derive(Default)]
pub(super) struct Log {
    /// Readers that wait for their turn.
    pub(super) stands: [bool; READERS],
    pub(super) served: Vec<Served>,
    /// The version that the client was told of, or that was there when it connected.
    pub(super) told: usize,
    pub(super) version: usize,
    pub(super) down: bool,
    pub(super) hits: usize,
}

pub(super) struct Served {
    /// Of what was shown.
    pub(super) version: usize,
    pub(super) from_cache: bool,
    /// When the request began: the time, and which version the client knew of and Redis had.
    pub(super) begun: Instant,
    pub(super) told: usize,
    pub(super) current: usize,
    pub(super) down: bool,
}

impl Shop {
    async fn turn(&self, reader: usize) {
        self.log.lock().unwrap().stands[reader] = true;
        self.turns[reader].acquire().await.unwrap().forget();
        self.log.lock().unwrap().stands[reader] = false;
    }

    /// What verify does for one request.
    pub(super) async fn request(&self, reader: usize) {
        self.turn(reader).await;
        let begun = Instant::now();
        let now = begun.into_std();
        let (told, current, down) = {
            let log = self.log.lock().unwrap();
            (log.told, log.version, log.down)
        };
        let serve = |edge: &AuthenticEdge, from_cache| {
            let version = usize::try_from(edge.token_version()).unwrap();
            let mut log = self.log.lock().unwrap();
            log.hits += usize::from(from_cache);
            log.served.push(Served { version, from_cache, begun, told, current, down });
        };
        if let Some(edge) = self.tracked.get(&self.fixed.key, now) {
            serve(&edge, true);
            return;
        }
        let ticket = self.tracked.ticket();
        self.turn(reader).await;
        let Ok(found) = self.pipe.edge_view(&self.fixed.key).await else { return };
        self.turn(reader).await;
        let edge = self.fixed.keys.open(&self.fixed.key, found.unwrap()).unwrap();
        self.tracked.keep(ticket, self.fixed.key, edge.clone(), now);
        serve(&edge, false);
    }
}
