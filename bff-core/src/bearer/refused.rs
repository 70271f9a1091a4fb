//! Owns: the answer to a request whose token is not taken (RFC 6750 section 3).

use http::StatusCode;
use validator_lib::Refusal;

/// Why, and what the caller is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRefused {
    /// The status.
    pub status: StatusCode,
    /// The stable code for clients.
    pub code: &'static str,
    /// Why, for logs and metrics.
    pub reason: &'static str,
    /// A sentence for people.
    pub title: &'static str,
    /// A `WWW-Authenticate` header each.
    pub challenges: Vec<String>,
}

impl TokenRefused {
    /// There is none.
    pub(crate) fn missing() -> Self {
        Self::bearer(
            StatusCode::UNAUTHORIZED,
            "token_missing",
            "token_missing",
            "This needs an access token.",
            "",
        )
    }

    /// It is not good, or not for us.
    pub(crate) fn invalid(reason: &'static str) -> Self {
        let title = "This needs a valid access token.";
        Self::bearer(
            StatusCode::UNAUTHORIZED,
            "invalid_token",
            reason,
            title,
            " error=\"invalid_token\"",
        )
    }

    /// No issuer is trusted with tokens for this route.
    pub(crate) fn no_issuer() -> Self {
        Self::invalid("no_bearer_issuer")
    }

    /// It lacks a scope or a role. The scopes that would do are told.
    pub(crate) fn insufficient(scopes: &[String]) -> Self {
        let scope = match scopes {
            [] => String::new(),
            scopes => format!(", scope=\"{}\"", scopes.join(" ")),
        };
        let parameters = format!(" error=\"insufficient_scope\"{scope}");
        Self::bearer(
            StatusCode::FORBIDDEN,
            "insufficient_scope",
            "insufficient_scope",
            "The token does not allow this.",
            &parameters,
        )
    }

    /// It cannot be judged now.
    pub(crate) fn unavailable(reason: &'static str) -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            code: "temporarily_unavailable",
            reason,
            title: "Tokens cannot be checked at the moment.",
            challenges: Vec::new(),
        }
    }

    fn bearer(
        status: StatusCode,
        code: &'static str,
        reason: &'static str,
        title: &'static str,
        parameters: &str,
    ) -> Self {
        Self { status, code, reason, title, challenges: vec![format!("Bearer{parameters}")] }
    }
}

impl From<Refusal> for TokenRefused {
    fn from(refusal: Refusal) -> Self {
        Self {
            status: StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::UNAUTHORIZED),
            code: refusal.code(),
            reason: refusal.reason(),
            title: refusal.detail(),
            challenges: refusal.challenges(),
        }
    }
}
