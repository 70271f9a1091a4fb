//! Owns: what a cache asks of whoever knows the rights of users.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use super::{Rights, User};

/// Knows what users may do.
///
/// It need not bound its time: the cache gives it [`deadline`](super::Builder::deadline). It is asked for
/// one user once at a time, and its future may be dropped at any `await`.
pub trait PermissionSource: Send + Sync + 'static {
    /// The rights of `user` as they are now; `None` for somebody it does not know, who is denied everything.
    /// Somebody known without rights is `Some(Rights::default())`.
    ///
    /// # Errors
    /// [`SourceError`] where it cannot say. Never answer `None` for that: it would be remembered.
    fn load(&self, user: &User)
    -> impl Future<Output = Result<Option<Rights>, SourceError>> + Send;
}

impl<S: PermissionSource> PermissionSource for std::sync::Arc<S> {
    fn load(
        &self,
        user: &User,
    ) -> impl Future<Output = Result<Option<Rights>, SourceError>> + Send {
        S::load(self, user)
    }
}

/// A source cannot say. The text is for the operator, and holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the source of rights: {0}")]
pub struct SourceError(String);

impl SourceError {
    /// Why, for the operator. No secret, and no more of what the source said than its kind.
    pub fn new(why: impl fmt::Display) -> Self {
        Self(why.to_string())
    }
}

type Loading<'a> = Pin<Box<dyn Future<Output = Result<Option<Rights>, SourceError>> + Send + 'a>>;

/// Any source: the cache has no type of its own for each.
pub(super) trait AnySource: Send + Sync {
    fn load_any<'a>(&'a self, user: &'a User) -> Loading<'a>;
}

impl<S: PermissionSource> AnySource for S {
    fn load_any<'a>(&'a self, user: &'a User) -> Loading<'a> {
        Box::pin(self.load(user))
    }
}
