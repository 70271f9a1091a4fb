//! Owns: the answer to a request that is not let in, as data.

use serde_json::json;
use validator_lib::Refusal;
use validator_lib::refusal::PROBLEM_MEDIA_TYPE;

/// A whole answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Names, in lower case, and values. A name may be there more than once.
    pub headers: Vec<(&'static str, String)>,
    /// The body, a problem document (RFC 9457).
    pub body: String,
    /// A short stable code for logs and metrics, and for no client.
    pub reason: &'static str,
}

impl Answer {
    pub(crate) fn of(refusal: &Refusal) -> Self {
        let mut headers = usual();
        headers.extend(refusal.challenges().into_iter().map(|value| ("www-authenticate", value)));
        headers.extend(refusal.retry_after().map(|seconds| ("retry-after", seconds.to_string())));
        headers.extend(refusal.dpop_nonce().map(|nonce| ("dpop-nonce", nonce.to_owned())));
        let (status, body) = (refusal.status(), refusal.problem());
        Self { status, headers, body, reason: refusal.reason() }
    }

    /// Nobody knows yet where the issuer's keys are.
    pub(crate) fn issuer_away() -> Self {
        let mut headers = usual();
        headers.push(("retry-after", "5".to_owned()));
        let body = json!({
            "type": "about:blank", "title": "Service Unavailable", "status": 503,
            "code": "temporarily_unavailable", "detail": "Tokens cannot be checked at the moment.",
        });
        Self { status: 503, headers, body: body.to_string(), reason: "issuer_unreachable" }
    }
}

fn usual() -> Vec<(&'static str, String)> {
    vec![("content-type", PROBLEM_MEDIA_TYPE.to_owned()), ("cache-control", "no-store".to_owned())]
}
