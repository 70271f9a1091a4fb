//! Owns: telling the IdP that tokens are no longer wanted (RFC 7009), without anybody waiting.
//!
//! Tried twice, for the IdP may be restarting. What fails then is told to the operator: the token lives
//! until it expires.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use super::ActiveSession;
use crate::app::App;
use crate::audit;
use crate::oidc::{OidcError, RelyingParty, TokenKind};

/// Before the second attempt.
const PAUSE: Duration = Duration::from_secs(1);

impl App {
    /// Revokes in the background what a session held at its end, as [`App::end`] gave it.
    pub(crate) fn revoke_tokens_of(self: &Arc<Self>, ended: &ActiveSession) {
        let management = self.management(ended).ok();
        let provider = management.and_then(|management| self.tenants.provider_of(&management));
        match (self.tokens(ended), provider) {
            (Ok(tokens), Some(provider)) => {
                self.revoke_in_background(&provider, tokens.refresh_token, tokens.access_token);
            }
            (tokens, _) => {
                let reason = tokens.err().map_or("provider_gone", |error| error.reason());
                tracing::warn!(session = ended.key.short(), reason, "tokens not revoked");
            }
        }
    }

    /// Revokes a session's tokens in the background: the refresh token first, for at most issuers
    /// it takes the whole grant along.
    pub(crate) fn revoke_in_background(
        self: &Arc<Self>,
        provider: &Arc<RelyingParty>,
        refresh_token: Option<SecretString>,
        access_token: SecretString,
    ) {
        let (app, provider) = (Arc::clone(self), Arc::clone(provider));
        self.shutdown.spawn(async move {
            let refresh = refresh_token.map(|token| (token, TokenKind::Refresh));
            for (token, kind) in refresh.into_iter().chain([(access_token, TokenKind::Access)]) {
                if let Err(error) = app.revoke_persistently(&provider, &token, kind).await {
                    audit::revocation_failed(provider.issuer(), kind.hint(), error.reason());
                }
            }
        });
    }

    /// A refusal is final; an IdP that is away is asked once more.
    async fn revoke_persistently(
        &self,
        provider: &RelyingParty,
        token: &SecretString,
        kind: TokenKind,
    ) -> Result<bool, OidcError> {
        match provider.revoke(token, kind, self.now()).await {
            Err(error) if error.is_unavailable() => {
                tracing::debug!(reason = error.reason(), "token not revoked yet");
                tokio::time::sleep(PAUSE).await;
                provider.revoke(token, kind, self.now()).await
            }
            outcome => outcome,
        }
    }
}
