//! Owns: access tokens as verify hands them on (`FORWARDAUTH_AUTHORIZATION=access`): kept in memory until
//! they near their end, and asked from the BFF once for all who wait in this thread.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::HeaderValue;
use metrics::Histogram;
use moka::Expiry;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use session::id::{SessionId, StoreKey};
use shell::clock::Clock;
use tokio::sync::watch;

use super::answer::{AskError, Token};
use super::client::Client;
use crate::config::AccessSettings;
use crate::metrics as names;

/// Seconds before its expiry from which a token is not handed on any more: it would die on the way. The
/// BFF has the same two, so that it gives no token that is not kept.
const DYING: u64 = 2;
/// Longest use in seconds of a token whose end nobody knows.
const UNKNOWN_LIFE: u64 = 60;
/// Most questions of one thread under way.
const FLIGHTS_MAX: usize = 512;
/// What an entry takes beside its token.
const ENTRY_BYTES: u32 = 256;

/// The tokens of one thread.
pub(super) struct Access {
    client: Arc<Client>,
    clock: Arc<dyn Clock>,
    wait: Duration,
    kept: Cache<StoreKey, Kept>,
    flights: Mutex<HashMap<Version, watch::Receiver<Option<Outcome>>>>,
    waited: Histogram,
}

/// A session and the version of its tokens, as the edge view knows it.
type Version = (StoreKey, u64);
type Outcome = Result<HeaderValue, AskError>;

#[derive(Clone)]
struct Kept {
    version: u64,
    authorization: HeaderValue,
    /// Last second of use, since the epoch.
    until: u64,
    /// The same from when it came, for the cache, which throws away by itself what is over.
    life: Duration,
}

struct ByLife;

impl Expiry<StoreKey, Kept> for ByLife {
    fn expire_after_create(&self, _: &StoreKey, kept: &Kept, _: Instant) -> Option<Duration> {
        Some(kept.life)
    }

    fn expire_after_update(
        &self,
        _: &StoreKey,
        kept: &Kept,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(kept.life)
    }
}

impl Access {
    pub(super) fn new(
        settings: AccessSettings,
        client: Arc<Client>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let bytes = |_: &StoreKey, kept: &Kept| {
            let token = u32::try_from(kept.authorization.len()).unwrap_or(u32::MAX);
            token.saturating_add(ENTRY_BYTES)
        };
        let kept = Cache::builder()
            .max_capacity(settings.kept_bytes)
            .weigher(bytes)
            .eviction_policy(EvictionPolicy::lru())
            .expire_after(ByLife)
            .build();
        Self {
            client,
            clock,
            wait: settings.wait,
            kept,
            flights: Mutex::default(),
            waited: names::refresh_wait(),
        }
    }

    /// The kept token of this version, if it lives at `now`. One of another version goes at once.
    pub(super) fn kept(&self, key: &StoreKey, version: u64, now: u64) -> Option<HeaderValue> {
        let kept = self.kept.get(key)?;
        if kept.version != version {
            self.kept.invalidate(key);
            return None;
        }
        (now <= kept.until).then_some(kept.authorization)
    }

    /// Asks the BFF, or joins who did, and waits no longer than `FORWARDAUTH_REFRESH_WAIT_MS`.
    ///
    /// # Errors
    /// [`AskError`].
    ///
    /// # Cancel safety
    /// A dropped wait leaves the question going on, and its answer is kept.
    pub(super) async fn ask(self: Arc<Self>, version: Version, id: SessionId) -> Outcome {
        let begun = Instant::now();
        let mut flight = self.join(version, id)?;
        let landed = tokio::time::timeout(self.wait, flight.wait_for(Option::is_some)).await;
        self.waited.record(begun.elapsed());
        match landed {
            Ok(Ok(outcome)) => outcome.clone().unwrap_or(Err(AskError::Interrupted)),
            Ok(Err(_)) => Err(AskError::Interrupted),
            Err(_) => Err(AskError::Timeout),
        }
    }

    fn join(
        self: &Arc<Self>,
        version: Version,
        id: SessionId,
    ) -> Result<watch::Receiver<Option<Outcome>>, AskError> {
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = flights.get(&version) {
            return Ok(flight.clone());
        }
        if flights.len() >= FLIGHTS_MAX {
            names::bff_asked("token", AskError::Busy.reason());
            return Err(AskError::Busy);
        }
        let (sender, receiver) = watch::channel(None);
        flights.insert(version, receiver.clone());
        let landing = Landing { access: Arc::clone(self), version };
        drop(tokio::spawn(async move {
            let outcome = landing.access.client.token(&id).await;
            let outcome = outcome.map(|token| landing.access.keep(version, token));
            sender.send_replace(Some(outcome));
        }));
        Ok(receiver)
    }

    fn keep(&self, (key, version): Version, token: Token) -> HeaderValue {
        let now = self.clock.unix_seconds();
        let end = token.expires_at.unwrap_or(now.saturating_add(UNKNOWN_LIFE));
        let until = end.saturating_sub(DYING.saturating_add(1));
        if now <= until {
            let life = Duration::from_secs(end.saturating_sub(now));
            let authorization = token.authorization.clone();
            self.kept.insert(key, Kept { version, authorization, until, life });
        }
        token.authorization
    }
}

/// Takes the question off the list, also where it panics: nobody may join what never ends.
struct Landing {
    access: Arc<Access>,
    version: Version,
}

impl Drop for Landing {
    fn drop(&mut self) {
        let flights = &self.access.flights;
        flights.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.version);
    }
}
