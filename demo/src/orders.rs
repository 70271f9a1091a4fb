//! Owns: the sample API behind the BFF's proxy, and how a service uses `validator-lib`: it makes a
//! validator once, checks each request, asks for a scope. That is all the security code there is here.

mod book;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use tokio::net::TcpListener;
use validator_lib::{Refusal, Validator};

use book::{Book, NewOrder, OrderError};

const MAX_BODY_BYTES: usize = 4 * 1024;

#[derive(Clone)]
struct Api {
    validator: Validator,
    book: Arc<Mutex<Book>>,
}

/// Serves until `shutdown` completes. Tokens have to be from `issuer` and for `audience`; `origin` is
/// where callers reach this service, for the URL in their DPoP proofs.
///
/// # Errors
///
/// When the issuer's metadata cannot be had, or the listener fails.
pub(crate) async fn serve(
    listener: TcpListener,
    issuer: &str,
    audience: &str,
    origin: &str,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let validator = Validator::discover(issuer, audience).origin(origin).await;
    let router = router(validator.map_err(io::Error::other)?);
    axum::serve(listener, router).with_graceful_shutdown(shutdown).await
}

fn router(validator: Validator) -> Router {
    let api = Api { validator, book: Arc::default() };
    Router::new().route("/orders", get(list).post(place)).fallback(missing).with_state(api)
}

async fn list(State(api): State<Api>, parts: Parts) -> Result<Response, Problem> {
    let token = api.validator.check(&parts).await?;
    token.require_scope("orders:read")?;
    let orders = api.book.lock().unwrap_or_else(PoisonError::into_inner).of(token.subject());
    Ok(([(CACHE_CONTROL, "no-store")], Json(json!({ "orders": orders }))).into_response())
}

async fn place(State(api): State<Api>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let token = api.validator.check(&parts).await?;
    token.require_scope("orders:write")?;
    let wanted = read(body).await?;
    let mut book = api.book.lock().unwrap_or_else(PoisonError::into_inner);
    let order = book.place(token.subject(), &wanted)?;
    Ok((StatusCode::CREATED, [(CACHE_CONTROL, "no-store")], Json(order)).into_response())
}

async fn missing() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found", "There is nothing at this path.")
}

async fn read(body: Body) -> Result<NewOrder, Problem> {
    let bytes = axum::body::to_bytes(body, MAX_BODY_BYTES).await.map_err(|_| {
        let detail = "The order is too long or did not arrive whole.";
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_unreadable", detail)
    })?;
    serde_json::from_slice(&bytes).map_err(|_| {
        let detail = "An order is a JSON object with `item`, a string, and `quantity`, a number.";
        Problem::new(StatusCode::BAD_REQUEST, "invalid_order", detail)
    })
}

/// An error as RFC 9457 writes it.
#[derive(Debug)]
struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    challenges: Vec<String>,
    retry_after: Option<u64>,
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), challenges: Vec::new(), retry_after: None }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        tracing::debug!(reason = refusal.reason(), "the orders service refused a request");
        let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::UNAUTHORIZED);
        let (code, detail) = match status {
            StatusCode::BAD_REQUEST => ("invalid_request", "The credentials are malformed."),
            StatusCode::FORBIDDEN => ("insufficient_scope", "The token lacks the scope for this."),
            StatusCode::SERVICE_UNAVAILABLE => {
                ("keys_unavailable", "Tokens cannot be checked at the moment.")
            }
            _ => ("invalid_token", "This needs a valid access token."),
        };
        let (challenges, retry_after) = (refusal.challenges(), refusal.retry_after());
        Self { challenges, retry_after, ..Self::new(status, code, detail) }
    }
}

impl From<OrderError> for Problem {
    fn from(error: OrderError) -> Self {
        let (status, code) = match error {
            OrderError::Item | OrderError::Quantity => {
                (StatusCode::UNPROCESSABLE_ENTITY, "invalid_order")
            }
            OrderError::Full => (StatusCode::SERVICE_UNAVAILABLE, "book_full"),
        };
        Self::new(status, code, error.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason(),
            "status": self.status.as_u16(),
            "code": self.code,
            "detail": self.detail,
        });
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        for challenge in &self.challenges {
            if let Ok(challenge) = HeaderValue::from_str(challenge) {
                headers.append(WWW_AUTHENTICATE, challenge);
            }
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
