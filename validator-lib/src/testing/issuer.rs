//! Owns: an issuer without sockets: keys, metadata, a clock, and faults on demand.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use super::{Clock, DpopKey, ISSUER, Mint, Revocations, SigningKey};
use crate::algorithm::Algorithm;
use crate::keysource::{Fetch, FetchError, Fetched, RemoteKeys};
use crate::validator::{Builder, TrustedIssuer};

/// An issuer of access tokens, all in memory. Clones are the same issuer.
///
/// As a [`Fetch`] it answers with its metadata and its keys; nothing else is at its addresses.
#[derive(Clone)]
pub struct Issuer {
    inner: Arc<Inner>,
}

struct Inner {
    url: String,
    clock: Clock,
    revocations: Revocations,
    fetches: AtomicUsize,
    state: Mutex<State>,
}

struct State {
    keys: HashMap<(u32, Algorithm), Arc<SigningKey>>,
    /// The generation of keys that signs, and those that are published.
    signs: u32,
    published: Vec<u32>,
    further: Vec<Value>,
    away: bool,
    answer: Option<Result<Fetched, FetchError>>,
}

impl Issuer {
    /// The issuer [`ISSUER`], with a key for each algorithm.
    pub fn new() -> Self {
        Self::at(ISSUER)
    }

    /// An issuer of another name, as in `https://login.example.net`.
    pub fn at(url: impl Into<String>) -> Self {
        let (url, clock) = (url.into(), Clock::new());
        let revocations = Revocations::new(&url, clock.clone());
        let state = State {
            keys: HashMap::new(),
            signs: 1,
            published: vec![1],
            further: Vec::new(),
            away: false,
            answer: None,
        };
        let (fetches, state) = (AtomicUsize::new(0), Mutex::new(state));
        Self { inner: Arc::new(Inner { url, clock, revocations, fetches, state }) }
    }

    /// Its name, the claim `iss`.
    pub fn url(&self) -> &str {
        &self.inner.url
    }

    /// Where its keys are.
    pub fn jwks_uri(&self) -> String {
        format!("{}/jwks", self.inner.url)
    }

    /// Its clock. The validators it makes follow it.
    pub fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    /// The time on its clock, in seconds since the epoch.
    pub fn now(&self) -> u64 {
        self.inner.clock.now()
    }

    /// Moves its clock on by so many seconds.
    pub fn advance(&self, seconds: u64) {
        self.inner.clock.advance(seconds);
    }

    /// A validator of its tokens for `audience`, with its clock, that fetches its keys when they are first
    /// needed. Set what the service sets, and [`build`](Builder::build) it.
    pub fn validator(&self, audience: impl Into<String>) -> Builder {
        let clock = self.inner.clock.clone();
        Builder::new(self.trusted(audience)).clock(move || clock.now())
    }

    /// Itself as one of several issuers of a validator, with keys that are fetched when they are needed.
    pub fn trusted(&self, audience: impl Into<String>) -> TrustedIssuer {
        let keys = RemoteKeys::new(self.clone(), self.jwks_uri());
        TrustedIssuer::new(self.url(), audience).remote_keys(keys)
    }

    /// A token in the making, issued now.
    pub fn mint(&self) -> Mint {
        Mint::new(self.clone())
    }

    /// A new `ES256` key of a client, whose proofs are made when this issuer's clock says.
    ///
    /// # Panics
    /// Where the machine has no randomness to give.
    pub fn dpop_key(&self) -> DpopKey {
        DpopKey::with(Algorithm::ES256, self.inner.clock.clone())
    }

    /// The tokens it revoked: give it to [`Builder::denylist`].
    pub fn revocations(&self) -> Revocations {
        self.inner.revocations.clone()
    }

    /// Signs with new keys from now on, publishes them, and withdraws the old ones.
    pub fn rotate(&self) {
        let mut state = self.state();
        state.signs += 1;
        state.published = vec![state.signs];
    }

    /// Whether it cannot be reached.
    pub fn outage(&self, away: bool) {
        self.state().away = away;
    }

    /// Answers every fetch with `answer`, in place of its documents.
    pub fn answer_with(&self, answer: Option<Result<Fetched, FetchError>>) {
        self.state().answer = answer;
    }

    /// How often a document was asked for, in vain or not.
    pub fn fetches(&self) -> usize {
        self.inner.fetches.load(Ordering::SeqCst)
    }

    /// The key it signs with by `algorithm`.
    ///
    /// # Panics
    /// Where the machine has no randomness to give.
    pub fn key(&self, algorithm: Algorithm) -> Arc<SigningKey> {
        let mut state = self.state();
        let generation = state.signs;
        state.key(generation, algorithm)
    }

    /// The name under which that key is published.
    pub fn kid(&self, algorithm: Algorithm) -> String {
        kid(self.state().signs, algorithm)
    }

    /// The generation of keys that signs; the next one is this plus one.
    #[cfg(feature = "http")]
    pub(super) fn generation(&self) -> u32 {
        self.state().signs
    }

    /// Which generations sign and are published, which a case of the corpus sets and sets back.
    #[cfg(feature = "http")]
    pub(super) fn publish(&self, signs: u32, published: Vec<u32>) {
        let mut state = self.state();
        state.signs = signs;
        state.published = published;
    }

    /// Publishes a key that it does not hold.
    #[cfg(feature = "http")]
    pub(super) fn publish_further(&self, jwk: Value) {
        let mut state = self.state();
        if !state.further.contains(&jwk) {
            state.further.push(jwk);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn document(&self, url: &str) -> Result<Fetched, FetchError> {
        let issuer = self.url();
        let mut state = self.state();
        if let Some(answer) = &state.answer {
            return answer.clone();
        }
        if state.away {
            return Err(FetchError::Network("the issuer is away".to_owned()));
        }
        let document = match url.strip_prefix(issuer) {
            Some("/.well-known/openid-configuration") => {
                json!({"issuer": issuer, "jwks_uri": self.jwks_uri()})
            }
            Some("/jwks") => json!({ "keys": state.jwks() }),
            _ => return Err(FetchError::Status(404)),
        };
        Ok(Fetched { body: document.to_string().into_bytes(), max_age: None })
    }
}

impl State {
    fn key(&mut self, generation: u32, algorithm: Algorithm) -> Arc<SigningKey> {
        let key = self.keys.entry((generation, algorithm));
        Arc::clone(key.or_insert_with(|| Arc::new(SigningKey::new(algorithm))))
    }

    fn jwks(&mut self) -> Vec<Value> {
        let mut keys = self.further.clone();
        for generation in self.published.clone() {
            for algorithm in Algorithm::ALL {
                let key = self.key(generation, *algorithm);
                keys.push(key.jwk(&kid(generation, *algorithm)));
            }
        }
        keys
    }
}

fn kid(generation: u32, algorithm: Algorithm) -> String {
    format!("{}-{generation}", algorithm.name().to_ascii_lowercase())
}

impl Fetch for Issuer {
    async fn get(&self, url: &str) -> Result<Fetched, FetchError> {
        self.inner.fetches.fetch_add(1, Ordering::SeqCst);
        let document = self.document(url);
        // Two callers of one moment have to meet in here, and an answer is a moment old when it comes.
        tokio::task::yield_now().await;
        document
    }
}

impl Default for Issuer {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuer").field("url", &self.inner.url).finish_non_exhaustive()
    }
}
