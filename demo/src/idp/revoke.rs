//! Owns: the revocation endpoint (RFC 7009). A refresh token takes its whole grant with it.

use axum::response::{IntoResponse, Response};
use http::StatusCode;

use crate::idp::claims::{ACCESS_TOKEN, AccessClaims};
use crate::idp::error::{OAuthError, no_store};
use crate::idp::params::Params;
use crate::idp::{Call, Idp, client_auth};

/// Where tokens are given back.
pub(super) const PATH: &str = "/revoke";

/// Revokes a token of the client that calls. A token that is unknown, or revoked already, is as
/// good as revoked (section 2.2).
pub(super) fn respond(idp: &Idp, call: &Call) -> Result<Response, OAuthError> {
    let now = idp.now();
    let form = Params::form(call)?;
    let client = client_auth::authenticate(idp, &call.headers, &form)?;
    let token = form.require("token")?;
    let access = idp.keys.read::<AccessClaims>(ACCESS_TOKEN, token);
    let mut store = idp.store();
    let owner = access.as_ref().map(|claims| claims.client_id.as_str());
    let owner = owner.or_else(|| store.grants.owner_of_refresh(token, now));
    if owner.is_some_and(|owner| owner != client.id) {
        return Err(OAuthError::invalid_grant("the token was issued to another client"));
    }
    match access {
        Some(claims) => store.grants.revoke_access(&claims.jti, now),
        None => store.grants.revoke_refresh(token, now),
    }
    Ok(no_store(StatusCode::OK.into_response()))
}
