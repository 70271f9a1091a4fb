//! Owns: telling the IdP that tokens are no longer wanted (RFC 7009), without anybody waiting.

use std::sync::Arc;

use secrecy::SecretString;

use crate::app::App;
use crate::oidc::{RelyingParty, TokenKind};

impl App {
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
                if let Err(error) = provider.revoke(&token, kind, app.now()).await {
                    tracing::warn!(reason = error.reason(), "token not revoked at the IdP");
                }
            }
        });
    }
}
