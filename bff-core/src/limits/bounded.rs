//! Owns: a map of a bounded number of entries that many threads use at once.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::key::Name;

/// Each with a lock of its own.
const SHARDS: usize = 16;

/// Something that is of no use from some time on.
pub(super) trait Passing {
    fn is_over(&self, now: Instant) -> bool;
}

/// At most a given number of entries. A new one makes room: what is over goes first, then anything.
#[derive(Debug)]
pub(super) struct Bounded<V> {
    shards: [Mutex<Shard<V>>; SHARDS],
    most: usize,
}

#[derive(Debug)]
struct Shard<V> {
    entries: HashMap<Name, V>,
    /// A look at all entries that found none to be over is not repeated for every new one.
    swept: Option<Instant>,
}

impl<V: Passing> Bounded<V> {
    pub(super) fn new(most: usize) -> Self {
        let shard = |_| Mutex::new(Shard { entries: HashMap::new(), swept: None });
        Self { shards: std::array::from_fn(shard), most: (most / SHARDS).max(1) }
    }

    /// The entry `name` through `work`, which may make, change or remove it.
    pub(super) fn with<T>(
        &self,
        name: Name,
        now: Instant,
        work: impl FnOnce(Option<&mut V>) -> (Option<V>, T),
    ) -> T {
        let mut shard = self.shard(name);
        let (new, answer) = work(shard.entries.get_mut(&name));
        if let Some(new) = new {
            if shard.entries.len() >= self.most && !shard.entries.contains_key(&name) {
                shard.make_room(now);
            }
            shard.entries.insert(name, new);
        }
        answer
    }

    fn shard(&self, name: Name) -> MutexGuard<'_, Shard<V>> {
        let [first, others @ ..] = &self.shards;
        let place = usize::from(name.first_byte()) % SHARDS;
        let shard = place.checked_sub(1).and_then(|place| others.get(place)).unwrap_or(first);
        // Nothing above panics half-way, so a poisoned lock still guards whole data.
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().unwrap().entries.len()).sum()
    }
}

impl<V: Passing> Shard<V> {
    fn make_room(&mut self, now: Instant) {
        let (before, pause) = (self.entries.len(), std::time::Duration::from_secs(1));
        if self.swept.is_none_or(|swept| now.saturating_duration_since(swept) >= pause) {
            self.swept = Some(now);
            self.entries.retain(|_, entry| !entry.is_over(now));
        }
        if self.entries.len() == before
            && let Some(any) = self.entries.keys().next().copied()
        {
            self.entries.remove(&any);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    impl Passing for Instant {
        fn is_over(&self, now: Instant) -> bool {
            now >= *self
        }
    }

    #[test]
    fn t17_a_flood_of_names_takes_no_more_memory() {
        let (map, now) = (Bounded::<Instant>::new(160), Instant::now());
        let later = now + Duration::from_secs(60);
        let put = |number: u16, until| map.with(Name::numbered(number), now, |_| (Some(until), ()));
        for number in 0..10_000 {
            put(number, later);
        }
        assert_eq!(map.len(), 160);
        assert!(map.with(Name::numbered(9_999), now, |entry| (None, entry.is_some())));
    }

    #[test]
    fn what_is_over_goes_first() {
        let (map, now) = (Bounded::<Instant>::new(16 * 2), Instant::now());
        let put = |number: u16, until| map.with(Name::numbered(number), now, |_| (Some(until), ()));
        // All in one shard.
        put(16, now + Duration::from_secs(60));
        put(32, now);
        put(48, now + Duration::from_secs(60));
        let is_there =
            |number| map.with(Name::numbered(number), now, |entry| (None, entry.is_some()));
        assert!(is_there(16) && !is_there(32) && is_there(48));
    }
}
