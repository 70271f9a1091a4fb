//! Owns: the pushed authorization request endpoint (RFC 9126).

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::json;

use crate::idp::bounded::key_of;
use crate::idp::dpop::{self, Target};
use crate::idp::error::{OAuthError, no_store};
use crate::idp::params::Params;
use crate::idp::request::AuthorizationRequest;
use crate::idp::{Call, Idp, client_auth};

/// Where requests are pushed to.
pub(super) const PATH: &str = "/par";
/// Seconds in which a pushed request must be used.
const LIFETIME: u64 = 60;

/// Takes an authorization request in.
pub(super) fn respond(idp: &Idp, call: &Call) -> Response {
    dpop::with_nonce(idp, push(idp, call).into_response())
}

fn push(idp: &Idp, call: &Call) -> Result<Response, OAuthError> {
    let now = idp.now();
    let form = Params::form(call)?;
    let client = client_auth::authenticate(idp, &call.headers, &form)?;
    if form.require("client_id")? != client.id {
        return Err(OAuthError::invalid_request("the request names another client"));
    }
    let target = Target { method: "POST", path: PATH, access_token: None };
    let jkt = dpop::proof(idp, &call.headers, &target, now)?;
    let mut request =
        AuthorizationRequest::parse(&form, client, &idp.config).map_err(|refusal| refusal.error)?;
    // A proof here says the same as the parameter (RFC 9449 section 10.1).
    if jkt.is_some() {
        if request.dpop_jkt.is_some() && request.dpop_jkt != jkt {
            return Err(OAuthError::invalid_request("dpop_jkt is not the key of the proof"));
        }
        request.dpop_jkt = jkt;
    }

    let request_uri = format!("urn:ietf:params:oauth:request_uri:{}", idp.fresh());
    idp.store().pushed.insert(key_of(&request_uri), request, now + LIFETIME, now);
    let body = json!({ "request_uri": request_uri, "expires_in": LIFETIME });
    Ok(no_store((StatusCode::CREATED, Json(body)).into_response()))
}
