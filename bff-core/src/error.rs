//! Owns: every way a request can fail.
//!
//! Routes return an [`ApiError`]; [`render`] turns it into problem+json or, for a person at a page
//! of the login, into HTML. It is logged there and nowhere else. Causes stay inside.

mod problem;
mod proxied;
mod reason;
mod render;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode};
use session::seal::SealError;
use session::store::StoreError;

pub use render::render;

use crate::bearer::TokenRefused;
use crate::limits::RateLimited;
use crate::oidc::OidcError;
use crate::step_up::StepUp;

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
}
