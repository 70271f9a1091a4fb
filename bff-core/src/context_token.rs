//! Owns: the context token of a session that a service is shown in place of an access token (DESIGN section
//! 7). What it says and when it is used again is `session`'s; here it meets the application.

use std::sync::Arc;

use http::HeaderValue;

use crate::app::App;
use crate::error::ApiError;
use crate::sessions::ActiveSession;

/// Most bytes of tokens that are kept, of all sessions and audiences.
pub(crate) const KEPT_BYTES: u64 = 32 << 20;

impl App {
    /// The value of `Authorization` that tells `audience` of `session`: minted, or kept from before. It
    /// says what the edge view says, so tokens whose refresh is due are renewed in the background: with
    /// them come the roles.
    ///
    /// # Errors
    /// [`ApiError::Internal`] without `BFF_CONTEXT_KEYS`, or if the session names no user.
    pub(crate) fn context_token(
        self: &Arc<Self>,
        session: &ActiveSession,
        audience: &Arc<str>,
    ) -> Result<HeaderValue, ApiError> {
        let tokens = self.context.as_ref().ok_or(ApiError::Internal("context_keys"))?;
        self.refresh_if_due(session);
        tokens
            .authorization(&session.key, &session.edge, audience, self.now(), &*self.random)
            .map_err(|_| ApiError::Internal("context_token"))
    }
}
