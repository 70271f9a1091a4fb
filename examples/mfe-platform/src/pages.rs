//! Owns: the pages. They are the same for everybody, hold nothing of anybody, and run no script but their own.

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

const POLICY: &str =
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

pub(crate) fn router() -> Router {
    Router::new()
        .route(
            "/",
            get(async || page("text/html; charset=utf-8", include_str!("../spa/index.html"))),
        )
        .route("/app.js", get(async || page("text/javascript", include_str!("../spa/app.js"))))
}

fn page(kind: &'static str, text: &'static str) -> Response {
    let headers =
        [(CONTENT_TYPE, kind), (CONTENT_SECURITY_POLICY, POLICY), (CACHE_CONTROL, "no-cache")];
    (headers, text).into_response()
}
