//! Owns: remembering what was made of texts seen lately, above all the marks of clients. A mark is a
//! pure function of what the client sent, and one client sends the same on every request.

use std::hash::{BuildHasher as _, Hash};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;

use super::{Binder, IpMark, Mark, Marks};

/// Clients remembered of each kind. A power of two.
const SLOTS: usize = 512;
/// A longer text is not remembered.
const TEXT_MAX: usize = 512;

/// Remembers what a pure function gave for texts seen lately. Bounded: a text that finds its place
/// taken takes it over.
pub struct Memo<V> {
    hasher: RandomState,
    slots: Mutex<Vec<Slot<V>>>,
}

/// By which function, a text, and what it gave.
type Slot<V> = Option<(u64, Box<[u8]>, V)>;

impl<V> std::fmt::Debug for Memo<V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Memo(redacted)")
    }
}

impl<V: Copy> Default for Memo<V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<V: Copy> Memo<V> {
    /// One that has seen nothing.
    pub fn new() -> Self {
        Self { hasher: RandomState::default(), slots: Mutex::new(vec![None; SLOTS]) }
    }

    /// What `make`, always the same function, gives for `text`.
    pub fn get_or(&self, text: &[u8], make: impl FnOnce() -> V) -> V {
        self.get_of(0, text, make)
    }

    /// What `make`, always the same for this `number`, gives for `text`.
    fn get_of(&self, number: u64, text: &[u8], make: impl FnOnce() -> V) -> V {
        if text.len() > TEXT_MAX {
            return make();
        }
        let place = place(&self.hasher, number, text);
        let mut slots = lock(&self.slots);
        let Some(slot) = slots.get_mut(place) else {
            return make();
        };
        match slot {
            Some((of, known, value)) if *of == number && **known == *text => *value,
            _ => {
                let value = make();
                *slot = Some((number, text.into(), value));
                value
            }
        }
    }
}

/// One text has a place for each number, so that two keys in use do not drive each other out.
fn place(hasher: &RandomState, number: u64, of: impl Hash) -> usize {
    usize::try_from(hasher.hash_one(of).wrapping_add(number) % SLOTS as u64).unwrap_or_default()
}

fn lock<T>(slots: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is made under this lock is a value; no work can be left half-done.
    slots.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Remembers the marks that binders made. Of whatever key: while keys are exchanged, sessions have marks
/// under several.
pub struct MarkMemo {
    hasher: RandomState,
    agents: Memo<Mark>,
    addresses: Mutex<Vec<Option<(u64, IpAddr, IpMark)>>>,
}

impl std::fmt::Debug for MarkMemo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MarkMemo(redacted)")
    }
}

impl Default for MarkMemo {
    fn default() -> Self {
        Self::new()
    }
}

impl MarkMemo {
    /// One that has seen nobody.
    pub fn new() -> Self {
        Self {
            hasher: RandomState::default(),
            agents: Memo::new(),
            addresses: Mutex::new(vec![None; SLOTS]),
        }
    }

    /// The marks of `binder`, of which those are not made again that are remembered.
    pub const fn of<'a>(&'a self, binder: &'a Binder) -> Remembered<'a> {
        Remembered { memo: self, binder }
    }
}

/// A binder that remembers.
pub struct Remembered<'a> {
    memo: &'a MarkMemo,
    binder: &'a Binder,
}

impl std::fmt::Debug for Remembered<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Remembered(redacted)")
    }
}

impl Marks for Remembered<'_> {
    fn user_agent(&self, value: &[u8]) -> Mark {
        self.memo.agents.get_of(self.binder.number, value, || self.binder.user_agent(value))
    }

    fn ip(&self, address: IpAddr) -> IpMark {
        let number = self.binder.number;
        let place = place(&self.memo.hasher, number, address);
        let mut slots = lock(&self.memo.addresses);
        let Some(slot) = slots.get_mut(place) else {
            return self.binder.ip(address);
        };
        match slot {
            Some((of, known, mark)) if *of == number && *known == address => *mark,
            _ => {
                let mark = self.binder.ip(address);
                *slot = Some((number, address, mark));
                mark
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use ring::hmac;

    proptest! {
        #[test]
        fn c48_what_is_remembered_is_what_would_be_computed(
            agents in proptest::collection::vec("[a-zA-Z/0-9 ]{0,600}", 1..40),
            addresses in proptest::collection::vec(any::<IpAddr>(), 1..40),
        ) {
            let binder = |byte| Binder::new(hmac::Key::new(hmac::HMAC_SHA256, &[byte; 32]));
            let (memo, binders) = (MarkMemo::new(), [binder(5), binder(6)]);
            for binder in binders.iter().chain(&binders) {
                let marks = memo.of(binder);
                for agent in &agents {
                    let plain = binder.user_agent(agent.as_bytes());
                    prop_assert_eq!(marks.user_agent(agent.as_bytes()), plain);
                }
                for address in &addresses {
                    prop_assert_eq!(marks.ip(*address), binder.ip(*address));
                }
            }
        }
    }
}
