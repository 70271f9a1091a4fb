//! Owns: an administrator at the admin listener.

use std::sync::Arc;

use axum::body::Body;
use http::{Method, Request};
use http_body_util::BodyExt as _;
use serde_json::Value;
use shell::admin::Admin;
use tower::ServiceExt as _;

use super::{Answer, World};
use crate::admin;
use crate::app::App;
use crate::caller::Peer;

pub(crate) const ADMIN_TOKENS: &str =
    "ops:canary-admin-token-of-32-characters-1,sec:canary-admin-token-of-32-characters-2";
pub(crate) const OPS: &str = "canary-admin-token-of-32-characters-1";

/// What is sent to the admin listener.
pub(crate) async fn send(app: &Arc<App>, request: Request<Body>) -> Answer {
    let probes = Admin { metrics: None, shutdown: app.shutdown.clone() };
    let mut request = request;
    let address = "127.0.0.1:4712".parse().unwrap();
    request.extensions_mut().insert(Peer { address, tls: false });
    let response = admin::router(app, probes).oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    assert!(!String::from_utf8_lossy(&body).contains("canary-admin-token"));
    Answer::checked(head.status, head.headers, &body)
}

/// A request of the administrator `ops`.
pub(crate) async fn ask(app: &Arc<App>, method: Method, target: &str, body: &Value) -> Answer {
    let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
    let request = Request::builder().method(method).uri(target);
    let request = request.header("authorization", format!("Bearer {OPS}"));
    send(app, request.body(body).unwrap()).await
}

impl World {
    /// A world with an admin API, in which a session is its cookie's whoever shows it.
    pub(crate) async fn administered(changes: &[(&str, &str)]) -> Self {
        let mut all = vec![
            ("BFF_ADMIN_TOKENS", ADMIN_TOKENS),
            ("BFF_BINDING_UA", "off"),
            ("BFF_BINDING_IP", "off"),
        ];
        all.extend(changes);
        Self::with(&all).await
    }
}
