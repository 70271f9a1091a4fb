//! `/admin/sessions/{ref}` and `/admin/revocations`: one session, one token, or every token of a user.

use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;
use session::id::StoreKey;

use super::gate::Administrator;
use super::read_json;
use crate::app::App;
use crate::audit::{self, AdminAction, Event};
use crate::caller::Requester;
use crate::error::ApiError;
use crate::routes::no_content;
use crate::routes::session::json_response;
use crate::sessions::{Cause, Denial};

/// Longest name of a token or a user.
const NAME_MAX: usize = 512;

/// Seconds that a token may have left: a year. More is milliseconds, or a slip of the pen.
const REMAINING_MAX: u64 = 365 * 86_400;

/// `DELETE /admin/sessions/{ref}`.
pub(super) async fn end_session(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Requester>,
    Extension(Administrator(actor)): Extension<Administrator>,
    reference: Result<Path<String>, PathRejection>,
) -> Result<Response, ApiError> {
    let Path(reference) = reference.map_err(|_| ApiError::NotFound)?;
    let key = StoreKey::parse(&reference).ok_or(ApiError::NotFound)?;
    let cause = Cause::admin(&actor).asked_by(&caller);
    let ended = match app.look_at(&key).await? {
        Some(listed) => app.end_listed_one(&listed, cause).await,
        // One that cannot be read, or is over, ends all the same.
        None => app.end_key(&key, cause).await,
    };
    if matches!(ended, Ok(false)) {
        return Err(ApiError::NotFound);
    }
    let action =
        AdminAction { session: Some(&key), ..AdminAction::by(Event::AdminSessionRevoked, &actor) };
    audit::administered(&caller, &action.ended(&ended));
    ended?;
    Ok(no_content())
}

/// A token, or all that a user has.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Revocation {
    iss: String,
    jti: Option<String>,
    exp: Option<u64>,
    user_id: Option<String>,
}

/// `POST /admin/revocations`: for the list that services read. No session ends by it.
pub(super) async fn revoke(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Requester>,
    Extension(Administrator(actor)): Extension<Administrator>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, ApiError> {
    let Revocation { iss, jti, exp, user_id } = read_json(body)?;
    let invalid = ApiError::BadRequest("revocation_invalid");
    let is_name = |text: &str| !text.is_empty() && text.len() <= NAME_MAX;
    if !is_name(&iss) {
        return Err(invalid);
    }
    let kept = match (&jti, exp, &user_id) {
        (Some(jti), Some(exp), None) if is_name(jti) => {
            let now = app.now();
            if exp > now.saturating_add(REMAINING_MAX) || !Denial::may_name(jti) {
                return Err(invalid);
            }
            // A token that nobody takes any more needs no entry.
            match Denial::token(&iss, jti, exp, now) {
                Some(denial) => app.deny(&denial).await.map(|()| denial.seconds()),
                None => Ok(0),
            }
        }
        (None, None, Some(user_id)) if is_name(user_id) => {
            let denial = app.denial_of_user(&iss, user_id);
            app.deny(&denial).await.map(|()| denial.seconds())
        }
        _ => return Err(invalid),
    };
    let action = AdminAction {
        issuer: Some(&iss),
        user_id: user_id.as_deref(),
        token: jti.as_deref(),
        ..AdminAction::by(Event::AdminTokensRevoked, &actor)
    };
    audit::administered(&caller, &action.ended(&kept));
    Ok(json_response(&json!({ "kept_seconds": kept? })))
}
