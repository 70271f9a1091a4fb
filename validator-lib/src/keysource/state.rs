//! Owns: what a source of keys remembers, and when it may ask again.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::future::Shared;

use super::{COOLDOWN_SECS, FETCH_TIMEOUT, KeysUnavailable, STALE_SECS};
use crate::keyset::KeySet;

const MIN_TTL_SECS: u64 = 60;
const MAX_TTL_SECS: u64 = 60 * 60;

/// A key set and the `max-age` it came with.
pub(super) type Loaded = Result<(Arc<KeySet>, Option<u64>), KeysUnavailable>;
pub(super) type Outcome = Result<Arc<KeySet>, KeysUnavailable>;
pub(super) type Flight = Shared<Pin<Box<dyn Future<Output = Outcome> + Send>>>;

/// What a fetch is made for.
pub(super) enum Asked {
    /// A set that is not there yet, or no longer fresh.
    ByAge,
    /// An unknown key, by the name it has in a token.
    For(Option<String>),
}

/// A fetch at its beginning.
pub(super) struct Departure {
    number: u64,
    pub(super) began: u64,
    asked: Asked,
}

#[derive(Default)]
pub(super) struct State {
    held: Option<Held>,
    /// The last fetch that failed and the time it began; gone with the next good one.
    failed: Option<(u64, KeysUnavailable)>,
    /// When the last fetch for an unknown key began that did not bring it. Tokens can be invented, so
    /// only such a fetch has the next one wait; keys cannot, so one that was of use need not.
    asked_in_vain: Option<u64>,
    /// The fetch under way and when it began. Kept here, so that one whose callers all went away is
    /// carried on by the next of them.
    flight: Option<(u64, Flight)>,
    /// How many fetches there were.
    departures: u64,
    /// The latest of them that has ended.
    settled: u64,
}

struct Held {
    keys: Arc<KeySet>,
    fetched_at: u64,
    ttl: u64,
}

impl State {
    /// A fetch that nobody carried on for so long has run into its time limit, and its answer says
    /// nothing about the issuer as it is now.
    pub(super) fn flight(&self, now: u64) -> Option<Flight> {
        let (began, flight) = self.flight.as_ref()?;
        within(*began, 2 * FETCH_TIMEOUT.as_secs(), now).then(|| flight.clone())
    }

    pub(super) fn usable(&self, now: u64) -> Option<Arc<KeySet>> {
        let held = self.held.as_ref()?;
        within(held.fetched_at, STALE_SECS, now).then(|| Arc::clone(&held.keys))
    }

    pub(super) fn is_fresh(&self, now: u64) -> bool {
        self.held.as_ref().is_some_and(|held| within(held.fetched_at, held.ttl, now))
    }

    pub(super) fn cooling(&self, now: u64) -> Option<KeysUnavailable> {
        let (at, why) = self.failed.as_ref()?;
        within(*at, COOLDOWN_SECS, now).then(|| why.clone())
    }

    pub(super) fn asked_in_vain(&self, now: u64) -> bool {
        self.asked_in_vain.is_some_and(|at| within(at, COOLDOWN_SECS, now))
    }

    /// When the fetch began that brought the keys.
    pub(super) fn fetched_at(&self) -> Option<u64> {
        self.held.as_ref().map(|held| held.fetched_at)
    }

    pub(super) fn depart(&mut self, now: u64, asked: Asked) -> Departure {
        self.departures += 1;
        Departure { number: self.departures, began: now, asked }
    }

    /// Takes the flight off and keeps what it brought, unless a later one was faster; says whether it did.
    pub(super) fn settle(&mut self, loaded: &Loaded, departure: &Departure) -> bool {
        if departure.number == self.departures {
            self.flight = None;
        }
        if departure.number < self.settled {
            return false;
        }
        self.settled = departure.number;
        let began = departure.began;
        if let Asked::For(kid) = &departure.asked {
            let found = loaded.as_ref().is_ok_and(|(keys, _)| keys.has(kid.as_deref()));
            self.asked_in_vain = (!found).then_some(began);
        }
        match loaded {
            Ok((keys, max_age)) => {
                self.failed = None;
                let keys = Arc::clone(keys);
                self.held = Some(Held { keys, fetched_at: began, ttl: ttl(*max_age) });
            }
            Err(why) => self.failed = Some((began, why.clone())),
        }
        true
    }

    pub(super) fn take_off(&mut self, flight: Flight, now: u64) {
        self.flight = Some((now, flight));
    }
}

/// For how many seconds a set is fresh.
pub(super) fn ttl(max_age: Option<u64>) -> u64 {
    max_age.unwrap_or(MAX_TTL_SECS).clamp(MIN_TTL_SECS, MAX_TTL_SECS)
}

/// Whether `now` lies less than `span` from `from`, to either side: a clock that was set back must not
/// stretch a cooldown or keep old keys fresh.
pub(super) fn within(from: u64, span: u64, now: u64) -> bool {
    now.abs_diff(from) < span
}
