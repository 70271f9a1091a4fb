//! Owns: the bounded map behind the cache. All entries live equally long, so the order in which they
//! came is the order in which they go.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::time::{Duration, Instant};

use crate::edge::AuthenticEdge;
use crate::id::StoreKey;

/// Views by key.
pub(super) struct Entries {
    capacity: usize,
    by_key: HashMap<StoreKey, Entry, BuildHasherDefault<KeyHasher>>,
    /// Oldest first; some were taken out or replaced meanwhile, which their number tells.
    order: VecDeque<(StoreKey, u64)>,
    next: u64,
}

struct Entry {
    edge: AuthenticEdge,
    /// Not used from then on.
    until: Instant,
    number: u64,
}

impl Entries {
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity, by_key: HashMap::default(), order: VecDeque::new(), next: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.by_key.len()
    }

    pub(super) fn get(&self, key: &StoreKey, now: Instant) -> Option<&AuthenticEdge> {
        let entry = self.by_key.get(key)?;
        (now < entry.until).then_some(&entry.edge)
    }

    pub(super) fn insert(
        &mut self,
        key: StoreKey,
        edge: AuthenticEdge,
        read_at: Instant,
        max_age: Duration,
    ) {
        if self.capacity == 0 {
            return;
        }
        let number = self.next;
        self.next = self.next.wrapping_add(1);
        let until = read_at.checked_add(max_age).unwrap_or(read_at);
        self.by_key.insert(key, Entry { edge, until, number });
        self.order.push_back((key, number));
        let marks_max = self.capacity.saturating_mul(2);
        while self.by_key.len() > self.capacity
            || self.order.len() > marks_max
            || self.front_is_over(read_at)
        {
            self.drop_front();
        }
    }

    pub(super) fn remove(&mut self, key: &StoreKey) {
        self.by_key.remove(key);
    }

    pub(super) fn clear(&mut self) {
        self.by_key.clear();
        self.order.clear();
    }

    /// Whether the oldest mark points to nothing any more, or to what is too old for use.
    fn front_is_over(&self, now: Instant) -> bool {
        self.order.front().is_some_and(|(key, number)| {
            self.by_key.get(key).is_none_or(|entry| entry.number != *number || now >= entry.until)
        })
    }

    fn drop_front(&mut self) {
        if let Some((key, number)) = self.order.pop_front()
            && self.by_key.get(&key).is_some_and(|entry| entry.number == number)
        {
            self.by_key.remove(&key);
        }
    }
}

/// Takes eight bytes of the key as its hash: it is a SHA-256 of random bits that we chose ourselves,
/// so nobody can make keys collide.
#[derive(Default)]
struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 = u64::from_ne_bytes(*first);
        }
    }

    fn write_usize(&mut self, _length: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}
