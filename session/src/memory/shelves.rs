//! Owns: what lies in this process's memory, each thing with its end.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::id::StoreKey;
use crate::permits::Tally;
use crate::store::{IndexKey, Intent, StoredSession};

/// Writes between two sweeps of what has expired.
const SWEEP_EVERY: u32 = 256;

/// Everything that is kept.
#[derive(Debug, Default)]
pub(super) struct Shelves {
    pub(super) sessions: HashMap<StoreKey, Kept<StoredSession>>,
    pub(super) indexes: HashMap<IndexKey, BTreeMap<u64, Kept<StoreKey>>>,
    pub(super) logins: HashMap<String, Kept<Bytes>>,
    pub(super) leases: HashMap<String, Kept<String>>,
    pub(super) intents: HashMap<StoreKey, Written>,
    pub(super) tombstones: HashMap<IndexKey, Kept<()>>,
    pub(super) notes: HashMap<String, Kept<Bytes>>,
    pub(super) denied: HashMap<String, Kept<Bytes>>,
    pub(super) tallies: HashMap<String, Kept<Counted>>,
    pub(super) next: u64,
    writes: u32,
}

/// A tally, and the beginning of its time.
#[derive(Debug, Clone)]
pub(super) struct Counted {
    pub(super) began: Instant,
    pub(super) tally: Tally,
}

/// An intent, and the version of the session that it is about.
#[derive(Debug)]
pub(super) struct Written {
    version: u64,
    again: bool,
    since: Instant,
    owner: String,
}

/// Something with an end.
#[derive(Debug, Clone)]
pub(super) struct Kept<T> {
    pub(super) value: T,
    until: Instant,
}

impl<T> Kept<T> {
    pub(super) fn new(value: T, keep: Duration) -> Self {
        Self { value, until: Instant::now() + keep }
    }

    pub(super) fn alive(&self) -> bool {
        Instant::now() < self.until
    }

    pub(super) fn remaining(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }
}

impl Shelves {
    pub(super) fn live(&self, key: &StoreKey) -> Option<&StoredSession> {
        self.sessions.get(key).filter(|kept| kept.alive()).map(|kept| &kept.value)
    }

    pub(super) fn intend(
        &mut self,
        key: StoreKey,
        version: u64,
        owner: &str,
        grace: Duration,
    ) -> Intent {
        let known = self.intents.get_mut(&key).filter(|intent| intent.version == version);
        match known {
            None => {
                let (since, owner) = (Instant::now(), owner.to_owned());
                self.intents.insert(key, Written { version, again: false, since, owner });
                Intent::First
            }
            Some(intent) if intent.owner == owner && intent.again => Intent::Again,
            Some(intent) if intent.owner == owner => Intent::First,
            Some(intent) if !intent.again && intent.since.elapsed() < grace => {
                (intent.again, intent.owner) = (true, owner.to_owned());
                Intent::Again
            }
            Some(_) => Intent::Lost,
        }
    }

    pub(super) fn forget_intent(&mut self, key: &StoreKey, owner: &str) {
        let known = self.intents.get_mut(key).filter(|intent| intent.owner == owner);
        match known {
            Some(intent) if intent.again => {
                (intent.again, intent.owner) = (false, String::new());
            }
            Some(_) => drop(self.intents.remove(key)),
            None => {}
        }
    }

    /// Keeps memory bounded by what is alive.
    pub(super) fn wrote(&mut self) {
        self.writes += 1;
        if self.writes < SWEEP_EVERY {
            return;
        }
        self.writes = 0;
        self.sessions.retain(|_, kept| kept.alive());
        self.logins.retain(|_, kept| kept.alive());
        self.leases.retain(|_, kept| kept.alive());
        self.tombstones.retain(|_, kept| kept.alive());
        self.notes.retain(|_, kept| kept.alive());
        self.denied.retain(|_, kept| kept.alive());
        self.tallies.retain(|_, kept| kept.alive());
        let sessions = &self.sessions;
        self.intents.retain(|key, _| sessions.contains_key(key));
        self.indexes.retain(|_, listed| {
            listed.retain(|_, kept| kept.alive());
            !listed.is_empty()
        });
    }
}
