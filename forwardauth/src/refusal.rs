//! Owns: every way in which a request is turned away, with its status and stable codes.
//!
//! Clients see `code` only: it does not tell a thief whether a session has ended, was forged or is
//! bound to another client. Metrics and logs see [`Refusal::reason`].

use http::StatusCode;
use session::edge::{EdgeError, Ended};
use session::store::StoreError;

/// Why a request is not let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    UnknownPath,
    ForwardedHeader,
    UnknownHost,
    Policy,
    CookieMissing,
    CookieMalformed,
    CookieRepeated,
    CrossSite,
    SessionUnknown,
    SessionExpired,
    SessionIdle,
    ForeignSession,
    EdgeVersion,
    EdgeUnknownKey,
    EdgeForged,
    EdgeMalformed,
    BindingUserAgent,
    BindingIp,
    Suspended,
    Banned,
    FlagsUnreadable,
    MissingScope,
    MissingRole,
    MissingGroup,
    OtherEmailDomain,
    OtherTenant,
    WeakLogin,
    OldLogin,
    StoreUnavailable,
    StoreTimeout,
    StoreRefused,
    StoreIncomplete,
    TokenSessionEnded,
    TokenBound,
    TokenUnavailable,
    TokenTimeout,
    ContextToken,
    BearerMalformed,
    BearerInvalid,
    BearerUser,
    BearerRevoked,
    BearerKeys,
}

/// What the outside sees of a refusal.
pub(crate) struct Row {
    /// Label of metrics, field of logs.
    pub(crate) reason: &'static str,
    pub(crate) status: StatusCode,
    /// `code` of the problem details.
    pub(crate) code: &'static str,
    /// Its one sentence for people.
    pub(crate) title: &'static str,
}

const UNAUTHENTICATED: (StatusCode, &str, &str) =
    (StatusCode::UNAUTHORIZED, "unauthenticated", "Sign in to continue.");
const STEP_UP: (StatusCode, &str, &str) = (
    StatusCode::UNAUTHORIZED,
    "insufficient_user_authentication",
    "Sign in again: this page asks for a stronger or fresher login.",
);
const INSUFFICIENT: (StatusCode, &str, &str) =
    (StatusCode::FORBIDDEN, "insufficient_scope", "You are not allowed to do this.");
const BLOCKED: (StatusCode, &str, &str) =
    (StatusCode::FORBIDDEN, "account_blocked", "This account is blocked.");
const AWAY: (StatusCode, &str, &str) = (
    StatusCode::SERVICE_UNAVAILABLE,
    "store_unavailable",
    "Sessions cannot be read right now. Try again in a moment.",
);
const NO_TOKEN: (StatusCode, &str, &str) = (
    StatusCode::SERVICE_UNAVAILABLE,
    "token_unavailable",
    "The access token cannot be had right now. Try again in a moment.",
);

const UNTOLD: (StatusCode, &str, &str) =
    (StatusCode::INTERNAL_SERVER_ERROR, "context_token", "The service cannot be told who you are.");
const NO_KEYS: (StatusCode, &str, &str) = (
    StatusCode::SERVICE_UNAVAILABLE,
    "keys_unavailable",
    "Access tokens cannot be checked right now. Try again in a moment.",
);
const INVALID_TOKEN: (StatusCode, &str, &str) =
    (StatusCode::UNAUTHORIZED, "invalid_token", "The access token is not accepted.");

impl Refusal {
    /// All refusals, in the order of their declaration.
    pub(crate) const ALL: [Self; 42] = [
        Self::UnknownPath,
        Self::ForwardedHeader,
        Self::UnknownHost,
        Self::Policy,
        Self::CookieMissing,
        Self::CookieMalformed,
        Self::CookieRepeated,
        Self::CrossSite,
        Self::SessionUnknown,
        Self::SessionExpired,
        Self::SessionIdle,
        Self::ForeignSession,
        Self::EdgeVersion,
        Self::EdgeUnknownKey,
        Self::EdgeForged,
        Self::EdgeMalformed,
        Self::BindingUserAgent,
        Self::BindingIp,
        Self::Suspended,
        Self::Banned,
        Self::FlagsUnreadable,
        Self::MissingScope,
        Self::MissingRole,
        Self::MissingGroup,
        Self::OtherEmailDomain,
        Self::OtherTenant,
        Self::WeakLogin,
        Self::OldLogin,
        Self::StoreUnavailable,
        Self::StoreTimeout,
        Self::StoreRefused,
        Self::StoreIncomplete,
        Self::TokenSessionEnded,
        Self::TokenBound,
        Self::TokenUnavailable,
        Self::TokenTimeout,
        Self::ContextToken,
        Self::BearerMalformed,
        Self::BearerInvalid,
        Self::BearerUser,
        Self::BearerRevoked,
        Self::BearerKeys,
    ];

    /// Their reasons, in the same order.
    #[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
    pub(crate) const REASONS: [&str; Self::ALL.len()] = {
        let mut reasons = [""; Self::ALL.len()];
        let mut number = 0;
        while number < reasons.len() {
            reasons[number] = Self::ALL[number].reason();
            number += 1;
        }
        reasons
    };

