//! Owns: telling the issuer that a token is no longer wanted (RFC 7009 section 2).

use secrecy::{ExposeSecret, SecretString};

use super::endpoint::Caller;
use super::error::{Endpoint, OidcError};

/// What kind of token is revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// Ends that token, and at some issuers nothing else.
    Access,
    /// Ends the grant with all its tokens.
    Refresh,
}

impl TokenKind {
    /// The registered name, for the request and for logs.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Access => "access_token",
            Self::Refresh => "refresh_token",
        }
    }
}

/// Whether the issuer was told; `false` where it offers no revocation.
pub(super) async fn revoke(
    caller: &Caller<'_>,
    token: &SecretString,
    kind: TokenKind,
) -> Result<bool, OidcError> {
    let Some(url) = caller.metadata.revocation_endpoint() else {
        return Ok(false);
    };
    let form = vec![("token", token.expose_secret()), ("token_type_hint", kind.hint())];
    caller.post(Endpoint::Revocation, url, &form, None).await.map(|_| true)
}

#[cfg(test)]
mod tests;
