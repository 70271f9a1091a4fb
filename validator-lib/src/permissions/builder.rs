//! Owns: what can be set on a cache of rights.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::cache::{Inner, PermissionCache};
use super::memory::{Lives, Memory};
#[cfg(feature = "redis")]
use super::redis::RedisTier;
use super::source::{AnySource, PermissionSource};
use super::tier::Tier;

/// How long rights are told without asking again, unless set.
pub const DEFAULT_LIFE: Duration = Duration::from_secs(60);
/// How long somebody is unknown without asking again, unless set.
pub const DEFAULT_UNKNOWN_LIFE: Duration = Duration::from_secs(10);
/// For how much longer rights are told while the source fails, unless set.
pub const DEFAULT_STALE: Duration = Duration::from_secs(300);
/// How long a source may take, unless set.
pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(2);
/// What the rights that are kept may take in memory, unless set, in bytes.
pub const DEFAULT_BYTES: u64 = 16 << 20;

pub(super) type Clock = Box<dyn Fn() -> Duration + Send + Sync>;

/// A cache in the making.
#[must_use]
pub struct Builder {
    source: Box<dyn AnySource>,
    lives: Lives,
    deadline: Duration,
    bytes: u64,
    tenant: Option<String>,
    clock: Option<Clock>,
    tier: Option<Tier>,
}

impl Builder {
    pub(super) fn new(source: impl PermissionSource) -> Self {
        Self {
            source: Box::new(source),
            lives: Lives {
                known: DEFAULT_LIFE,
                unknown: DEFAULT_UNKNOWN_LIFE,
                stale: DEFAULT_STALE,
            },
            deadline: DEFAULT_DEADLINE,
            bytes: DEFAULT_BYTES,
            tenant: None,
            clock: None,
            tier: None,
        }
    }

    /// Shares rights with other processes, and hears from them who has changed.
    #[cfg(feature = "redis")]
    pub fn shared(mut self, tier: RedisTier) -> Self {
        self.tier = Some(tier);
        self
    }

    /// How long rights are told without asking again, a minute unless set. It is also how long a process that
    /// cannot hear of changes may go by old ones.
    pub fn life(mut self, life: Duration) -> Self {
        self.lives.known = life;
        self
    }

    /// How long somebody whom the source does not know is denied without asking again, ten seconds unless set.
    pub fn unknown_life(mut self, life: Duration) -> Self {
        self.lives.unknown = life;
        self
    }

    /// For how long beyond their life rights that were not invalidated are told while the source fails, five
    /// minutes unless set; zero for not at all. Where rights are shared, only while changes are heard of.
    pub fn stale(mut self, stale: Duration) -> Self {
        self.lives.stale = stale;
        self
    }

    /// How long the source may take, two seconds unless set.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// What the rights that are kept may take in memory, 16 MiB unless set; those that were asked for rarely
    /// make room.
    pub fn bytes(mut self, bytes: u64) -> Self {
        self.bytes = bytes;
        self
    }

    /// The claim that says which tenant the user of a token is of, as a path divided by dots. Without it, and
    /// where the claim is not exactly one string, users are of no tenant.
    pub fn tenant_claim(mut self, path: impl Into<String>) -> Self {
        self.tenant = Some(path.into());
        self
    }

    /// Where the time comes from: time since any moment, which never goes back. It is not that of the machine
    /// in the world, which may be set.
    pub fn clock(mut self, clock: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        self.clock = Some(Box::new(clock));
        self
    }

    /// The cache.
    pub fn build(self) -> PermissionCache {
        let began = Instant::now();
        let memory = Arc::new(Memory::new(self.lives, self.bytes));
        if let Some(tier) = &self.tier {
            tier.attach(&memory);
        }
        PermissionCache::of(Inner {
            source: self.source,
            memory,
            deadline: self.deadline,
            tenant: self.tenant,
            clock: self.clock.unwrap_or_else(|| Box::new(move || began.elapsed())),
            tier: self.tier,
        })
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("lives", &self.lives)
            .field("deadline", &self.deadline)
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}
