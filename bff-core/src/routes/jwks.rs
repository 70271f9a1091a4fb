//! `GET /.well-known/jwks.json`: the public halves of our keys.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde_json::json;

use crate::app::App;
use crate::hardening::RESOURCE_POLICY;

/// Those that we authenticate with at providers, and those of context tokens. Public, and worth caching for a
/// while.
pub(crate) async fn jwks(State(app): State<Arc<App>>) -> Response {
    let mut keys = app.tenants.public_keys();
    if let Some(tokens) = &app.context {
        keys.extend(tokens.signer().public_keys());
    }
    let keys = json!({ "keys": keys });
    let mut response = Response::new(Body::from(keys.to_string()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/jwk-set+json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    headers.insert(RESOURCE_POLICY, HeaderValue::from_static("cross-origin"));
    response
}
