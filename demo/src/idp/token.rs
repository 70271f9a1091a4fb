//! Owns: the token endpoint (RFC 6749 section 3.2, RFC 9449 section 5).

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::idp::claims;
use crate::idp::dpop::{self, Target};
use crate::idp::error::{Code, OAuthError, no_store};
use crate::idp::grant::{Opened, Redemption, Rotation};
use crate::idp::params::Params;
use crate::idp::{Call, Client, Idp, client_auth};

/// Where tokens are made.
pub(super) const PATH: &str = "/token";

#[derive(Serialize)]
struct Tokens {
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
    scope: String,
    id_token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
}

/// Trades a code or a refresh token for tokens.
pub(super) fn respond(idp: &Idp, call: &Call) -> Response {
    dpop::with_nonce(idp, trade(idp, call).into_response())
}

fn trade(idp: &Idp, call: &Call) -> Result<Response, OAuthError> {
    let now = idp.now();
    let form = Params::form(call)?;
    let client = client_auth::authenticate(idp, &call.headers, &form)?;
    // The proof comes first: a challenge for a nonce must not have used up the code.
    let target = Target { method: "POST", path: PATH, access_token: None };
    let jkt = dpop::proof(idp, &call.headers, &target, now)?;
    if form.all("resource").any(|resource| resource != idp.config.audience) {
        return Err(OAuthError::new(Code::InvalidTarget, "there is no such resource"));
    }
    match form.require("grant_type")? {
        "authorization_code" => {
            let opened = redeem(idp, client, &form, jkt.as_deref(), now)?;
            let nonce = opened.grant.nonce.clone();
            issue(idp, opened, nonce.as_deref(), jkt, now)
        }
        "refresh_token" => {
            let opened = refresh(idp, client, &form, jkt.is_some(), now)?;
            issue(idp, opened, None, jkt, now)
        }
        _ => Err(OAuthError::new(Code::UnsupportedGrantType, "there is no such grant_type here")),
    }
}

fn redeem(
    idp: &Idp,
    client: &Client,
    form: &Params,
    jkt: Option<&str>,
    now: u64,
) -> Result<Opened, OAuthError> {
    let shown = Redemption {
        code: form.require("code")?,
        client_id: &client.id,
        redirect_uri: form.require("redirect_uri")?,
        verifier: form.require("code_verifier")?,
        jkt,
    };
    if !(43..=128).contains(&shown.verifier.len()) {
        return Err(OAuthError::invalid_request("the code_verifier has a wrong length"));
    }
    idp.store().grants.redeem(&shown, || idp.fresh(), now)
}

fn refresh(
    idp: &Idp,
    client: &Client,
    form: &Params,
    has_proof: bool,
    now: u64,
) -> Result<Opened, OAuthError> {
    let shown = Rotation {
        token: form.require("refresh_token")?,
        client_id: &client.id,
        scope: form.get("scope"),
        has_proof,
    };
    idp.store().grants.rotate(&shown, || idp.fresh(), now)
}

fn issue(
    idp: &Idp,
    opened: Opened,
    nonce: Option<&str>,
    jkt: Option<String>,
    now: u64,
) -> Result<Response, OAuthError> {
    let token_type = if jkt.is_some() { "DPoP" } else { "Bearer" };
    let access = claims::access_token(idp, &opened.grant, jkt, now)?;
    let id_token = claims::id_token(idp, &opened.grant, nonce, &access.token, now)?;
    idp.store().grants.note_access(&access.jti, opened.family, access.expires_at, now);
    let tokens = Tokens {
        access_token: access.token,
        token_type,
        expires_in: idp.config.access_token_ttl,
        scope: opened.grant.scope.to_string(),
        id_token,
        refresh_token: opened.refresh_token,
    };
    Ok(no_store(Json(tokens).into_response()))
}
