//! Owns: what issuers said of opaque tokens, and asking them once for all who wait (RFC 7662).
//!
//! Everything is bounded: answers that are kept, the time they count, and questions under way, because
//! anybody may show a token that nobody knows.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use ring::digest::{SHA256, digest};
use serde_json::{Map, Value};
use shell::shutdown::Shutdown;
use tokio::sync::Semaphore;

use super::entry::{Asking, Entry};
use super::refused::TokenRefused;
use crate::oidc::Introspected;
use crate::single_flight::SingleFlight;

/// Answers that are kept of either kind. Junk cannot push good ones out.
const KEPT: u64 = 10_000;
/// Longest life of a good answer in memory, in seconds, whatever the file says.
const LONGEST: u64 = 300;
/// How long "not active" counts, in seconds.
const INACTIVE_TTL: u64 = 5;
/// Questions under way at once; one more is 503.
const QUESTIONS: usize = 64;

/// What an issuer said of an active token.
pub(super) type Claims = Arc<Map<String, Value>>;

/// SHA-256 over the issuer and the token.
type Name = [u8; 32];

#[derive(Clone)]
struct Good {
    claims: Claims,
    until: u64,
}

#[derive(Debug, Clone, Copy)]
enum NoAnswer {
    Inactive,
    Away(&'static str),
}

/// Answers, and questions under way.
pub(super) struct Introspector {
    good: Cache<Name, Good>,
    bad: Cache<Name, u64>,
    asking: SingleFlight<Name, Result<Claims, NoAnswer>>,
    room: Arc<Semaphore>,
    tasks: Shutdown,
}

impl Introspector {
    pub(super) fn new(tasks: Shutdown) -> Self {
        let kept = |seconds| Duration::from_secs(seconds);
        Self {
            good: Cache::builder().max_capacity(KEPT).time_to_live(kept(LONGEST)).build(),
            bad: Cache::builder().max_capacity(KEPT).time_to_live(kept(INACTIVE_TTL)).build(),
            asking: SingleFlight::default(),
            room: Arc::new(Semaphore::new(QUESTIONS)),
            tasks,
        }
    }

    /// What the issuer of `entry` says of `token`: its claims, if it is active.
    ///
    /// # Errors
    /// 401 if it is not active, 503 if the issuer cannot be asked.
    ///
    /// # Cancel safety
    /// Dropped, it leaves a question under way to others.
    pub(super) async fn ask(
        &self,
        entry: &Arc<Entry>,
        token: &str,
        now: u64,
    ) -> Result<Claims, TokenRefused> {
        let name = name(&entry.issuer, token);
        if let Some(good) = self.good.get(&name).filter(|good| now < good.until) {
            return Ok(good.claims);
        }
        if self.bad.get(&name).is_some_and(|until| now < until) {
            return Err(TokenRefused::invalid("inactive"));
        }
        let Some(asking) = &entry.introspection else {
            return Err(TokenRefused::invalid("opaque"));
        };
        let work = || self.question(asking, name, token, now);
        match self.asking.run(name, &self.tasks, work).await {
            Some(Ok(claims)) => Ok(claims),
            Some(Err(NoAnswer::Inactive)) => Err(TokenRefused::invalid("inactive")),
            Some(Err(NoAnswer::Away(reason))) => Err(TokenRefused::unavailable(reason)),
            None => Err(TokenRefused::unavailable("introspection_died")),
        }
    }

    fn question(
        &self,
        asking: &Asking,
        name: Name,
        token: &str,
        now: u64,
    ) -> impl Future<Output = Result<Claims, NoAnswer>> + Send + 'static {
        let (good, bad, room) = (self.good.clone(), self.bad.clone(), Arc::clone(&self.room));
        let (party, url, ttl) = (Arc::clone(&asking.party), asking.url.clone(), asking.ttl);
        let token = secrecy::SecretString::from(token);
        async move {
            let Ok(_place) = room.try_acquire() else {
                return Err(NoAnswer::Away("introspection_busy"));
            };
            let token = secrecy::ExposeSecret::expose_secret(&token);
            let Introspected { active, claims } =
                match party.introspect(url.as_ref(), token, now).await {
                    Ok(answer) => answer,
                    Err(error) => {
                        tracing::warn!(reason = error.reason(), "introspection failed");
                        return Err(NoAnswer::Away(error.reason()));
                    }
                };
            if !active {
                bad.insert(name, now.saturating_add(INACTIVE_TTL));
                return Err(NoAnswer::Inactive);
            }
            let claims = Arc::new(claims);
            let exp = claims.get("exp").and_then(Value::as_u64).unwrap_or(u64::MAX);
            let until = exp.min(now.saturating_add(ttl));
            good.insert(name, Good { claims: Arc::clone(&claims), until });
            Ok(claims)
        }
    }
}

impl fmt::Debug for Introspector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Introspector").finish_non_exhaustive()
    }
}

fn name(issuer: &str, token: &str) -> Name {
    let mut text = zeroize::Zeroizing::new(Vec::with_capacity(issuer.len() + 1 + token.len()));
    text.extend_from_slice(issuer.as_bytes());
    text.push(b' ');
    text.extend_from_slice(token.as_bytes());
    let mut name = [0; 32];
    name.iter_mut().zip(digest(&SHA256, &text).as_ref()).for_each(|(to, from)| *to = *from);
    name
}
