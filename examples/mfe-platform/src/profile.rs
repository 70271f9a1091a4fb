//! Owns: what a user says of themselves, to nobody else.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{FromRef, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use validator_lib::{Allowed, Validator};

use crate::roles::Member;

/// Most users of whom something is kept.
const MOST: usize = 1_000;

#[derive(Clone)]
struct Service {
    validator: Validator,
    profiles: Arc<Mutex<BTreeMap<String, Profile>>>,
}

impl FromRef<Service> for Validator {
    fn from_ref(service: &Service) -> Self {
        service.validator.clone()
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Profile {
    nickname: String,
}

pub(crate) fn router(validator: Validator) -> Router {
    Router::new()
        .route("/profile", get(read).put(write))
        .with_state(Service { validator, profiles: Arc::default() })
}

async fn read(token: Allowed<Member>, State(service): State<Service>) -> Json<Profile> {
    let profiles = service.profiles.lock().unwrap_or_else(PoisonError::into_inner);
    Json(profiles.get(token.subject()).cloned().unwrap_or_default())
}

async fn write(
    token: Allowed<Member>,
    State(service): State<Service>,
    Json(profile): Json<Profile>,
) -> StatusCode {
    let mut profiles = service.profiles.lock().unwrap_or_else(PoisonError::into_inner);
    if profiles.len() >= MOST && !profiles.contains_key(token.subject()) {
        return StatusCode::INSUFFICIENT_STORAGE;
    }
    profiles.insert(token.subject().to_owned(), profile);
    StatusCode::NO_CONTENT
}
