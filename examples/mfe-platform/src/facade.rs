//! Owns: the façade that pages ask what to show. It says who is signed in and which micro frontends are theirs; what is
//! allowed is decided elsewhere, each time.

use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use validator_lib::{Token, Validator};

pub(crate) fn router(validator: Validator) -> Router {
    Router::new().route("/me", get(me)).with_state(validator)
}

/// Anybody who is signed in, whatever their roles.
async fn me(token: Token) -> Json<Value> {
    let has_any = |roles: &[&str]| roles.iter().any(|role| token.has_role(role));
    Json(json!({
        "user": token.subject(),
        "roles": token.roles(),
        "frontends": {
            "payments": has_any(&["ADMIN", "CUSTOMER"]),
            "payouts": has_any(&["ADMIN", "VENDOR"]),
            "admin": has_any(&["ADMIN"]),
            "profile": has_any(&["ADMIN", "CUSTOMER", "VENDOR"]),
        },
    }))
}
