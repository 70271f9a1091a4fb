//! Owns: the body of a refusal, a problem document (RFC 9457). Why exactly a token is not accepted is
//! for the service's log: whoever sent it learns what to do and no more.

use serde_json::json;

use super::{Cause, Refusal};
use crate::dpop::ProofError;

/// The media type of [`Refusal::problem`].
pub const PROBLEM_MEDIA_TYPE: &str = "application/problem+json";

impl Refusal {
    /// A stable code for clients: coarser than [`reason`](Self::reason), and the same as in the challenge
    /// where that has one.
    pub fn code(&self) -> &'static str {
        match self.cause() {
            Cause::Missing => "token_missing",
            Cause::Malformed(_) => "invalid_request",
            Cause::Invalid(_) => "invalid_token",
            Cause::Proof(ProofError::Nonce) => "use_dpop_nonce",
            Cause::Proof(_) => "invalid_dpop_proof",
            Cause::Scope { .. } | Cause::Role | Cause::Permission => "insufficient_scope",
            Cause::StepUp { .. } => "insufficient_user_authentication",
            Cause::Unavailable(_)
            | Cause::RevocationUnknown
            | Cause::RightsUnknown
            | Cause::ReplayStoreFull
            | Cause::ReplayStoreAway => "temporarily_unavailable",
        }
    }

    /// The body to send, as JSON of the type [`PROBLEM_MEDIA_TYPE`].
    pub fn problem(&self) -> String {
        let (title, detail) = self.words();
        let (status, code) = (self.status(), self.code());
        json!({"type": "about:blank", "title": title, "status": status, "code": code, "detail": detail})
            .to_string()
    }

    /// A sentence for whoever sent the request.
    pub fn detail(&self) -> &'static str {
        self.words().1
    }

    /// The whole answer: [`response`](Self::response) with [`problem`](Self::problem) as its body, and the
    /// refusal itself as an extension, for logs and metrics further out.
    #[cfg(feature = "http")]
    pub fn answer<B: From<String>>(&self) -> http::Response<B> {
        let mut response = self.response().map(|()| B::from(self.problem()));
        let media_type = http::HeaderValue::from_static(PROBLEM_MEDIA_TYPE);
        response.headers_mut().insert(http::header::CONTENT_TYPE, media_type);
        response.extensions_mut().insert(self.clone());
        response
    }

    fn words(&self) -> (&'static str, &'static str) {
        match self.cause() {
            Cause::Missing => ("Unauthorized", "This needs an access token."),
            Cause::Malformed(_) => ("Bad Request", "The credentials are malformed."),
            Cause::Invalid(_) => ("Unauthorized", "This needs a valid access token."),
            Cause::Proof(_) => ("Unauthorized", "This needs a valid DPoP proof."),
            Cause::Scope { .. } => ("Forbidden", "The token lacks the scope for this."),
            Cause::Role | Cause::Permission => ("Forbidden", "The user may not do this."),
            Cause::StepUp { .. } => ("Unauthorized", "This needs a fresher or stronger login."),
            Cause::RightsUnknown => {
                ("Service Unavailable", "What the user may do cannot be told at the moment.")
            }
            Cause::Unavailable(_)
            | Cause::RevocationUnknown
            | Cause::ReplayStoreFull
            | Cause::ReplayStoreAway => {
                ("Service Unavailable", "Tokens cannot be checked at the moment.")
            }
        }
    }
}
