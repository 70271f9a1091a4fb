//! Owns: keeping an issuer's key set current without opening a socket: the caller brings [`Fetch`] and
//! the time. One fetch at a time, a cooldown after an answer that helped nobody, old keys kept while
//! the issuer is away. An issuer that cannot be reached is never the sender's fault.

mod fetch;
mod fresh;
mod state;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;

use crate::algorithm::Algorithm;
use crate::jws::{self, JwsError, VerifiedJws};
use crate::keyset::{KeySet, KeySetError};

pub use fetch::{Fetch, FetchError, Fetched, max_age};
use fresh::FreshSet;
use state::{Asked, Flight, Loaded, State};

/// How long a [`Fetch`] may take.
pub const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
/// Seconds after a fetch that failed, or that a token with an unknown `kid` asked for, in which no
/// other one is made.
pub const COOLDOWN_SECS: u64 = 30;
/// Seconds for which keys are used while newer ones cannot be had.
pub const STALE_SECS: u64 = 24 * 60 * 60;

/// There are no keys to judge a token with. Not the sender's fault: answer 503, never 401.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeysUnavailable {
    /// The key set could not be had.
    #[error("no key set: {0}")]
    Fetch(#[from] FetchError),
    /// The issuer's answer is no usable key set.
    #[error("no key set: {0}")]
    KeySet(#[from] KeySetError),
}

impl KeysUnavailable {
    /// A short stable code for metrics and logs.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Fetch(FetchError::Network(_)) => "jwks_unreachable",
            Self::Fetch(FetchError::Timeout) => "jwks_timeout",
            Self::Fetch(FetchError::Status(_)) => "jwks_status",
            Self::Fetch(FetchError::TooLarge) => "jwks_too_large",
            Self::KeySet(error) => error.reason(),
        }
    }
}

/// Why a token was not accepted with keys that are fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The token is at fault.
    #[error(transparent)]
    Token(#[from] JwsError),
    /// The keys are.
    #[error(transparent)]
    Unavailable(#[from] KeysUnavailable),
}

impl VerifyError {
    /// A short stable code for metrics and logs.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Token(error) => error.reason(),
            Self::Unavailable(error) => error.reason(),
        }
    }
}

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

    /// Checks the signature of `compact`, asking the issuer once for newer keys where its key is not
    /// known. `now` is in seconds since the epoch.
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
        let keys = self.current(now).await?;
        match jws::verify(compact, &keys, allowed) {
            Err(JwsError::UnknownKey) => {
                let newer = self.newer_than(&keys, now).await?.ok_or(JwsError::UnknownKey)?;
                Ok(jws::verify(compact, &newer, allowed)?)
            }
            outcome => Ok(outcome?),
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

    /// A newer set than `seen`, for a token whose key is not in it; `None` where the issuer was asked
    /// too recently to be asked again. `now` is in seconds since the epoch.
    ///
    /// # Errors
    /// [`KeysUnavailable`] where the issuer cannot say whether it has such a key.
    pub async fn newer_than(
        &self,
        seen: &Arc<KeySet>,
        now: u64,
    ) -> Result<Option<Arc<KeySet>>, KeysUnavailable> {
        let flight = {
            let mut state = self.lock();
            if let Some(keys) = state.usable(now).filter(|keys| !Arc::ptr_eq(keys, seen)) {
                return Ok(Some(keys));
            }
            match (state.flight(now), state.cooling(now)) {
                (Some(flight), _) => flight,
                (None, Some(why)) => return Err(why),
                (None, None) if state.asked_for_unknown_key(now) => return Ok(None),
                (None, None) => self.start(&mut state, now, Asked::ForUnknownKey),
            }
        };
        flight.await.map(Some)
    }

    fn start(&self, state: &mut State, now: u64, asked: Asked) -> Flight {
        let source = Arc::clone(&self.source);
        let (shared, fresh) = (Arc::downgrade(&self.state), Arc::clone(&self.fresh));
        let fetching: Pin<Box<dyn Future<Output = _> + Send>> = Box::pin(async move {
            let loaded = source.load().await;
            if let Some(state) = shared.upgrade() {
                lock(&state).settle(&loaded, now, asked);
                fresh.settle(&loaded, now);
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
