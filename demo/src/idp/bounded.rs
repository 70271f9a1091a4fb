//! Owns: the map behind everything the provider remembers. It has a cap, forgets what expired, and
//! evicts the oldest entry when it is full, so that nobody can make it grow.

use std::collections::{BTreeMap, HashMap};

use ring::digest;

/// The SHA-256 of the secret that names an entry.
pub(super) type Key = [u8; 32];

/// Entries are found by the hash of their secret: a look-up then takes the same time however much
/// of a guess is right.
pub(super) fn key_of(secret: &str) -> Key {
    let mut key = Key::default();
    let hash = digest::digest(&digest::SHA256, secret.as_bytes());
    key.copy_from_slice(hash.as_ref());
    key
}

struct Entry<V> {
    value: V,
    expires_at: u64,
    turn: u64,
}

/// A map of at most `capacity` entries that expire.
pub(super) struct Bounded<V> {
    capacity: usize,
    turn: u64,
    entries: HashMap<Key, Entry<V>>,
    oldest_first: BTreeMap<u64, Key>,
}

impl<V> Bounded<V> {
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity, turn: 0, entries: HashMap::new(), oldest_first: BTreeMap::new() }
    }

    /// Puts `value` in, in place of what `key` named before.
    pub(super) fn insert(&mut self, key: Key, value: V, expires_at: u64, now: u64) {
        self.remove(&key);
        self.make_room(now);
        self.turn += 1;
        self.oldest_first.insert(self.turn, key);
        self.entries.insert(key, Entry { value, expires_at, turn: self.turn });
    }

    pub(super) fn get(&self, key: &Key, now: u64) -> Option<&V> {
        self.entries.get(key).filter(|entry| now < entry.expires_at).map(|entry| &entry.value)
    }

    pub(super) fn get_mut(&mut self, key: &Key, now: u64) -> Option<&mut V> {
        let entry = self.entries.get_mut(key).filter(|entry| now < entry.expires_at)?;
        Some(&mut entry.value)
    }

    /// Takes the entry out, whether or not it is still good.
    pub(super) fn take(&mut self, key: &Key, now: u64) -> Option<V> {
        self.remove(key).filter(|entry| now < entry.expires_at).map(|entry| entry.value)
    }

    /// The first entry, in no order, that `wanted` accepts.
    pub(super) fn find(&self, now: u64, wanted: impl Fn(&V) -> bool) -> Option<&V> {
        let mut live = self.entries.values().filter(|entry| now < entry.expires_at);
        live.find(|entry| wanted(&entry.value)).map(|entry| &entry.value)
    }

    /// The entries, the one that was put in last first.
    pub(super) fn newest_first(&self, now: u64) -> impl Iterator<Item = &V> {
        let entries = self.oldest_first.values().rev().filter_map(|key| self.entries.get(key));
        entries.filter(move |entry| now < entry.expires_at).map(|entry| &entry.value)
    }

    /// Drops every entry that `keep` refuses.
    pub(super) fn retain(&mut self, keep: impl Fn(&V) -> bool) {
        self.entries.retain(|_, entry| keep(&entry.value));
        self.oldest_first.retain(|_, key| self.entries.contains_key(key));
    }

    fn remove(&mut self, key: &Key) -> Option<Entry<V>> {
        let entry = self.entries.remove(key)?;
        self.oldest_first.remove(&entry.turn);
        Some(entry)
    }

    fn make_room(&mut self, now: u64) {
        while let Some(key) = self.oldest_first.first_entry().map(|oldest| *oldest.get()) {
            let expired = self.entries.get(&key).is_none_or(|entry| entry.expires_at <= now);
            if !expired && self.entries.len() < self.capacity {
                return;
            }
            self.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_map_evicts_its_oldest_entry() {
        let mut map = Bounded::new(2);
        for name in ["a", "b", "c"] {
            map.insert(key_of(name), name, 100, 0);
        }
        assert_eq!(map.get(&key_of("a"), 0), None);
        assert_eq!(map.get(&key_of("b"), 0), Some(&"b"));
        assert_eq!(map.get(&key_of("c"), 0), Some(&"c"));
        assert_eq!(map.newest_first(0).copied().collect::<Vec<_>>(), ["c", "b"]);
        assert_eq!(map.newest_first(100).count(), 0);
        assert_eq!(map.oldest_first.len(), map.entries.len());
    }

    #[test]
    fn an_expired_entry_is_neither_seen_nor_kept() {
        let mut map = Bounded::new(8);
        map.insert(key_of("a"), "a", 10, 0);
        assert_eq!(map.get(&key_of("a"), 9), Some(&"a"));
        assert_eq!(map.get(&key_of("a"), 10), None);
        map.insert(key_of("b"), "b", 20, 10);
        assert_eq!(map.entries.len(), 1);
        assert_eq!(map.take(&key_of("b"), 20), None);
    }

    #[test]
    fn replacing_an_entry_takes_no_second_place() {
        let mut map = Bounded::new(2);
        map.insert(key_of("a"), 1, 100, 0);
        map.insert(key_of("b"), 1, 100, 0);
        map.insert(key_of("a"), 2, 100, 0);
        assert_eq!(map.get(&key_of("a"), 0), Some(&2));
        assert_eq!(map.get(&key_of("b"), 0), Some(&1));
        map.retain(|value| *value == 2);
        assert_eq!(map.oldest_first.len(), 1);
    }
}
