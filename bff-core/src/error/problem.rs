//! Owns: what clients are told of a failure (RFC 9457): status, code, title.

use http::StatusCode;
use shell::problem::ProblemDetails;

use super::ApiError;

/// For who asks at a host that is not ours (RFC 9110 section 15.5.20).
const MISDIRECTED: StatusCode = StatusCode::MISDIRECTED_REQUEST;

impl ApiError {
    pub(super) fn problem(&self) -> ProblemDetails {
        let problem = |status, code, title| ProblemDetails::new(status, code, title);
        match self {
            Self::Unauthenticated(_) | Self::OtherTenant => {
                problem(StatusCode::UNAUTHORIZED, "unauthenticated", "Sign in to go on.")
            }
            Self::AdminToken => problem(
                StatusCode::UNAUTHORIZED,
                "admin_token_invalid",
                "This needs the token of an administrator.",
            ),
            Self::Token(refused) => problem(refused.status, refused.code, refused.title),
            Self::CookieTossing(_) => problem(
                StatusCode::UNAUTHORIZED,
                "ambiguous_session",
                "More than one session cookie was sent. Sign in again.",
            ),
            Self::Binding => problem(
                StatusCode::UNAUTHORIZED,
                "session_binding",
                "This session belongs to another device or network. Sign in again.",
            ),
            Self::Suspended => {
                problem(StatusCode::FORBIDDEN, "suspended", "This account is suspended.")
            }
            Self::Csrf(code) => problem(StatusCode::FORBIDDEN, code, "Cross-site request refused."),
            Self::InsufficientScope => problem(
                StatusCode::FORBIDDEN,
                "insufficient_scope",
                "You are not allowed to do this.",
            ),
            Self::BadRequest(code @ "method_unknown") => {
                problem(StatusCode::BAD_REQUEST, code, "There is no such way to sign in here.")
            }
            Self::BadRequest(code) => {
                problem(StatusCode::BAD_REQUEST, code, "The request cannot be understood.")
            }
            Self::Login(code) => problem(StatusCode::BAD_REQUEST, code, login_title(code)),
            Self::LoginLoop { retry } => problem(
                StatusCode::BAD_REQUEST,
                "login_loop",
                "Signing in succeeds, but the session cannot be used.",
            )
            .with("retry_url", retry.as_str()),
            Self::UnknownHost => problem(MISDIRECTED, "host_unknown", "This host is not served."),
            Self::NotFound
            | Self::MethodNotAllowed
            | Self::TooLarge
            | Self::UnsupportedMediaType => self.no_such(),
            Self::Store(_) => problem(
                StatusCode::SERVICE_UNAVAILABLE,
                "store_unavailable",
                "Sessions cannot be checked right now. Try again shortly.",
            ),
            Self::IdpUnavailable(_) => problem(
                StatusCode::SERVICE_UNAVAILABLE,
                "idp_unavailable",
                "The identity provider cannot be reached right now. Try again shortly.",
            ),
            Self::ContextMissing { .. }
            | Self::ContextUnavailable(_)
            | Self::UpstreamUnreachable { .. }
            | Self::UpstreamUnavailable { .. }
            | Self::ServiceToken { .. }
            | Self::StepUp { .. }
            | Self::StepUpInVain
            | Self::AskAgain { .. }
            | Self::UpstreamTimeout { .. }
            | Self::UpstreamAnswer { .. }
            | Self::TooManyStreams
            | Self::TooManyOfSession
            | Self::BodyStalled => self.problem_of_proxy(),
            Self::RateLimited(limited) => limited.problem(),
            Self::Internal(_) => {
                problem(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something went wrong.")
            }
        }
    }

    /// What is asked for in a way that nothing here answers to.
    fn no_such(&self) -> ProblemDetails {
        let (status, code, title) = match self {
            Self::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "body_too_large",
                "The body is longer than this path takes.",
            ),
            Self::UnsupportedMediaType => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "content_type",
                "The body is of a kind that this path does not read.",
            ),
            Self::MethodNotAllowed => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "This method is not allowed here.",
            ),
            _ => (StatusCode::NOT_FOUND, "not_found", "There is nothing here."),
        };
        ProblemDetails::new(status, code, title)
    }
}

/// What a person can make of a failed login.
fn login_title(code: &str) -> &'static str {
    match code {
        "access_denied" => "The sign-in was cancelled or refused.",
        "login_unknown" | "other_browser" => {
            "This sign-in has expired, was completed already, or began in another browser."
        }
        "signed_out_meanwhile" => "You were signed out everywhere while you signed in here.",
        "too_many_sessions" => "You have signed in from elsewhere as often as you may.",
        "session_expiry_past" => "The identity provider lets this sign-in live no longer.",
        _ => "This sign-in cannot be completed.",
    }
}