    /// Status and codes.
    pub(crate) const fn row(self) -> Row {
        let (reason, (status, code, title)) = match self {
            Self::UnknownPath => {
                ("not_found", (StatusCode::NOT_FOUND, "not_found", "There is nothing here."))
            }
            Self::ForwardedHeader => (
                "forwarded_header",
                (
                    StatusCode::BAD_REQUEST,
                    "forwarded_header",
                    "A forwarding header is repeated or malformed.",
                ),
            ),
            Self::UnknownHost => (
                "host_unknown",
                (StatusCode::MISDIRECTED_REQUEST, "host_unknown", "This host is not served."),
            ),
            Self::Policy => (
                "policy",
                (
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "policy",
                    "The policy of this route cannot be applied.",
                ),
            ),
            Self::CookieMissing => ("no_cookie", UNAUTHENTICATED),
            Self::CookieMalformed => ("cookie_malformed", UNAUTHENTICATED),
            Self::CookieRepeated => ("cookie_repeated", UNAUTHENTICATED),
            Self::CrossSite => {
                ("csrf", (StatusCode::FORBIDDEN, "csrf", "This request came from another site."))
            }
            Self::SessionUnknown => ("no_session", UNAUTHENTICATED),
            Self::SessionExpired => (Ended::Expired.reason(), UNAUTHENTICATED),
            Self::SessionIdle => (Ended::Idle.reason(), UNAUTHENTICATED),
            Self::ForeignSession => ("foreign_session", UNAUTHENTICATED),
            Self::EdgeVersion => (EdgeError::Version.reason(), UNAUTHENTICATED),
            Self::EdgeUnknownKey => (EdgeError::UnknownKey.reason(), UNAUTHENTICATED),
            Self::EdgeForged => (EdgeError::Forged.reason(), UNAUTHENTICATED),
            Self::EdgeMalformed => (EdgeError::Malformed.reason(), UNAUTHENTICATED),
            Self::BindingUserAgent => ("binding_user_agent", UNAUTHENTICATED),
            Self::BindingIp => ("binding_ip", UNAUTHENTICATED),
            Self::Suspended => ("suspended", BLOCKED),
            Self::Banned => ("banned", BLOCKED),
            Self::FlagsUnreadable => ("flags_unreadable", BLOCKED),
            Self::MissingScope => ("missing_scope", INSUFFICIENT),
            Self::MissingRole => ("missing_role", INSUFFICIENT),
            Self::MissingGroup => ("missing_group", INSUFFICIENT),
            Self::OtherEmailDomain => ("other_email_domain", INSUFFICIENT),
            Self::OtherTenant => ("other_tenant", INSUFFICIENT),
            Self::WeakLogin => ("acr", STEP_UP),
            Self::OldLogin => ("max_age", STEP_UP),
            Self::StoreUnavailable => (StoreError::Unavailable.reason(), AWAY),
            Self::StoreTimeout => (StoreError::TimedOut.reason(), AWAY),
            Self::StoreRefused => ("store_refused", AWAY),
            Self::StoreIncomplete => ("store_incomplete", AWAY),
            Self::TokenSessionEnded => ("token_session_ended", UNAUTHENTICATED),
            Self::TokenBound => (
                "token_bound",
                (
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "token_bound",
                    "The access token of this session cannot be handed on.",
                ),
            ),
            Self::TokenUnavailable => ("token_unavailable", NO_TOKEN),
            Self::TokenTimeout => ("token_timeout", NO_TOKEN),
            Self::ContextToken => ("context_token", UNTOLD),
            Self::BearerMalformed => (
                "bearer_malformed",
                (StatusCode::BAD_REQUEST, "invalid_request", "The access token cannot be read."),
            ),
            Self::BearerInvalid => ("bearer_invalid", INVALID_TOKEN),
            Self::BearerUser => ("bearer_user", INVALID_TOKEN),
            Self::BearerRevoked => ("bearer_revoked", INVALID_TOKEN),
            Self::BearerKeys => ("bearer_keys", NO_KEYS),
        };
        Row { reason, status, code, title }
    }

    /// Stable code for metrics and logs.
    pub(crate) const fn reason(self) -> &'static str {
        self.row().reason
    }

    /// Whether a new login would ask for more than the present one has.
    pub(crate) const fn asks_for_step_up(self) -> bool {
        matches!(self, Self::WeakLogin | Self::OldLogin)
    }
}

impl From<EdgeError> for Refusal {
    fn from(error: EdgeError) -> Self {
        match error {
            EdgeError::Version => Self::EdgeVersion,
            EdgeError::UnknownKey => Self::EdgeUnknownKey,
            EdgeError::Forged => Self::EdgeForged,
            EdgeError::Malformed => Self::EdgeMalformed,
        }
    }
}

impl From<Ended> for Refusal {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Expired => Self::SessionExpired,
            Ended::Idle => Self::SessionIdle,
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable => Self::StoreUnavailable,
            StoreError::TimedOut => Self::StoreTimeout,
            StoreError::Refused(_) => Self::StoreRefused,
        }
    }
}

#[cfg(test)]
mod tests;
