//! Owns: what administrators do to users. Each action is in the audit log before it is done.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{FromRef, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use validator_lib::{Allowed, Validator};

use crate::audit::Audit;
use crate::roles::Admin;

/// Most users that are kept out, and the longest name of one.
const MOST: usize = 1_000;
const NAME_MAX: usize = 64;

#[derive(Clone)]
struct Service {
    validator: Validator,
    audit: Audit,
    blocked: Arc<Mutex<BTreeSet<String>>>,
}

impl FromRef<Service> for Validator {
    fn from_ref(service: &Service) -> Self {
        service.validator.clone()
    }
}

pub(crate) fn router(validator: Validator, audit: Audit) -> Router {
    Router::new()
        .route("/blocked", get(list))
        .route("/blocked/{user}", post(block))
        .with_state(Service { validator, audit, blocked: Arc::default() })
}

async fn list(_: Allowed<Admin>, State(service): State<Service>) -> Json<Value> {
    let blocked = service.blocked.lock().unwrap_or_else(PoisonError::into_inner);
    Json(json!({ "blocked": *blocked }))
}

async fn block(
    token: Allowed<Admin>,
    State(service): State<Service>,
    Path(user): Path<String>,
    headers: HeaderMap,
) -> StatusCode {
    if user.len() > NAME_MAX {
        return StatusCode::BAD_REQUEST;
    }
    if service.audit.note("user.blocked", &user, &token, &headers).is_err() {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    let mut blocked = service.blocked.lock().unwrap_or_else(PoisonError::into_inner);
    if blocked.len() >= MOST && !blocked.contains(&user) {
        return StatusCode::INSUFFICIENT_STORAGE;
    }
    blocked.insert(user);
    StatusCode::NO_CONTENT
}
