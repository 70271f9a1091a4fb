//! Owns: remembering the marks of clients seen lately. A mark is a pure function of what the client
//! sent, and one client sends the same on every request.

use std::hash::{BuildHasher as _, Hash};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;

use super::{Binder, IpMark, Mark, Marks};

/// Clients remembered of each kind. A power of two.
const SLOTS: usize = 512;
/// A longer user agent is not remembered.
const AGENT_MAX: usize = 512;

/// A binder that remembers. Bounded: a client that finds its place taken takes it over.
pub struct MarkMemo {
    binder: Binder,
    hasher: RandomState,
    slots: Mutex<Slots>,
}

struct Slots {
    agents: Vec<Option<(Box<[u8]>, Mark)>>,
    addresses: Vec<Option<(IpAddr, IpMark)>>,
}

impl std::fmt::Debug for MarkMemo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MarkMemo(redacted)")
    }
}

impl MarkMemo {
    /// One that has seen nobody.
    pub fn new(binder: Binder) -> Self {
        let slots = Slots { agents: vec![None; SLOTS], addresses: vec![None; SLOTS] };
        Self { binder, hasher: RandomState::default(), slots: Mutex::new(slots) }
    }

    /// Whether these are the marks that `binder`, or a clone of it, makes.
    pub fn is_of(&self, binder: &Binder) -> bool {
        Arc::ptr_eq(&self.binder.0, &binder.0)
    }

    fn place(&self, of: impl Hash) -> usize {
        usize::try_from(self.hasher.hash_one(of) % SLOTS as u64).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, Slots> {
        // Nothing under this lock can panic half-way.
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Marks for MarkMemo {
    fn user_agent(&self, value: &[u8]) -> Mark {
        if value.len() > AGENT_MAX {
            return self.binder.user_agent(value);
        }
        let place = self.place(value);
        let mut slots = self.lock();
        let Some(slot) = slots.agents.get_mut(place) else {
            return self.binder.user_agent(value);
        };
        match slot {
            Some((known, mark)) if **known == *value => *mark,
            _ => {
                let mark = self.binder.user_agent(value);
                *slot = Some((value.into(), mark));
                mark
            }
        }
    }

    fn ip(&self, address: IpAddr) -> IpMark {
        let place = self.place(address);
        let mut slots = self.lock();
        let Some(slot) = slots.addresses.get_mut(place) else {
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
