//! `/admin/config`: what this replica runs with, for comparing replicas. Names and counts, never a
//! secret (bff-checklist 86): keys appear by their kid, administrators by how many they are.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;
use serde_json::{Map, Value, json};
use session::any::AnyStore;
use shell::origin::Origin;

use super::gate::Administrator;
use crate::app::App;
use crate::audit::{self, AdminAction, Event};
use crate::caller::Requester;
use crate::config::Config;
use crate::routes::session::json_response;
use crate::tenants::Tenant;

/// The settings, and a hash over them.
pub(super) async fn config(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Requester>,
    Extension(Administrator(actor)): Extension<Administrator>,
) -> Response {
    let action = AdminAction::by(Event::AdminConfigRead, &actor);
    audit::administered(&caller, &action);
    let told = describe(&app);
    let hash = digest::digest(&digest::SHA256, told.to_string().as_bytes());
    json_response(&json!({ "config": told, "sha256": URL_SAFE_NO_PAD.encode(hash) }))
}

fn describe(app: &App) -> Value {
    let Config { network, clients, lifetimes, access, .. } = &app.config;
    let store = if matches!(app.store, AnyStore::Redis(_)) {
        "redis"
    } else if matches!(app.store, AnyStore::Durable(_)) {
        "redis and postgresql"
    } else {
        "memory"
    };
    let mut told = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "store": store,
        "edge_keys": clients.edge_keys.kids(),
        "session_keys": app.config.session_keys.kids(),
        "binding": {
            "user_agent": clients.binding.user_agent.as_str(),
            "ip": clients.binding.ip.as_str(),
        },
        "token_refresh_threshold": lifetimes.refresh_before,
        "csrf_header": network.csrf_header.as_str(),
        "tls": network.tls.is_some(),
        "admin_tls": network.admin_tls.is_some(),
        "administrators": access.administrators(),
        "internal_token": access.has_internal(),
    });
    let Value::Object(all) = &mut told else { return told };
    if app.tenants.is_by_host() {
        let tenants = app.tenants.all();
        let tenants = tenants.iter().map(|tenant| (tenant.id.clone(), of_tenant(tenant)));
        all.insert("tenants".to_owned(), tenants.collect::<Map<_, _>>().into());
    } else if let Some(tenant) = app.tenants.named("")
        && let Value::Object(own) = of_tenant(&tenant)
    {
        all.extend(own);
    }
    told
}

fn of_tenant(tenant: &Tenant) -> Value {
    let Tenant { providers, site, limits, .. } = tenant;
    let oidc = providers.main().config();
    let named: Vec<&str> = providers.all().filter_map(|(name, _)| name).collect();
    let origins: Vec<&str> = site.cors_origins.iter().map(Origin::as_str).collect();
    let mut told = json!({
        "issuer": oidc.issuer,
        "client_id": oidc.client_id,
        "scopes": oidc.scopes,
        "user_id_claim": oidc.user_id_claim,
        "providers": named,
        "cookie": tenant.cookies.name(),
        "session_ttl": limits.session,
        "session_idle_ttl": limits.idle,
        "session_max_per_user": limits.max_sessions_per_user,
        "default_origin": site.default_origin.as_ref().map(Origin::as_str),
        "dynamic_callback": site.dynamic_callback,
        "allowed_redirect_hosts": site.allowed_hosts,
        "cors_origins": origins,
    });
    if let (Value::Object(told), false) = (&mut told, tenant.hosts.is_empty()) {
        told.insert("slug".to_owned(), tenant.slug.as_str().into());
        told.insert("hosts".to_owned(), tenant.hosts.clone().into());
    }
    told
}
