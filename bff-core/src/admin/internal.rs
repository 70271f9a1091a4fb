//! Owns: `POST /internal/refresh`, what `forwardauth` asks of us: to refresh a session's tokens in time, and
//! to give out its access token.
//!
//! Verify has judged the request before it asks, so nothing here is compared with a client and no
//! session slides. Whoever holds `BFF_INTERNAL_TOKEN` and a cookie gets that session's access token;
//! the endpoint exists on the admin listener alone, and only where that token is set.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, FromRequest as _, Request, State};
use axum::response::Response;
use axum::routing::post;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use session::id::SessionId;
use session::record::{TokenPart, TokenType};
use session::store::StoreError;
use shell::problem::ProblemDetails;
use shell::request_id::RequestId;

use super::gate;
use crate::app::App;
use crate::error::ApiError;

/// Longest question.
const BODY_MAX: usize = 4 * 1024;

/// The endpoint, if it is to exist.
pub(super) fn routes(app: &App) -> Router<Arc<App>> {
    if !app.config.access.has_internal() {
        return Router::new();
    }
    Router::new().route("/internal/refresh", post(refresh)).layer(DefaultBodyLimit::max(BODY_MAX))
}

async fn refresh(State(app): State<Arc<App>>, request: Request) -> Response {
    match answer(&app, request).await {
        Ok(response) => response,
        Err(refusal) => refusal.response(&app.request_ids.fresh()),
    }
}

async fn answer(app: &Arc<App>, request: Request) -> Result<Response, Refusal> {
    let shown = gate::shown(request.headers());
    if !shown.is_some_and(|shown| app.config.access.is_internal(&shown, app.now())) {
        return Err(Refusal::Credential);
    }
    let body = Bytes::from_request(request, app).await;
    let asked: Asked = super::read_json(body).map_err(|_| Refusal::Unreadable)?;
    let id = SessionId::parse(asked.session.expose_secret().as_bytes());
    let id = id.ok_or(Refusal::Unreadable)?;
    let session = app.session_by_id(id).await?.ok_or(Refusal::Ended("no_session"))?;
    if !asked.wait {
        app.refresh_if_due(&session);
        return Ok(empty(StatusCode::ACCEPTED));
    }
    let tokens = app.fresh_tokens(&session).await?;
    if tokens.token_type == TokenType::Dpop {
        return Err(Refusal::Bound);
    }
    given(&tokens)
}

fn given(tokens: &TokenPart) -> Result<Response, Refusal> {
    let given = Given {
        access_token: tokens.access_token.expose_secret(),
        token_type: "Bearer",
        expires_at: tokens.access_expires_at,
    };
    let body = serde_json::to_vec(&given).map_err(|_| Refusal::Internal("unwritable"))?;
    let mut response = empty(StatusCode::OK);
    *response.body_mut() = Body::from(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The question. Members that are not known are for later versions.
#[derive(Deserialize)]
struct Asked {
    /// The cookie's value.
    session: SecretString,
    #[serde(default)]
    wait: bool,
}

#[derive(Serialize)]
struct Given<'a> {
    access_token: &'a str,
    token_type: &'static str,
    expires_at: Option<u64>,
}

/// Why nothing was given. What a session's cookie was is never said.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Refusal {
    Credential,
    Unreadable,
    /// There is no session, or none that can have a living token again.
    Ended(&'static str),
    /// Tokens that are bound to a key are of no use without it, which never leaves us.
    Bound,
    /// The store or the IdP is away.
    Away(&'static str, &'static str),
    Internal(&'static str),
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Away("store_unavailable", error.reason())
    }
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        match (&error, error.status()) {
            (ApiError::Store(_), _) => Self::Away("store_unavailable", error.reason()),
            (_, StatusCode::SERVICE_UNAVAILABLE) => Self::Away("idp_unavailable", error.reason()),
            (_, StatusCode::UNAUTHORIZED) => Self::Ended(error.reason()),
            _ => Self::Internal(error.reason()),
        }
    }
}

impl Refusal {
    fn response(&self, request_id: &RequestId) -> Response {
        let (status, code, title) = self.row();
        let problem = ProblemDetails::new(status, code, title);
        let reason = self.reason();
        if status.is_server_error() || *self == Self::Credential {
            tracing::warn!(%request_id, code, reason, "not given to forwardauth");
        } else {
            tracing::info!(%request_id, code, reason, "not given to forwardauth");
        }
        let mut response: Response = problem.response(request_id);
        let headers = response.headers_mut();
        if *self == Self::Credential {
            let challenge = HeaderValue::from_static("Bearer realm=\"wicketgate internal\"");
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }

    const fn row(&self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Credential => (
                StatusCode::UNAUTHORIZED,
                "internal_token",
                "BFF_INTERNAL_TOKEN is missing or another.",
            ),
            Self::Unreadable => {
                (StatusCode::BAD_REQUEST, "bad_request", "The request cannot be understood.")
            }
            Self::Ended(_) => {
                (StatusCode::UNAUTHORIZED, "session_ended", "There is no such session any more.")
            }
            Self::Bound => (
                StatusCode::CONFLICT,
                "token_bound",
                "The access token is bound to a key and never given out.",
            ),
            Self::Away(code, _) => {
                (StatusCode::SERVICE_UNAVAILABLE, code, "Not right now. Try again shortly.")
            }
            Self::Internal(_) => {
                (StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something went wrong.")
            }
        }
    }

    const fn reason(&self) -> &'static str {
        match self {
            Self::Ended(reason) | Self::Away(_, reason) | Self::Internal(reason) => reason,
            Self::Credential | Self::Unreadable | Self::Bound => self.row().1,
        }
    }
}
