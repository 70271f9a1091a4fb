//! Owns: whether a request is one too many (DESIGN section 6).
//!
//! [`RateLimiter::admit`] answers for one rule and one caller: from permits that this process holds, else from
//! the store, which counts for all replicas in one atomic round trip, else, while the store is away, from a
//! count of our own. Nobody is refused because the store is away. A limiter knows no rules: whoever has one,
//! of the configuration, a route or a tenant, brings it along.

mod bounded;
mod file;
mod key;
mod leases;
mod refusal;
mod rules;
mod stand_in;

use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use session::any::AnyStore;
use session::id::StoreKey;
use session::permits::Grant;
use session::seal::SessionKeys;
use session::shelf::Shelf as _;
use shell::sampled::Sampled;

pub use file::{Key, RuleFile};
use key::Name;
use leases::{Leases, Local};
pub use refusal::RateLimited;
pub use rules::{RateLimits, Rule};
use stand_in::StandIn;

use crate::metrics;

/// Longest wait for the store. A limit that costs more time than most requests take protects nobody.
const PATIENCE: Duration = Duration::from_millis(100);
/// Pause after a store that was slower: its own time-outs are longer, so it would not be noticed to stand still.
const PAUSE: Duration = Duration::from_secs(1);

/// Whose requests are counted together, of one tenant's.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'a> {
    /// Those of one IPv4 address, one IPv6 network of 64 bits, or of all whose address nobody knows.
    Ip(Option<IpAddr>),
    /// Those of one session.
    Session(&'a StoreKey),
    /// Those of one user.
    User {
        /// Who vouches for the user.
        issuer: &'a str,
        /// The user's id there.
        id: &'a [u8],
    },
    /// All of the tenant's.
    Tenant,
    /// Those in the name of an issuer, apart for each address that they come from: whoever only claims to be
    /// the issuer uses up nothing of what is the issuer's own.
    Issuer(&'a str, Option<IpAddr>),
}

/// Counts requests.
#[derive(Debug)]
pub struct RateLimiter {
    store: AnyStore,
    keys: SessionKeys,
    leases: Leases,
    stand_in: StandIn,
    /// Until when the store is not asked, because it was too slow.
    spared: Mutex<Option<Instant>>,
    told: Sampled,
}

impl RateLimiter {
    /// Counts in `store`, under names that only holders of `keys` can make.
    pub fn new(store: AnyStore, keys: SessionKeys) -> Self {
        let (leases, stand_in) = (Leases::default(), StandIn::default());
        let (spared, told) = (Mutex::default(), Sampled::default());
        Self { store, keys, leases, stand_in, spared, told }
    }

    /// Counts one request of `subject` by `rule`; without a rule there is no limit. What is counted for one
    /// `tenant` is nothing to another; it is empty where there are none, and for what is no tenant's.
    ///
    /// # Errors
    /// [`RateLimited`] if it is one too many; then it does not count.
    ///
    /// # Cancel safety
    /// A request that is dropped while it waits may have been counted, at most with the batch of permits
    /// that was asked for in its name.
    pub async fn admit(
        &self,
        rule: Option<&Rule>,
        tenant: &str,
        subject: Subject<'_>,
    ) -> Result<(), RateLimited> {
        let Some(rule) = rule else { return Ok(()) };
        let name = Name::of(&self.keys, rule, tenant, subject);
        let asked_at = Instant::now();
        let want = match self.leases.take(name, asked_at) {
            Local::Admitted => return Ok(()),
            Local::Refused(back_in) => return Err(rule.refusal(back_in)),
            Local::Ask(want) => want,
        };
        let grant = match self.ask(name, rule, want).await {
            Ok(grant) => {
                self.leases.put(name, rule.quota, asked_at, &grant);
                grant
            }
            Err(reason) => {
                metrics::rate_limited_alone(reason);
                self.stand_in.take(name, rule.quota, asked_at)
            }
        };
        if grant.permits > 0 { Ok(()) } else { Err(rule.refusal(grant.back_in)) }
    }

    /// Tells of a refusal by `write`, if it is its turn: a flood writes ten lines a second. `write` is told
    /// how many were left out before.
    pub(crate) fn told(&self, write: impl FnOnce(u64)) {
        self.told.line(Instant::now(), write);
    }

    /// What the store gives, or why it gave no answer.
    async fn ask(&self, name: Name, rule: &Rule, want: u32) -> Result<Grant, &'static str> {
        if self.spared().is_some_and(|until| Instant::now() < until) {
            return Err("too_slow");
        }
        let text = name.text();
        let asked = self.store.take_permits(&text, rule.quota, want);
        if let Ok(answer) = tokio::time::timeout(PATIENCE, asked).await {
            return answer.map_err(|error| error.reason());
        }
        *self.spared() = Some(Instant::now() + PAUSE);
        Err("too_slow")
    }

    fn spared(&self) -> MutexGuard<'_, Option<Instant>> {
        self.spared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
