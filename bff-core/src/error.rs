//! Owns: every way a request can fail, and the one map from failure to answer.
//!
//! Routes return an [`ApiError`]; [`render`] turns it into problem+json or, for a person at a page
//! of the login, into HTML. It is logged here and nowhere else. Causes stay inside.

use axum::response::{IntoResponse, Response};
use http::header::{RETRY_AFTER, SET_COOKIE, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde_json::json;
use session::seal::SealError;
use session::store::StoreError;
use shell::problem::ProblemDetails;

use crate::bearer::TokenRefused;
use crate::caller::Requester;
use crate::limits::RateLimited;
use crate::oidc::OidcError;
use crate::pages;
use crate::step_up::StepUp;

/// For who asks at a host that is not ours (RFC 9110 section 15.5.20).
const MISDIRECTED: StatusCode = StatusCode::MISDIRECTED_REQUEST;

/// Why a request was not carried out.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ApiError {
    /// Nobody is signed in, or no longer.
    #[error("not signed in ({0})")]
    Unauthenticated(&'static str),
    /// No administrator of the admin API.
    #[error("not an administrator")]
    AdminToken,
    /// A bearer token that is not taken.
    #[error("token refused ({})", .0.reason)]
    Token(Box<TokenRefused>),
    /// Two session cookies; the headers take both forms away.
    #[error("two session cookies")]
    CookieTossing(Vec<HeaderValue>),
    /// Signed in from another client.
    #[error("session bound to another client")]
    Binding,
    /// Suspended or banned.
    #[error("user is suspended")]
    Suspended,
    /// Cross-site request forgery, or a forgotten header.
    #[error("cross-site request refused ({0})")]
    Csrf(&'static str),
    /// The session lacks a scope or role that the route needs.
    #[error("insufficient scope")]
    InsufficientScope,
    /// The request itself is wrong.
    #[error("bad request ({0})")]
    BadRequest(&'static str),
    /// A callback that belongs to no login of this browser.
    #[error("login not accepted ({0})")]
    Login(&'static str),
    /// Logins that succeed, and lead to no usable session.
    #[error("login loop")]
    LoginLoop {
        /// Where to begin another one all the same: a path.
        retry: String,
    },
    /// No tenant has this host.
    #[error("host of nobody")]
    UnknownHost,
    /// A session that another tenant made.
    #[error("session of another tenant")]
    OtherTenant,
    /// No such page, or not by this method.
    #[error("no such route")]
    NotFound,
    /// The path exists, the method does not.
    #[error("method not allowed")]
    MethodNotAllowed,
    /// The body is longer than this path takes.
    #[error("body too large")]
    TooLarge,
    /// The body is of a kind that this path does not read.
    #[error("unsupported media type")]
    UnsupportedMediaType,
    /// The session store is away. Nobody is logged out by that.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The IdP is away.
    #[error("identity provider unavailable ({0})")]
    IdpUnavailable(&'static str),
    /// A value that a route needs of the user context is not there.
    #[error("value {value} of the user context is missing")]
    ContextMissing {
        /// Its name in the configuration.
        value: String,
    },
    /// A source of the user context is away.
    #[error("source of the user context unavailable ({0})")]
    ContextUnavailable(&'static str),
    /// The service behind a route is away.
    #[error("service {service} unreachable")]
    UpstreamUnreachable {
        /// Its name in `routes.yaml`.
        service: String,
    },
    /// The service behind a route has failed so often that it is left alone for a while.
    #[error("service {service} left alone")]
    UpstreamUnavailable {
        /// Its name in `routes.yaml`.
        service: String,
        /// For how many seconds more.
        retry_after: u64,
    },
    /// The service asks for a fresher or stronger login.
    #[error("fresher or stronger login needed")]
    StepUp {
        /// Which.
        asked: StepUp,
        /// Where it begins.
        login_url: String,
    },
    /// The service asks for a login that was made just now.
    #[error("fresher or stronger login would not help")]
    StepUpInVain,
    /// The service has to be asked again, by who has the body.
    #[error("service {service} has to be asked again")]
    AskAgain {
        /// Its name in `routes.yaml`.
        service: String,
    },
    /// There is no token that the service behind a route may be shown.
    #[error("no token for service {service} ({reason})")]
    ServiceToken {
        /// Its name in `routes.yaml`.
        service: String,
        /// The stable code for clients.
        code: &'static str,
        /// Why, for logs and metrics.
        reason: &'static str,
    },
    /// The service behind a route did not answer in time.
    #[error("service {service} too slow")]
    UpstreamTimeout {
        /// Its name in `routes.yaml`.
        service: String,
    },
    /// The service behind a route answered with something that may not be passed on.
    #[error("answer of service {service} refused ({code})")]
    UpstreamAnswer {
        /// Its name in `routes.yaml`.
        service: String,
        /// What is wrong with the answer.
        code: &'static str,
    },
    /// This process has as many open streams as it may.
    #[error("too many open streams")]
    TooManyStreams,
    /// This session has as many open streams as it may.
    #[error("too many open streams of this session")]
    TooManyOfSession,
    /// The body of the request stopped coming.
    #[error("the body of the request stopped coming")]
    BodyStalled,
    /// More requests than a limit allows.
    #[error("too many requests")]
    RateLimited(RateLimited),
    /// Something that should not happen.
    #[error("internal error ({0})")]
    Internal(&'static str),
}

impl From<SealError> for ApiError {
    fn from(error: SealError) -> Self {
        Self::Unauthenticated(error.reason())
    }
}

impl From<RateLimited> for ApiError {
    fn from(limited: RateLimited) -> Self {
        Self::RateLimited(limited)
    }
}

impl From<TokenRefused> for ApiError {
    fn from(refused: TokenRefused) -> Self {
        Self::Token(Box::new(refused))
    }
}

impl From<OidcError> for ApiError {
    fn from(error: OidcError) -> Self {
        if error.is_unavailable() {
            Self::IdpUnavailable(error.reason())
        } else {
            Self::Login(error.reason())
        }
    }
}

/// Carries the error to [`render`]. Whatever goes wrong on the way is still a 500.
impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl ApiError {
    fn problem(&self) -> ProblemDetails {
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

    fn problem_of_proxy(&self) -> ProblemDetails {
        let problem = |status, code, title| ProblemDetails::new(status, code, title);
        match self {
            Self::ContextMissing { value } => problem(
                StatusCode::FORBIDDEN,
                "context_missing",
                "Something that this needs is not known of you.",
            )
            .with("value", value.as_str()),
            Self::ContextUnavailable(_) => problem(
                StatusCode::SERVICE_UNAVAILABLE,
                "context_unavailable",
                "What is needed of you cannot be looked up right now. Try again shortly.",
            ),
            Self::UpstreamUnreachable { service } => problem(
                StatusCode::BAD_GATEWAY,
                "upstream_unreachable",
                "The service behind this address cannot be reached.",
            )
            .with("service", service.as_str()),
            Self::UpstreamUnavailable { service, .. } => problem(
                StatusCode::SERVICE_UNAVAILABLE,
                "upstream_unavailable",
                "The service behind this address does not answer. Try again shortly.",
            )
            .with("service", service.as_str()),
            Self::StepUp { asked, .. } => problem(
                StatusCode::UNAUTHORIZED,
                "insufficient_user_authentication",
                "This needs a fresher or stronger sign-in.",
            )
            .with("step_up", json!({ "acr_values": asked.acr_values, "max_age": asked.max_age })),
            Self::StepUpInVain => problem(
                StatusCode::FORBIDDEN,
                "step_up_not_satisfied",
                "The service behind this address does not take the sign-in that was just made.",
            ),
            Self::AskAgain { service } => problem(
                StatusCode::SERVICE_UNAVAILABLE,
                "dpop_nonce_learned",
                "Send this once more.",
            )
            .with("service", service.as_str()),
            Self::ServiceToken { service, code, .. } => problem(
                StatusCode::BAD_GATEWAY,
                code,
                "There is no token that the service behind this address takes.",
            )
            .with("service", service.as_str()),
            Self::UpstreamTimeout { service } => problem(
                StatusCode::GATEWAY_TIMEOUT,
                "upstream_timeout",
                "The service behind this address did not answer in time.",
            )
            .with("service", service.as_str()),
            Self::UpstreamAnswer { service, code } => problem(
                StatusCode::BAD_GATEWAY,
                code,
                "The service behind this address gave an answer that cannot be passed on.",
            )
            .with("service", service.as_str()),
            Self::TooManyStreams => problem(
                StatusCode::SERVICE_UNAVAILABLE,
                "too_many_streams",
                "Too many streams are open. Try again shortly.",
            ),
            Self::TooManyOfSession => problem(
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_streams",
                "Too many streams of this session are open. Close one of them.",
            ),
            Self::BodyStalled => problem(
                StatusCode::REQUEST_TIMEOUT,
                "request_timeout",
                "The rest of the request did not come in time.",
            ),
            _ => problem(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something went wrong."),
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

    /// Why a body could not be read, by the status of what axum says: it is too long, or it was torn off.
    pub(crate) fn of_body(status: StatusCode) -> Self {
        if status == StatusCode::PAYLOAD_TOO_LARGE {
            Self::TooLarge
        } else {
            Self::BadRequest("body_unreadable")
        }
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        self.problem().status()
    }

    /// In how many seconds to come back, for what may be over by then.
    fn retry_after(&self, status: StatusCode) -> Option<u64> {
        match self {
            Self::UpstreamUnavailable { retry_after, .. } => Some(*retry_after),
            Self::UpstreamUnreachable { .. } | Self::UpstreamTimeout { .. } => Some(1),
            _ => (status == StatusCode::SERVICE_UNAVAILABLE).then_some(1),
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
            | Self::ServiceToken { reason, .. } => reason,
            Self::UpstreamAnswer { code: reason, .. } => reason,
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

/// The answer to a failed request.
pub fn render(error: &ApiError, caller: &Requester, is_page: bool) -> Response {
    let problem = error.problem();
    let (status, request_id) = (problem.status(), &caller.request_id);
    if status == StatusCode::TOO_MANY_REQUESTS {
        // A flood of these is what they are for; `audit::rate_limited` writes some of them.
        tracing::debug!(%request_id, code = problem.code(), "refused");
    } else if status.is_server_error() {
        tracing::warn!(%request_id, code = problem.code(), reason = error.reason(), %error, "failed");
    } else {
        tracing::info!(%request_id, code = problem.code(), reason = error.reason(), "refused");
    }
    let is_admin = matches!(error, ApiError::AdminToken);
    let by_token = is_admin || matches!(error, ApiError::Token(_));
    let unauthenticated = status == StatusCode::UNAUTHORIZED && !by_token;
    let mut response = if is_page && caller.navigates {
        match error {
            ApiError::LoginLoop { retry } => pages::login_loop(&problem, request_id, retry),
            _ => pages::failure(&problem, request_id),
        }
    } else if unauthenticated {
        let url = match error {
            ApiError::StepUp { login_url, .. } => login_url.as_str(),
            _ => "/auth/login",
        };
        problem.with("login_url", url).response(request_id)
    } else {
        problem.response(request_id)
    };
    let headers = response.headers_mut();
    if unauthenticated {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Session realm=\"wicketgate\""));
    }
    if is_admin {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"wicketgate\""));
    }
    if let ApiError::Token(refused) = error {
        for challenge in refused.challenges.iter().filter_map(|text| text.parse().ok()) {
            headers.append(WWW_AUTHENTICATE, challenge);
        }
    }
    if let Some(seconds) = error.retry_after(status) {
        headers.insert(RETRY_AFTER, seconds.into());
    }
    if let ApiError::RateLimited(limited) = error {
        limited.put(headers);
    }
    if let ApiError::CookieTossing(cookies) = error {
        for cookie in cookies {
            headers.append(SET_COOKIE, cookie.clone());
        }
    }
    response
}
