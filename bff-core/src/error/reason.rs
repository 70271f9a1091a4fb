//! Owns: the reasons of failures, for logs and metrics.

use super::ApiError;

impl ApiError {
    /// Why a login led to no session, as coarsely as `bff_logins_failed_total` tells.
    pub fn login_failure(&self) -> &'static str {
        match self {
            Self::IdpUnavailable(_) => "idp_unavailable",
            Self::Login(_) => "not_accepted",
            Self::Store(_) => "store_unavailable",
            Self::ContextUnavailable(_) => "context_unavailable",
            Self::LoginLoop { .. } => "login_loop",
            _ => "other",
        }
    }

    /// Why, more finely than clients are told. Stable, for logs and metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Unauthenticated(reason)
            | Self::Login(reason)
            | Self::IdpUnavailable(reason)
            | Self::ContextUnavailable(reason)
            | Self::Internal(reason)
            | Self::Csrf(reason)
            | Self::BadRequest(reason)
            | Self::ServiceToken { reason, .. }
            | Self::UpstreamAnswer { code: reason, .. } => reason,
            Self::Token(refused) => refused.reason,
            Self::Store(error) => error.reason(),
            Self::AdminToken => "admin_token_invalid",
            Self::CookieTossing(_) => "ambiguous_session",
            Self::Binding => "binding",
            Self::Suspended => "suspended",
            Self::InsufficientScope => "insufficient_scope",
            Self::LoginLoop { .. } => "login_loop",
            Self::UnknownHost => "host_unknown",
            Self::OtherTenant => "foreign_session",
            Self::NotFound => "not_found",
            Self::TooLarge => "body_too_large",
            Self::UnsupportedMediaType => "content_type",
            Self::ContextMissing { .. } => "context_missing",
            Self::TooManyStreams => "too_many_streams",
            Self::StepUp { .. } => "insufficient_user_authentication",
            Self::StepUpInVain => "step_up_not_satisfied",
            Self::AskAgain { .. } => "dpop_nonce_learned",
            Self::TooManyOfSession => "too_many_streams_of_session",
            Self::BodyStalled => "request_timeout",
            Self::RateLimited(_) => "rate_limited",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::UpstreamUnreachable { .. } => "upstream_unreachable",
            Self::UpstreamUnavailable { .. } => "upstream_unavailable",
            Self::UpstreamTimeout { .. } => "upstream_timeout",
        }
    }
}
