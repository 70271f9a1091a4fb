//! Owns: what somebody is told who asks too often: RFC 6585 section 4, `Retry-After`, and `RateLimit` and
//! `RateLimit-Policy` of draft-ietf-httpapi-ratelimit-headers-10.

use std::sync::Arc;
use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use session::permits::Quota;
use shell::problem::ProblemDetails;

const LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// A request too many.
#[derive(Debug, Clone)]
pub struct RateLimited {
    pub(super) kind: &'static str,
    pub(super) label: Arc<str>,
    pub(super) quota: Quota,
    pub(super) back_in: Duration,
}

impl RateLimited {
    /// The rule as metrics and logs name it.
    pub fn rule(&self) -> &str {
        &self.label
    }

    /// Seconds until it is worth another try, at least one.
    pub fn seconds(&self) -> u64 {
        u64::try_from(self.back_in.as_millis().div_ceil(1_000)).unwrap_or(u64::MAX).max(1)
    }

    pub(crate) fn problem(&self) -> ProblemDetails {
        let title = "Too many requests. Try again later.";
        ProblemDetails::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", title)
            .with("retry_after", self.seconds())
    }

    /// Says when to come back, and what the limit is. Clients learn the kind of a rule, which is a word of
    /// ours, and not its name.
    pub(crate) fn put(&self, headers: &mut HeaderMap) {
        let (kind, seconds) = (self.kind, self.seconds());
        let window = self.quota.window().as_millis().div_ceil(1_000);
        let limit = format!("\"{kind}\";r=0;t={seconds}");
        let policy = format!("\"{kind}\";q={};w={window}", self.quota.limit());
        headers.insert(RETRY_AFTER, seconds.into());
        for (name, value) in [(LIMIT, limit), (POLICY, policy)] {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        }
    }
}
