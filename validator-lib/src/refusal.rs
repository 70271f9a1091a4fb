//! Owns: the answer to a request that is not let in: status, challenges, reason (RFC 6750 section 3,
//! RFC 9449 sections 7.1 and 9, RFC 9470 section 3, RFC 9110 section 11.6.1). Whatever is not the sender's
//! fault is 503.

mod problem;

use crate::algorithm::Algorithm;
use crate::credentials::{RequestFault, Scheme};
use crate::dpop::ProofError;
use crate::dpop::replay::ReplayError;
use crate::keysource::{KeysUnavailable, VerifyError};

pub use crate::invalid::InvalidToken;
pub use problem::PROBLEM_MEDIA_TYPE;

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
    /// A good token without a permission that the request needs.
    #[error("the token lacks a permission")]
    Permission,
    /// A good token of a login that is too old or too weak for the request.
    #[error("the login behind the token is too old or too weak")]
    StepUp {
        /// The strengths that would do.
        acr: Vec<String>,
        /// How many seconds ago the login may have been.
        max_age: Option<u64>,
    },
    /// The list of revoked tokens cannot say.
    #[error("whether the token was revoked cannot be told")]
    RevocationUnknown,
    /// What the user may do cannot be told.
    #[error("what the user may do cannot be told")]
    RightsUnknown,
    /// No keys to judge the token with.
    #[error(transparent)]
    Unavailable(#[from] KeysUnavailable),
    /// No room to remember the proof, so that its replay would go unseen.
    #[error("the replay store is full")]
    ReplayStoreFull,
    /// Whether the proof was used before cannot be asked.
    #[error("the replay store cannot be reached")]
    ReplayStoreAway,
}

/// A request that is not let in, and the answer to it.
///
/// With the feature `http`, `answer` makes the whole answer. To build one by hand, send
/// [`status`](Self::status), each of [`challenges`](Self::challenges) as a `WWW-Authenticate` header of its
/// own, [`retry_after`](Self::retry_after) as `Retry-After`, [`dpop_nonce`](Self::dpop_nonce) as `DPoP-Nonce`
/// and [`problem`](Self::problem) as the body. The cause and [`reason`](Self::reason) are for logs and metrics.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{cause}")]
pub struct Refusal {
    cause: Cause,
    context: Context,
    nonce: Option<String>,
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
        Self { cause, context, nonce: None }
    }

    /// With the nonce that the next proof has to carry.
    pub(crate) fn with_nonce(self, nonce: Option<String>) -> Self {
        Self { nonce, ..self }
    }

    /// Why.
    pub fn cause(&self) -> &Cause {
        &self.cause
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match &self.cause {
            Cause::Malformed(_) => 400,
            Cause::Missing | Cause::Invalid(_) | Cause::Proof(_) | Cause::StepUp { .. } => 401,
            Cause::Scope { .. } | Cause::Role | Cause::Permission => 403,
            Cause::Unavailable(_)
            | Cause::RevocationUnknown
            | Cause::RightsUnknown
            | Cause::ReplayStoreFull
            | Cause::ReplayStoreAway => 503,
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

    /// The value of the `DPoP-Nonce` header, where proofs need a nonce and this one had none that is
    /// taken (RFC 9449 section 9).
    pub fn dpop_nonce(&self) -> Option<&str> {
        self.nonce.as_deref()
    }

    /// The answer as a response without a body; [`answer`](Self::answer) has one.
    #[cfg(feature = "http")]
    pub fn response(&self) -> http::Response<()> {
        use http::header::{CACHE_CONTROL, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};

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
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let nonce = self.dpop_nonce().and_then(|nonce| HeaderValue::try_from(nonce).ok());
        headers.extend(nonce.map(|nonce| (HeaderName::from_static("dpop-nonce"), nonce)));
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
            Cause::Permission => "permission",
            Cause::StepUp { .. } => "step_up",
            Cause::RevocationUnknown => "revocation_unknown",
            Cause::RightsUnknown => "rights_unknown",
            Cause::Unavailable(why) => why.reason(),
            Cause::ReplayStoreFull => "replay_store_full",
            Cause::ReplayStoreAway => "replay_store_away",
        }
    }

    /// `None` where a challenge would be wrong, nothing where it has no error to tell.
    fn error_parameters(&self) -> Option<Vec<String>> {
        let error = |code: &str| format!("error=\"{code}\"");
        match &self.cause {
            Cause::Missing => Some(Vec::new()),
            Cause::Malformed(_) => Some(vec![error("invalid_request")]),
            Cause::Invalid(_) => Some(vec![error("invalid_token")]),
            Cause::Proof(ProofError::Nonce) => Some(vec![error("use_dpop_nonce")]),
            Cause::Proof(_) => Some(vec![error("invalid_dpop_proof")]),
            Cause::Scope { needed } => Some(vec![
                error("insufficient_scope"),
                format!("scope=\"{}\"", quotable(&needed.join(" "))),
            ]),
            Cause::Role | Cause::Permission => Some(vec![error("insufficient_scope")]),
            Cause::StepUp { acr, max_age } => {
                let acr = (!acr.is_empty())
                    .then(|| format!("acr_values=\"{}\"", quotable(&acr.join(" "))));
                let max_age = max_age.map(|seconds| format!("max_age=\"{seconds}\""));
                let code = error("insufficient_user_authentication");
                Some([Some(code), acr, max_age].into_iter().flatten().collect())
            }
            Cause::Unavailable(_)
            | Cause::RevocationUnknown
            | Cause::RightsUnknown
            | Cause::ReplayStoreFull
            | Cause::ReplayStoreAway => None,
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
            ReplayError::Away => Self::ReplayStoreAway,
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
