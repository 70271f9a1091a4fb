//! `/admin/users/{id}/…`: the sessions and the flags of one user.

use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::gate::Administrator;
use super::read_json;
use crate::app::App;
use crate::audit::{self, AdminAction, Event};
use crate::caller::Requester;
use crate::error::ApiError;
use crate::routes::session::json_response;
use crate::sessions::{Cause, Flags, Listed, User};

/// What tells users of one id apart. A misspelt name would mean another user, so it is refused.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Narrowed {
    iss: Option<String>,
    #[serde(default)]
    tenant: String,
}

type Named = Result<Path<String>, PathRejection>;
type Narrowing = Result<Query<Narrowed>, QueryRejection>;

fn user(app: &App, name: Named, narrowing: Narrowing) -> Result<User, ApiError> {
    let Path(id) = name.map_err(|_| ApiError::BadRequest("user_id_invalid"))?;
    let Query(Narrowed { iss, tenant }) =
        narrowing.map_err(|_| ApiError::BadRequest("query_invalid"))?;
    // One who may have been left out is never guessed, nor is an issuer that is another tenant's.
    if tenant.is_empty() && app.tenants.is_by_host() {
        return Err(ApiError::BadRequest("tenant_required"));
    }
    let by_default = if app.tenants.is_by_host() { tenant.as_str() } else { "" };
    let main = || Some(app.tenants.named(by_default)?.providers.main().issuer().to_owned());
    let issuer = iss.or_else(main).ok_or(ApiError::BadRequest("tenant_unknown"))?;
    Ok(User { tenant, issuer, id })
}

/// `GET …/sessions`: the living sessions, newest first, and the flags.
pub(super) async fn sessions(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Requester>,
    Extension(Administrator(actor)): Extension<Administrator>,
    name: Named,
    narrowing: Narrowing,
) -> Result<Response, ApiError> {
    let user = user(&app, name, narrowing)?;
    let flags = app.flags(&user.index()).await?;
    let sessions = app.sessions_of(&user).await?;
    let count = Some(sessions.len());
    audit::administered(
        &caller,
        &AdminAction { count, ..AdminAction::on_user(Event::AdminSessionsListed, &actor, &user) },
    );
    let told: Vec<Value> = sessions.iter().map(describe).collect();
    Ok(json_response(&json!({
        "user": { "id": user.id, "iss": user.issuer, "tenant": user.tenant },
        "flags": flags,
        "sessions": told,
    })))
}

fn describe(listed: &Listed) -> Value {
    json!({
        "ref": listed.key.to_string(),
        "created_at": listed.edge.created_at(),
        "last_seen": listed.edge.last_seen(),
        "expires_at": listed.edge.expires_at(),
        "device": listed.management.device,
        "provider": listed.management.provider,
    })
}

/// `DELETE …/sessions`: ends all sessions, logins in flight, and tokens that are outside already.
pub(super) async fn end_sessions(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Requester>,
    Extension(Administrator(actor)): Extension<Administrator>,
    name: Named,
    narrowing: Narrowing,
) -> Result<Response, ApiError> {
    let user = user(&app, name, narrowing)?;
    let ended = end_all(&app, &user, Cause::admin(&actor).asked_by(&caller)).await;
    let action = AdminAction {
        count: ended.as_ref().ok().copied(),
        ..AdminAction::on_user(Event::AdminSessionsRevoked, &actor, &user)
    };
    audit::administered(&caller, &action.ended(&ended));
    Ok(json_response(&json!({ "ended": ended? })))
}

async fn end_all(app: &Arc<App>, user: &User, cause: Cause<'_>) -> Result<usize, ApiError> {
    app.deny(&app.denial_of_user(&user.issuer, &user.id)).await?;
    Ok(app.end_all(&user.index(), cause).await?)
}

/// `PUT …/flags`: what is held against the user from now on. What the body leaves out is not.
pub(super) async fn set_flags(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Requester>,
    Extension(Administrator(actor)): Extension<Administrator>,
    name: Named,
    narrowing: Narrowing,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, ApiError> {
    let user = user(&app, name, narrowing)?;
    let flags: Flags = read_json(body)?;
    let changed = app.set_flags(&user.index(), flags).await;
    let action = AdminAction {
        count: changed.as_ref().ok().copied(),
        flags: Some(flags),
        ..AdminAction::on_user(Event::AdminFlagsSet, &actor, &user)
    };
    audit::administered(&caller, &action.ended(&changed));
    Ok(json_response(&json!({ "flags": flags, "sessions": changed? })))
}
