//! Owns: what can be set on rights that are shared.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;

use super::scripts::Names;
use super::state::{Lives, State};
use super::{RedisTier, Running, ear};
use crate::redis::{Server, SetupError, reached_over_tls};

/// What keys and channel begin with unless set, in braces.
pub const DEFAULT_PREFIX: &str = "wicket:permissions";
/// How long rights are kept in Redis unless set.
pub const DEFAULT_LIFE: Duration = Duration::from_secs(300);
/// How long it is kept there that a user is unknown, unless set.
pub const DEFAULT_UNKNOWN_LIFE: Duration = Duration::from_secs(10);

/// Rights that are shared, in the making.
#[must_use]
pub struct Builder {
    server: Server,
    prefix: String,
    lives: Lives,
}

impl Builder {
    reached_over_tls!();

    pub(super) fn new(url: String) -> Self {
        Self {
            server: Server::at(url),
            prefix: DEFAULT_PREFIX.to_owned(),
            lives: Lives { known: DEFAULT_LIFE, unknown: DEFAULT_UNKNOWN_LIFE },
        }
    }

    /// What keys and channel begin with, [`DEFAULT_PREFIX`] unless set. One for each source: who shares it has
    /// to mean the same by a user's rights. Braces are put around it.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// How long rights are kept in Redis, five minutes unless set.
    pub fn life(mut self, life: Duration) -> Self {
        self.lives.known = life;
        self
    }

    /// How long it is kept that a user is unknown, ten seconds unless set.
    pub fn unknown_life(mut self, life: Duration) -> Self {
        self.lives.unknown = life;
        self
    }

    /// Connects in the background, in the tokio runtime that this is called in, and as often as it takes.
    ///
    /// # Errors
    /// [`SetupError`] for settings with which it could never work.
    pub fn start(self) -> Result<RedisTier, SetupError> {
        let runtime = Handle::try_current().map_err(|_| SetupError::NoRuntime)?;
        let config = self.server.config()?;
        let state = Arc::new(State::new(Names::beginning_with(&self.prefix), self.lives));
        let task = runtime.spawn(ear::run(config, Arc::clone(&state)));
        Ok(RedisTier(Arc::new(Running { state, task })))
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("prefix", &self.prefix)
            .field("lives", &self.lives)
            .finish_non_exhaustive()
    }
}
