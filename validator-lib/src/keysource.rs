//! Owns: keeping an issuer's key set current without opening a socket: the caller brings [`Fetch`] and
//! the time. One fetch at a time, a cooldown after an answer that helped nobody, old keys kept while
//! the issuer is away. An issuer that cannot be reached, or was asked too recently to be asked again, is
//! never the sender's fault.

mod error;
mod fetch;
mod fresh;
mod sought;
mod state;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;

use crate::algorithm::Algorithm;
use crate::jws::{self, JwsError, VerifiedJws};
use crate::keyset::KeySet;

pub use error::{KeysUnavailable, VerifyError};
pub use fetch::{Fetch, FetchError, Fetched, max_age};
use fresh::FreshSet;
use sought::Sought;
use state::{Asked, Flight, Loaded, State};

/// How long a [`Fetch`] may take.
pub const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
/// Seconds after a fetch that failed, or that did not bring the key of the token it was made for, in
/// which no other one is made.
pub const COOLDOWN_SECS: u64 = 30;
/// Seconds for which keys are used while newer ones cannot be had.
pub const STALE_SECS: u64 = 24 * 60 * 60;

/// The key set at one URL, kept current. Clones share it.
pub struct RemoteKeys<F> {
    source: Arc<Source<F>>,
    state: Arc<Mutex<State>>,
    fresh: Arc<FreshSet>,
}

impl<F: Fetch> RemoteKeys<F> {
    /// Keys from `url`, which is fetched when they are first needed.
    pub fn new(fetch: F, url: impl Into<String>) -> Self {
        Self {
            source: Arc::new(Source { fetch, url: url.into() }),
            state: Arc::new(Mutex::new(State::default())),
            fresh: Arc::default(),
        }
    }

    /// Which set is in use, if it is fresh, without a lock.
    pub(crate) fn fresh_set(&self, now: u64) -> Option<u64> {
        self.fresh.id(now)
    }

    /// The set that is in use, if it is fresh. Waits for nobody.
    pub(crate) fn fresh(&self, now: u64) -> Option<Arc<KeySet>> {
        let state = self.lock();
        if state.is_fresh(now) { state.usable(now) } else { None }
    }

    /// Checks the signature of `compact`, asking the issuer for newer keys where its key is not known.
    /// `now` is in seconds since the epoch.
    ///
    /// # Errors
    /// [`VerifyError`], which says whether the token or the issuer is at fault.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing: a fetch under way is carried on by the next caller.
    pub async fn verify(
        &self,
        compact: &str,
        allowed: &[Algorithm],
        now: u64,
    ) -> Result<VerifiedJws, VerifyError> {
        let mut keys = self.current(now).await?;
        let mut sought = None;
        loop {
            match jws::verify(compact, &keys, allowed) {
                Err(JwsError::UnknownKey) => {}
                outcome => return Ok(outcome?),
            }
            let sought = sought.get_or_insert_with(|| Sought::read(compact));
            keys = match self.newer_than(&keys, sought, now).await? {
                Newer::Set(keys) => keys,
                Newer::AskedFor(keys) => return Ok(jws::verify(compact, &keys, allowed)?),
                Newer::No => return Err(JwsError::UnknownKey.into()),
            }
        }
    }

    /// The key set, fetched where there is none yet or it is no longer fresh. `now` is in seconds
    /// since the epoch.
    ///
    /// # Errors
    /// [`KeysUnavailable`] where there is none that may still be used.
    pub async fn current(&self, now: u64) -> Result<Arc<KeySet>, KeysUnavailable> {
        let (flight, leads, held) = {
            let mut state = self.lock();
            let held = state.usable(now);
            if let Some(keys) = &held
                && state.is_fresh(now)
            {
                return Ok(Arc::clone(keys));
            }
            match (state.flight(now), state.cooling(now)) {
                (Some(flight), _) => (flight, false, held),
                (None, Some(why)) => return held.ok_or(why),
                (None, None) => (self.start(&mut state, now, Asked::ByAge), true, held),
            }
        };
        match held {
            // One caller waits for the newer set; the others push its fetch on and use what is there.
            Some(keys) if !leads => {
                let done = flight.now_or_never();
                Ok(done.and_then(Result::ok).unwrap_or(keys))
            }
            Some(keys) => Ok(flight.await.unwrap_or(keys)),
            None => flight.await,
        }
    }

    /// A newer set than `seen`, for a token whose key is not in it.
    async fn newer_than(
        &self,
        seen: &Arc<KeySet>,
        sought: &Sought,
        now: u64,
    ) -> Result<Newer, KeysUnavailable> {
        let (flight, leads) = {
            let mut state = self.lock();
            if let Some(keys) = state.usable(now).filter(|keys| !Arc::ptr_eq(keys, seen)) {
                return Ok(Newer::Set(keys));
            }
            match (state.flight(now), state.cooling(now)) {
                (Some(flight), _) => (flight, false),
                (None, Some(why)) => return Err(why),
                (None, None) if !state.asked_in_vain(now) => {
                    (self.start(&mut state, now, Asked::For(sought.kid.clone())), true)
                }
                (None, None) if state.fetched_at().is_some_and(|at| sought.is_older_than(at)) => {
                    return Ok(Newer::No);
                }
                (None, None) => return Err(KeysUnavailable::AskedTooRecently),
            }
        };
        // A fetch that was under way may have been answered before the key was published.
        flight.await.map(if leads { Newer::AskedFor } else { Newer::Set })
    }

    fn start(&self, state: &mut State, now: u64, asked: Asked) -> Flight {
        let source = Arc::clone(&self.source);
        let (shared, fresh) = (Arc::downgrade(&self.state), Arc::clone(&self.fresh));
        let departure = state.depart(now, asked);
        let fetching: Pin<Box<dyn Future<Output = _> + Send>> = Box::pin(async move {
            let loaded = source.load().await;
            if let Some(state) = shared.upgrade() {
                let mut state = lock(&state);
                if state.settle(&loaded, &departure) {
                    fresh.settle(&loaded, departure.began);
                }
            }
            loaded.map(|(keys, _)| keys)
        });
        let flight = fetching.shared();
        state.take_off(flight.clone(), now);
        flight
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl<F> Clone for RemoteKeys<F> {
    fn clone(&self) -> Self {
        Self {
            source: Arc::clone(&self.source),
            state: Arc::clone(&self.state),
            fresh: Arc::clone(&self.fresh),
        }
    }
}

impl<F> fmt::Debug for RemoteKeys<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteKeys").field("url", &self.source.url).finish_non_exhaustive()
    }
}

/// What there is for a token whose key is not in a set.
enum Newer {
    /// A newer set, perhaps older than the key.
    Set(Arc<KeySet>),
    /// A set that was asked for after the token was there.
    AskedFor(Arc<KeySet>),
    /// Nothing: a good token's key would be in the set.
    No,
}

struct Source<F> {
    fetch: F,
    url: String,
}

impl<F: Fetch> Source<F> {
    async fn load(&self) -> Loaded {
        let document = self.fetch.get(&self.url).await?;
        let keys = KeySet::from_jwks_json(&document.body)?;
        Ok((Arc::new(keys), document.max_age))
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
