//! Owns: an access token for one service, by the session's refresh token (RFC 8707 section 2.2).

use std::sync::Arc;

use secrecy::SecretString;

use super::errand::Errand;
use super::flight::Flight;
use super::{Failure, Landing};
use crate::app::App;
use crate::oidc::{Exchanged, RelyingParty};
use crate::sessions::ActiveSession;

/// An access token for one service.
pub(crate) struct ServiceToken {
    pub(crate) exchanged: Exchanged,
    /// The session's access token as it stands now, in whose place it may be shown.
    pub(crate) broad: SecretString,
}

impl App {
    /// Asks `party`, who issued the session's tokens, for an access token for the service of `audience`. It
    /// goes the way of every refresh (lease, journal, compare-and-set), for the issuer may rotate the
    /// refresh token: that is kept, and the session's access token with it.
    ///
    /// # Errors
    /// [`Failure`]; the broad token is no substitute.
    ///
    /// # Cancel safety
    /// Not cancel safe: a dropped call may have spent the refresh token. Call it from a task of its own.
    pub(crate) async fn service_token(
        self: &Arc<Self>,
        session: &ActiveSession,
        party: &RelyingParty,
        audience: &Arc<str>,
        scope: Option<&Arc<str>>,
    ) -> Result<ServiceToken, Failure> {
        // While nobody knows whether the refresh token is spent, it is left alone for this, too.
        let key = (session.key, session.stored.version);
        if let Some(reason) = self.failures.recent(&key, self.now()) {
            return Err(Failure::Later(reason));
        }
        let tokens = self.tokens(session).map_err(|error| Failure::Ended(error.reason()))?;
        if tokens.refresh_token.is_none() {
            return Err(Failure::Refused("no_refresh_token"));
        }
        let errand = Errand::Service { audience: Arc::clone(audience), scope: scope.cloned() };
        let landing: Landing = Flight::new(self, session, errand).run().await;
        let gain = landing?;
        let exchanged = gain.service.ok_or(Failure::Later("no_service_token"))?;
        let broad = gain.tokens.access_token.clone();
        party.check_service_token(&exchanged.tokens, audience, &broad).map_err(Failure::Refused)?;
        Ok(ServiceToken { exchanged, broad })
    }
}
