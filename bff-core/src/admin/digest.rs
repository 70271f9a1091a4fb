//! `/admin/config`: what this replica runs with, for comparing replicas. Names and counts, never a
//! secret (bff-checklist 86): keys appear by their kid, administrators by how many they are.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;
use serde_json::{Value, json};
use session::any::AnyStore;
use shell::origin::Origin;

use super::gate::Administrator;
use crate::app::App;
use crate::audit::{self, AdminAction};
use crate::caller::Caller;
use crate::config::Config;
use crate::routes::session::json_response;

/// The settings, and a hash over them.
pub(super) async fn config(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Extension(Administrator(actor)): Extension<Administrator>,
) -> Response {
    let action =
        AdminAction { event: "admin.config_read", actor: &actor, ..AdminAction::default() };
    audit::administered(&caller, &action);
    let told = describe(&app);
    let hash = digest::digest(&digest::SHA256, told.to_string().as_bytes());
    json_response(&json!({ "config": told, "sha256": URL_SAFE_NO_PAD.encode(hash) }))
}

fn describe(app: &App) -> Value {
    let Config { network, clients, oidc, lifetimes, access, .. } = &app.config;
    let providers: Vec<&str> = app.providers.all().filter_map(|(name, _)| name).collect();
    let origins: Vec<&str> = network.cors_origins.iter().map(Origin::as_str).collect();
    let shared = matches!(app.store, AnyStore::Redis(_));
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "store": if shared { "redis" } else { "memory" },
        "issuer": oidc.issuer,
        "client_id": oidc.client_id,
        "scopes": oidc.scopes,
        "user_id_claim": oidc.user_id_claim,
        "providers": providers,
        "edge_keys": clients.edge_keys.kids().collect::<Vec<_>>(),
        "session_keys": app.config.session_keys.kids().collect::<Vec<_>>(),
        "binding": {
            "user_agent": clients.binding.user_agent.as_str(),
            "ip": clients.binding.ip.as_str(),
        },
        "cookie": app.config.cookies.name(),
        "session_ttl": lifetimes.session,
        "session_idle_ttl": lifetimes.idle,
        "token_refresh_threshold": lifetimes.refresh_before,
        "session_max_per_user": app.config.max_sessions_per_user,
        "default_origin": network.default_origin.as_ref().map(Origin::as_str),
        "dynamic_callback": network.dynamic_callback,
        "allowed_redirect_hosts": network.allowed_hosts,
        "cors_origins": origins,
        "csrf_header": network.csrf_header.as_str(),
        "tls": network.tls.is_some(),
        "admin_tls": network.admin_tls.is_some(),
        "administrators": access.actors.len(),
        "internal_token": access.internal.is_some(),
    })
}
