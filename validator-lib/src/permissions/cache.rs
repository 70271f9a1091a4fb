//! Owns: the way of a question: this process, Redis, the source; and of an invalidation.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::timeout;

use super::builder::{Builder, Clock};
use super::memory::{Memory, Outcome, Place, Ticket};
use super::source::{AnySource, PermissionSource, SourceError};
use super::tier::{Found, Tier};
use super::{Rights, User};
use crate::accepted::Accepted;

/// Knows what users may do, and remembers it for a moment. Clones share what they remember.
#[derive(Clone)]
pub struct PermissionCache {
    inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) source: Box<dyn AnySource>,
    pub(super) memory: Arc<Memory>,
    pub(super) deadline: Duration,
    pub(super) tenant: Option<String>,
    pub(super) clock: Clock,
    pub(super) tier: Option<Tier>,
}

/// Why nothing can be said of a user. Whoever asks for a role or a permission is answered with 503.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unavailable {
    /// The source cannot say.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The source did not say in time.
    #[error("the source of rights did not answer in time")]
    Deadline,
    /// The source panicked.
    #[error("the source of rights failed")]
    Failed,
    /// Too many users are being asked about.
    #[error("too many users are being asked about")]
    Busy,
    /// There is no tokio runtime.
    #[error("no tokio runtime")]
    NoRuntime,
}

/// Redis could not be told of a change, or did not say that it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("redis could not be told of the change")]
pub struct InvalidateError;

/// The rights of a token's user.
#[derive(Clone)]
pub(crate) enum Held {
    Known(Option<Arc<Rights>>),
    Unavailable,
}

impl Held {
    pub(crate) fn rights(&self) -> Option<&Rights> {
        match self {
            Self::Known(rights) => rights.as_deref(),
            Self::Unavailable => None,
        }
    }
}

impl PermissionCache {
    /// A cache before `source`, with nothing set.
    pub fn new(source: impl PermissionSource) -> Self {
        Self::builder(source).build()
    }

    /// A cache before `source`.
    pub fn builder(source: impl PermissionSource) -> Builder {
        Builder::new(source)
    }

    pub(super) fn of(inner: Inner) -> Self {
        Self { inner: Arc::new(inner) }
    }

    /// What `user` may do; `None` for somebody unknown, who may do nothing.
    ///
    /// # Errors
    /// [`Unavailable`] where nothing can be said: treat it as a no.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing: others go on waiting for the same answer, and it is kept.
    pub async fn rights(&self, user: &User) -> Result<Option<Arc<Rights>>, Unavailable> {
        let (inner, key) = (&self.inner, user.key());
        let now = (inner.clock)();
        if let Some(known) = inner.memory.fresh(&key, now) {
            return Ok(known);
        }
        let runtime = Handle::try_current().map_err(|_| Unavailable::NoRuntime)?;
        let waiting = match inner.memory.board(key, now) {
            Place::Known(known) => return Ok(known),
            Place::Full => return Err(Unavailable::Busy),
            Place::Wait(waiting) => waiting,
            Place::Ask(ticket, waiting) => {
                // A task of its own: who asked first may leave before the answer.
                runtime.spawn(load(Arc::clone(inner), user.clone(), ticket));
                waiting
            }
        };
        let outcome = waiting.await.unwrap_or(Err(Unavailable::Failed));
        outcome.or_else(|why| {
            let stale = inner.may_be_stale().then(|| inner.memory.stale(&key, (inner.clock)()));
            stale.flatten().map(Some).ok_or(why)
        })
    }

    /// Forgets `user`, here and in every process that shares the rights. Call it once the change is written.
    ///
    /// # Errors
    /// [`InvalidateError`] where Redis cannot be told: others may go by the old rights for as long as they live
    /// in Redis and there. This process has forgotten them. Try again.
    ///
    /// # Cancel safety
    /// Dropped, it may have been done or not.
    pub async fn invalidate(&self, user: &User) -> Result<(), InvalidateError> {
        let told = match &self.inner.tier {
            Some(tier) => tier.invalidate(user).await,
            None => Ok(()),
        };
        // Afterwards: what was read from Redis before must not be kept.
        self.inner.memory.evict(&user.key());
        told
    }

    /// Forgets everybody, as after a change of what a role means.
    ///
    /// # Errors
    /// As [`invalidate`](Self::invalidate).
    ///
    /// # Cancel safety
    /// Dropped, it may have been done or not.
    pub async fn invalidate_all(&self) -> Result<(), InvalidateError> {
        let told = match &self.inner.tier {
            Some(tier) => tier.invalidate_all().await,
            None => Ok(()),
        };
        self.inner.memory.flush();
        told
    }

    /// Entries, and what they take in bytes.
    #[cfg(test)]
    pub(super) fn size(&self) -> (u64, u64) {
        self.inner.memory.size()
    }

    /// The rights of the user of a token.
    pub(crate) async fn of_token(&self, accepted: &Accepted) -> Held {
        let user = accepted.user(self.inner.tenant.as_deref());
        self.rights(user).await.map_or(Held::Unavailable, Held::Known)
    }
}

impl Inner {
    /// A process that cannot hear of changes must not go by what it cannot have renewed.
    fn may_be_stale(&self) -> bool {
        self.tier.as_ref().is_none_or(Tier::is_listening)
    }

    async fn ask(&self, user: &User) -> Outcome {
        match timeout(self.deadline, self.source.load_any(user)).await {
            Ok(Ok(rights)) => Ok(rights.map(Arc::new)),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(Unavailable::Deadline),
        }
    }
}

async fn load(inner: Arc<Inner>, user: User, ticket: Ticket) {
    let (key, tier) = (*ticket.key(), inner.tier.as_ref());
    let mut lease = None;
    if let Some(tier) = tier {
        let at = (inner.clock)();
        match tier.read(&key).await {
            Some(Found::Known(known)) => return ticket.land(Ok(known), at),
            Some(Found::Lease(given)) => lease = Some(given),
            // Without Redis the source is asked every time.
            None => {}
        }
    }
    // The time is that of the question: the answer says nothing of what happened since.
    let at = (inner.clock)();
    let outcome = inner.ask(&user).await;
    ticket.land(outcome.clone(), at);
    if let (Some(tier), Some(lease), Ok(known)) = (tier, lease, outcome) {
        tier.write(&key, &lease, known.as_deref()).await;
    }
}

impl fmt::Debug for PermissionCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PermissionCache").finish_non_exhaustive()
    }
}
