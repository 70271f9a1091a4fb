//! Owns: the answer to a request that is not let in: status, challenges, reason (RFC 6750 section 3,
//! RFC 9449 section 7.1, RFC 9110 section 11.6.1). Whatever is not the sender's fault is 503.

use crate::algorithm::Algorithm;
use crate::credentials::{RequestFault, Scheme};
use crate::dpop::ProofError;
use crate::dpop::replay::ReplayError;
use crate::keysource::{KeysUnavailable, VerifyError};
use crate::policy::InvalidToken;

const RETRY_AFTER_SECS: u64 = 5;

/// Why a request was not let in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// No access token.
    #[error("the request carries no access token")]
    Missing,
    /// Credentials that are not well formed.
    #[error(transparent)]
    Malformed(#[from] RequestFault),
    /// A token that is not accepted.
    #[error(transparent)]
    Invalid(#[from] InvalidToken),
    /// A DPoP proof that is not accepted.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// A good token without a scope that the request needs.
    #[error("the token lacks a scope")]
    Scope {
        /// The scopes that would do.
        needed: Vec<String>,
    },
    /// A good token without a role that the request needs.
    #[error("the token lacks a role")]
    Role,
    /// No keys to judge the token with.
    #[error(transparent)]
    Unavailable(#[from] KeysUnavailable),
    /// No room to remember the proof, so that its replay would go unseen.
    #[error("the replay store is full")]
    ReplayStoreFull,
}

/// A request that is not let in, and the answer to it.
///
/// Send [`status`](Self::status), each of [`challenges`](Self::challenges) as a `WWW-Authenticate`
/// header of its own, and [`retry_after`](Self::retry_after) as `Retry-After`. The cause and
/// [`reason`](Self::reason) are for logs and metrics.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{cause}")]
pub struct Refusal {
    cause: Cause,
    context: Context,
}

/// What the service takes and what the request used; a challenge speaks of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Context {
    pub(crate) bearer: bool,
    pub(crate) dpop: bool,
    pub(crate) used: Option<Scheme>,
}

impl Refusal {
    pub(crate) fn new(cause: Cause, context: Context) -> Self {
        Self { cause, context }
    }

    /// Why.
    pub fn cause(&self) -> &Cause {
        &self.cause
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match &self.cause {
            Cause::Malformed(_) => 400,
            Cause::Missing | Cause::Invalid(_) | Cause::Proof(_) => 401,
            Cause::Scope { .. } | Cause::Role => 403,
            Cause::Unavailable(_) | Cause::ReplayStoreFull => 503,
        }
    }

    /// The values of the `WWW-Authenticate` headers, one for each scheme the service takes.
    pub fn challenges(&self) -> Vec<String> {
        let Some(error) = self.error_parameters() else { return Vec::new() };
        let offered = [(Scheme::Bearer, self.context.bearer), (Scheme::Dpop, self.context.dpop)];
        let offered = offered.into_iter().filter_map(|(scheme, taken)| taken.then_some(scheme));
        let blamed = self.blamed_scheme();
        offered
            .map(|scheme| {
                let mut parameters = Vec::new();
                if scheme == blamed {
                    parameters.extend(error.iter().cloned());
                }
                if scheme == Scheme::Dpop {
                    parameters.push(format!("algs=\"{}\"", algorithm_names()));
                }
                if parameters.is_empty() {
                    scheme.name().to_owned()
                } else {
                    format!("{} {}", scheme.name(), parameters.join(", "))
                }
            })
            .collect()
    }

    /// Seconds after which asking again may help.
    pub fn retry_after(&self) -> Option<u64> {
        (self.status() == 503).then_some(RETRY_AFTER_SECS)
    }

    /// The answer as a response without a body.
    #[cfg(feature = "http")]
    pub fn response(&self) -> http::Response<()> {
        use http::header::{HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};

        let mut response = http::Response::new(());
        *response.status_mut() =
            http::StatusCode::from_u16(self.status()).unwrap_or(http::StatusCode::UNAUTHORIZED);
        let headers = response.headers_mut();
        for challenge in self.challenges() {
            headers.extend(
                HeaderValue::try_from(challenge).ok().map(|value| (WWW_AUTHENTICATE, value)),
            );
        }
        headers.extend(self.retry_after().map(|seconds| (RETRY_AFTER, seconds.into())));
        response
    }

    /// A short stable code for metrics and logs.
    pub fn reason(&self) -> &'static str {
        match &self.cause {
            Cause::Missing => "token_missing",
            Cause::Malformed(fault) => fault.reason(),
            Cause::Invalid(why) => why.reason(),
            Cause::Proof(why) => why.reason(),
            Cause::Scope { .. } => "scope",
            Cause::Role => "role",
            Cause::Unavailable(why) => why.reason(),
            Cause::ReplayStoreFull => "replay_store_full",
        }
    }

    /// `None` where a challenge would be wrong, nothing where it has no error to tell.
    fn error_parameters(&self) -> Option<Vec<String>> {
        let error = |code: &str| format!("error=\"{code}\"");
        match &self.cause {
            Cause::Missing => Some(Vec::new()),
            Cause::Malformed(_) => Some(vec![error("invalid_request")]),
            Cause::Invalid(_) => Some(vec![error("invalid_token")]),
            Cause::Proof(_) => Some(vec![error("invalid_dpop_proof")]),
            Cause::Scope { needed } => Some(vec![
                error("insufficient_scope"),
                format!("scope=\"{}\"", quotable(&needed.join(" "))),
            ]),
            Cause::Role => Some(vec![error("insufficient_scope")]),
            Cause::Unavailable(_) | Cause::ReplayStoreFull => None,
        }
    }

    /// The scheme whose challenge carries the error: the one that was used, if it is taken at all.
    fn blamed_scheme(&self) -> Scheme {
        let taken = |scheme: &Scheme| match scheme {
            Scheme::Bearer => self.context.bearer,
            Scheme::Dpop => self.context.dpop,
        };
        let default = if self.context.bearer { Scheme::Bearer } else { Scheme::Dpop };
        self.context.used.filter(taken).unwrap_or(default)
    }
}

impl From<VerifyError> for Cause {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Token(error) => Self::Invalid(error.into()),
            VerifyError::Unavailable(error) => Self::Unavailable(error),
        }
    }
}

impl From<ReplayError> for Cause {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::Replayed => Self::Proof(ProofError::Replayed),
            ReplayError::Full => Self::ReplayStoreFull,
        }
    }
}

fn algorithm_names() -> String {
    Algorithm::ALL.iter().map(|alg| alg.name()).collect::<Vec<_>>().join(" ")
}

/// Leaves what a scope may be made of (RFC 6749 section 3.3), all of which a quoted string may hold.
fn quotable(scopes: &str) -> String {
    scopes.chars().filter(|c| matches!(c, ' ' | '!' | '#'..='[' | ']'..='~')).collect()
}

#[cfg(test)]
mod tests;
