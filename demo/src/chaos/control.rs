//! Owns: the page with the buttons, and what they call. Only a page of the demo itself may press them.

use std::io;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ORIGIN};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;
use tokio::net::TcpListener;

use super::stage::{Act, Stage};
use crate::spa::SECURITY_HEADERS;

#[derive(Clone)]
struct Control {
    stage: Arc<Stage>,
    /// The origin of the demo's pages.
    public: Arc<str>,
}

/// Serves until `shutdown` completes.
///
/// # Errors
/// When the listener fails.
pub(super) async fn serve(
    listener: TcpListener,
    stage: Arc<Stage>,
    public: String,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let control = Control { stage, public: public.into() };
    axum::serve(listener, router(control)).with_graceful_shutdown(shutdown).await
}

fn router(control: Control) -> Router {
    let html = "text/html; charset=utf-8";
    let script = "text/javascript; charset=utf-8";
    let style = "text/css; charset=utf-8";
    Router::new()
        .route("/chaos/", asset(html, include_str!("../../assets/chaos.html")))
        .route("/chaos/chaos.js", asset(script, include_str!("../../assets/chaos.js")))
        .route("/chaos/chaos.css", asset(style, include_str!("../../assets/chaos.css")))
        .route("/chaos/state", get(state))
        .route("/chaos/parts/{id}/{act}", post(act))
        .with_state(control)
}

fn asset(kind: &'static str, text: &'static str) -> axum::routing::MethodRouter<Control> {
    get(async move || ([(CONTENT_TYPE, kind)], SECURITY_HEADERS, text))
}

async fn state(State(control): State<Control>) -> Response {
    let (parts, told) = control.stage.shown().await;
    let body = Json(json!({ "parts": parts, "told": told }));
    (SECURITY_HEADERS, [(CACHE_CONTROL, "no-store")], body).into_response()
}

async fn act(
    State(control): State<Control>,
    Path((id, act)): Path<(String, Act)>,
    headers: HeaderMap,
) -> Response {
    // A browser says where a request comes from, and other sites reach this port too.
    if headers.get(ORIGIN).is_none_or(|origin| origin.as_bytes() != control.public.as_bytes()) {
        return StatusCode::FORBIDDEN.into_response();
    }
    match control.stage.act(&id, act).await {
        Ok(Some(())) => state(State(control)).await,
        Ok(None) => StatusCode::CONFLICT.into_response(),
        Err(error) => {
            tracing::error!("{error:#}");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::Request;
    use tower::ServiceExt as _;

    use super::*;

    async fn answer(request: http::request::Builder) -> (StatusCode, HeaderMap) {
        let control = Control { stage: Stage::new(Vec::new()), public: "http://here:1".into() };
        let request = request.body(Body::empty()).unwrap();
        let (head, _) = router(control).oneshot(request).await.unwrap().into_parts();
        (head.status, head.headers)
    }

    #[tokio::test]
    async fn only_a_page_of_the_demo_presses_a_button() {
        let press = |origin: Option<&str>| {
            let request = Request::post("/chaos/parts/redis/kill");
            origin.map_or_else(
                || Request::post("/chaos/parts/redis/kill"),
                |o| request.header("origin", o),
            )
        };
        for origin in [None, Some("http://here:2"), Some("https://here:1"), Some("null")] {
            assert_eq!(answer(press(origin)).await.0, StatusCode::FORBIDDEN, "{origin:?}");
        }
        // There is no such part here.
        assert_eq!(answer(press(Some("http://here:1"))).await.0, StatusCode::CONFLICT);
        assert_eq!(
            answer(Request::get("/chaos/parts/redis/kill")).await.0,
            StatusCode::METHOD_NOT_ALLOWED
        );
    }

    #[tokio::test]
    async fn every_page_has_the_policy_and_holds_nothing_that_it_forbids() {
        for path in ["/chaos/", "/chaos/chaos.js", "/chaos/chaos.css", "/chaos/state"] {
            let (status, headers) = answer(Request::get(path)).await;
            assert_eq!(status, StatusCode::OK, "{path}");
            assert!(headers.contains_key("content-security-policy"), "{path}");
        }
        let page = include_str!("../../assets/chaos.html");
        for forbidden in ["<script>", "<style", " style=", " onclick=", "http://", "https://"] {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
    }
}
