//! Owns: the sample API behind the BFF's proxy, and how a service uses `validator-lib`: it makes a
//! validator once and gives names to what it requires, and each handler says in its signature which of
//! them. That is all the security code there is here.

mod book;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::extract::{FromRef, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use tokio::net::TcpListener;
use validator_lib::{Allowed, Policy, Refusal, Validator, policy};

use book::{Book, NewOrder, OrderError};

const MAX_BODY_BYTES: usize = 4 * 1024;

policy! {
    OrdersRead = Policy::all(["orders:read"]);
    OrdersWrite = Policy::all(["orders:write"]);
}

#[derive(Clone)]
struct Api {
    validator: Validator,
    book: Arc<Mutex<Book>>,
}

impl FromRef<Api> for Validator {
    fn from_ref(api: &Api) -> Self {
        api.validator.clone()
    }
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
    Router::new()
        .route("/orders", get(list).post(place))
        .fallback(missing)
        .layer(map_response(log_refusal))
        .with_state(api)
}

async fn list(token: Allowed<OrdersRead>, State(api): State<Api>) -> Response {
    let orders = api.book.lock().unwrap_or_else(PoisonError::into_inner).of(token.subject());
    ([(CACHE_CONTROL, "no-store")], Json(json!({ "orders": orders }))).into_response()
}

async fn place(
    token: Allowed<OrdersWrite>,
    State(api): State<Api>,
    body: Body,
) -> Result<Response, Problem> {
    let wanted = read(body).await?;
    let mut book = api.book.lock().unwrap_or_else(PoisonError::into_inner);
    let order = book.place(token.subject(), &wanted)?;
    Ok((StatusCode::CREATED, [(CACHE_CONTROL, "no-store")], Json(order)).into_response())
}

/// The client learns what to do; why exactly is for the log.
async fn log_refusal(response: Response) -> Response {
    if let Some(refusal) = response.extensions().get::<Refusal>() {
        tracing::debug!(reason = refusal.reason(), "the orders service refused a request");
    }
    response
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

/// An error that has nothing to do with tokens, as RFC 9457 writes it.
#[derive(Debug)]
struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into() }
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
        response
    }
}
