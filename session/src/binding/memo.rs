//! Owns: remembering what was made of texts seen lately, above all the marks of clients. A mark is a
//! pure function of what the client sent, and one client sends the same on every request.

use std::hash::{BuildHasher as _, Hash};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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

/// A text, and what was made of it.
type Slot<V> = Option<(Box<[u8]>, V)>;

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
        if text.len() > TEXT_MAX {
            return make();
        }
        let place = place(&self.hasher, text);
        let mut slots = lock(&self.slots);
        let Some(slot) = slots.get_mut(place) else {
            return make();
        };
        match slot {
            Some((known, value)) if **known == *text => *value,
            _ => {
                let value = make();
                *slot = Some((text.into(), value));
                value
            }
        }
    }
}

fn place(hasher: &RandomState, of: impl Hash) -> usize {
    usize::try_from(hasher.hash_one(of) % SLOTS as u64).unwrap_or_default()
}

fn lock<T>(slots: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is made under this lock is a value; no work can be left half-done.
    slots.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A binder that remembers.
pub struct MarkMemo {
    binder: Binder,
    hasher: RandomState,
    agents: Memo<Mark>,
    addresses: Mutex<Vec<Option<(IpAddr, IpMark)>>>,
}

impl std::fmt::Debug for MarkMemo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MarkMemo(redacted)")
    }
}

impl MarkMemo {
    /// One that has seen nobody.
    pub fn new(binder: Binder) -> Self {
        Self {
            binder,
            hasher: RandomState::default(),
            agents: Memo::new(),
            addresses: Mutex::new(vec![None; SLOTS]),
        }
    }

    /// Whether these are the marks that `binder`, or a clone of it, makes.
    pub fn is_of(&self, binder: &Binder) -> bool {
        Arc::ptr_eq(&self.binder.0, &binder.0)
    }
}

impl Marks for MarkMemo {
    fn user_agent(&self, value: &[u8]) -> Mark {
        self.agents.get_or(value, || self.binder.user_agent(value))
    }

    fn ip(&self, address: IpAddr) -> IpMark {
        let place = place(&self.hasher, address);
        let mut slots = lock(&self.addresses);
        let Some(slot) = slots.get_mut(place) else {
            return self.binder.ip(address);
        };
        match slot {
            Some((known, mark)) if *known == address => *mark,
            _ => {
                let mark = self.binder.ip(address);
                *slot = Some((address, mark));
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
            let binder = Binder::new(hmac::Key::new(hmac::HMAC_SHA256, &[5; 32]));
            let memo = MarkMemo::new(binder.clone());
            for _ in 0..2 {
                for agent in &agents {
                    let plain = binder.user_agent(agent.as_bytes());
                    prop_assert_eq!(Marks::user_agent(&memo, agent.as_bytes()), plain);
                }
                for address in &addresses {
                    prop_assert_eq!(Marks::ip(&memo, *address), binder.ip(*address));
                }
            }
        }
    }
}
