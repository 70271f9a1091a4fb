//! Owns: the context tokens of one thread, for requests that were admitted. What they say and when they are used
//! again is `session`'s. No key is here unless it is configured.

use std::sync::Arc;

use http::HeaderValue;
use session::context::ContextTokens;
use shell::random::Random;

use crate::config::ContextSettings;
use crate::decide::Admitted;
use crate::refusal::Refusal;

/// Mints, and keeps.
pub(crate) struct Minter {
    tokens: ContextTokens,
    /// Where no policy names one.
    audience: Option<Arc<str>>,
    random: Arc<dyn Random>,
}

impl Minter {
    pub(crate) fn new(settings: &ContextSettings, random: Arc<dyn Random>) -> Self {
        Self {
            tokens: ContextTokens::new(settings.signer.clone(), settings.kept_bytes),
            audience: settings.audience.clone(),
            random,
        }
    }

    /// The value of `Authorization` that tells `audience` who was admitted, at `now`.
    ///
    /// # Errors
    /// [`Refusal::ContextToken`] if nobody is named to tell, or the session names no user.
    pub(crate) fn authorization(
        &self,
        admitted: Admitted<'_>,
        audience: Option<&Arc<str>>,
        now: u64,
    ) -> Result<HeaderValue, Refusal> {
        let audience = audience.or(self.audience.as_ref()).ok_or(Refusal::ContextToken)?;
        self.tokens
            .authorization(admitted.key(), admitted.edge(), audience, now, &*self.random)
            .map_err(|_| Refusal::ContextToken)
    }
}
