//! Owns: the userinfo endpoint (`OpenID` Connect Core section 5.3), a resource that takes Bearer
//! and DPoP tokens (RFC 6750 section 3, RFC 9449 section 7).

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;

use crate::idp::claims::{ACCESS_TOKEN, AccessClaims, Profile};
use crate::idp::dpop::{self, ProofError, Target};
use crate::idp::error::no_store;
use crate::idp::scope::Scope;
use crate::idp::{Call, Idp};

/// Where claims are read.
pub(super) const PATH: &str = "/userinfo";

#[derive(Serialize)]
struct UserInfo {
    sub: &'static str,
    #[serde(flatten)]
    profile: Profile,
}

/// Why nothing is told.
enum Denial {
    NoToken,
    InvalidToken,
    InvalidProof,
    NonceNeeded,
    InsufficientScope,
}

impl From<ProofError> for Denial {
    fn from(error: ProofError) -> Self {
        match error {
            ProofError::Invalid(_) => Self::InvalidProof,
            ProofError::NonceNeeded => Self::NonceNeeded,
        }
    }
}

/// Tells what the access token lets be told.
pub(super) fn respond(idp: &Idp, call: &Call) -> Response {
    let response = match tell(idp, call) {
        Ok(info) => no_store(Json(info).into_response()),
        Err(denial) => denial.into_response(),
    };
    dpop::with_nonce(idp, response)
}

fn tell(idp: &Idp, call: &Call) -> Result<UserInfo, Denial> {
    let now = idp.now();
    let header = call.headers.get(AUTHORIZATION).ok_or(Denial::NoToken)?;
    let (scheme, token) =
        header.to_str().ok().and_then(|text| text.split_once(' ')).ok_or(Denial::NoToken)?;
    let claims = idp.keys.read::<AccessClaims>(ACCESS_TOKEN, token).ok_or(Denial::InvalidToken)?;
    let bound_to = claims.cnf.map(|cnf| cnf.jkt);
    let expected = if bound_to.is_some() { "DPoP" } else { "Bearer" };
    if claims.exp <= now || !scheme.eq_ignore_ascii_case(expected) {
        return Err(Denial::InvalidToken);
    }
    if bound_to.is_some() {
        let method = call.method.as_str();
        let target = Target { method, path: PATH, access_token: Some(token) };
        if dpop::proof(idp, &call.headers, &target, now)? != bound_to {
            return Err(Denial::InvalidProof);
        }
    }
    let scope = Scope::parse(&claims.scope);
    if !scope.contains("openid") {
        return Err(Denial::InsufficientScope);
    }
    let store = idp.store();
    let grant = store.grants.of_access(&claims.jti, now).ok_or(Denial::InvalidToken)?;
    Ok(UserInfo { sub: grant.user.name, profile: Profile::of(grant.user, &scope) })
}

impl IntoResponse for Denial {
    fn into_response(self) -> Response {
        let (status, challenge) = match self {
            Self::NoToken => (StatusCode::UNAUTHORIZED, r#"DPoP algs="ES256", Bearer"#),
            Self::InvalidToken => {
                (StatusCode::UNAUTHORIZED, r#"DPoP error="invalid_token", algs="ES256""#)
            }
            Self::InvalidProof => {
                (StatusCode::UNAUTHORIZED, r#"DPoP error="invalid_dpop_proof", algs="ES256""#)
            }
            Self::NonceNeeded => {
                (StatusCode::UNAUTHORIZED, r#"DPoP error="use_dpop_nonce", algs="ES256""#)
            }
            Self::InsufficientScope => {
                (StatusCode::FORBIDDEN, r#"DPoP error="insufficient_scope", scope="openid""#)
            }
        };
        let challenge = (WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        no_store((status, [challenge]).into_response())
    }
}
