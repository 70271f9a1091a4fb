//! Owns: the discovery document (`OpenID` Connect Discovery section 3, RFC 8414 section 2).

use axum::Json;
use axum::response::IntoResponse;
use serde_json::json;

use crate::idp::acr::Acr;
use crate::idp::client_auth::METHODS;
use crate::idp::keys::ALGORITHM;
use crate::idp::scope::SCOPES;
use crate::idp::{Call, Idp, authorize, keys, logout, par, revoke, token, userinfo};

/// Where clients look first.
pub(super) const PATH: &str = "/.well-known/openid-configuration";

/// What this provider can do, and where.
pub(super) fn respond(idp: &Idp, _: &Call) -> impl IntoResponse + use<> {
    Json(json!({
        "issuer": idp.config.issuer,
        "authorization_endpoint": idp.url(authorize::PATH),
        "pushed_authorization_request_endpoint": idp.url(par::PATH),
        "token_endpoint": idp.url(token::PATH),
        "userinfo_endpoint": idp.url(userinfo::PATH),
        "jwks_uri": idp.url(keys::PATH),
        "revocation_endpoint": idp.url(revoke::PATH),
        "end_session_endpoint": idp.url(logout::PATH),
        "require_pushed_authorization_requests": false,
        "authorization_response_iss_parameter_supported": true,
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
        "scopes_supported": SCOPES,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "subject_types_supported": ["public"],
        "acr_values_supported": Acr::ALL.map(Acr::as_str),
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "code_challenge_methods_supported": ["S256"],
        "dpop_signing_alg_values_supported": [ALGORITHM],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "token_endpoint_auth_methods_supported": METHODS,
        "revocation_endpoint_auth_methods_supported": METHODS,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "claims_supported": [
            "iss", "sub", "aud", "iat", "exp", "auth_time", "acr", "amr", "sid", "nonce",
            "at_hash", "name", "preferred_username", "email", "email_verified", "roles",
        ],
    }))
}
