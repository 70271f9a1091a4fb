//! Owns: a bounded memory of names that may be used once in a span of time. When it is full nothing is
//! forgotten early, because what is forgotten can be replayed.

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// The first half of a hash or a MAC.
pub(crate) type Name = [u8; 16];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SeenError {
    Again,
    Full,
}

pub(crate) struct Seen {
    capacity: usize,
    keep_secs: u64,
    used: Mutex<Used>,
}

#[derive(Default)]
struct Used {
    names: HashSet<Name>,
    oldest_first: VecDeque<(u64, Name)>,
}

impl Seen {
    pub(crate) fn new(capacity: usize, keep_secs: u64) -> Self {
        Self { capacity, keep_secs, used: Mutex::default() }
    }

    /// Enters a name that is not there. `now` is in seconds since the epoch.
    pub(crate) fn enter(&self, name: Name, now: u64) -> Result<(), SeenError> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.forget_before(now);
        if used.names.contains(&name) {
            return Err(SeenError::Again);
        }
        if used.names.len() >= self.capacity {
            return Err(SeenError::Full);
        }
        used.names.insert(name);
        used.oldest_first.push_back((now.saturating_add(self.keep_secs), name));
        Ok(())
    }
}

impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seen").field("capacity", &self.capacity).finish_non_exhaustive()
    }
}

impl Used {
    fn forget_before(&mut self, now: u64) {
        while let Some((until, name)) = self.oldest_first.front()
            && *until <= now
        {
            self.names.remove(name);
            self.oldest_first.pop_front();
        }
    }
}
