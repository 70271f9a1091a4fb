//! Owns: judging what an issuer says of an opaque token, by the rules that a JWT meets (RFC 7662
//! section 2.2, RFC 9068 section 4).

use std::sync::Arc;

use serde_json::{Map, Value};
use session::header_text;

use super::CallerToken;
use super::entry::Entry;
use super::introspect::Claims;
use super::refused::TokenRefused;
use crate::oidc::{claim_at, claims_joined, scalar};

/// As `validator-lib` has it.
const LEEWAY: u64 = 30;

pub(super) fn judge(
    claims: &Claims,
    entries: &[Arc<Entry>],
    asked: &Entry,
    token: &str,
    now: u64,
) -> Result<CallerToken, TokenRefused> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if claims.get("iss").is_some_and(|issuer| issuer.as_str() != Some(&asked.issuer)) {
        return Err(TokenRefused::invalid("issuer"));
    }
    // A refresh token is active, too.
    let is_access = |kind: &str| kind.eq_ignore_ascii_case("bearer");
    if claims.get("token_type").is_some_and(|kind| !kind.as_str().is_some_and(is_access)) {
        return Err(TokenRefused::invalid("token_type"));
    }
    if claims.contains_key("cnf") {
        return Err(TokenRefused::invalid("unsupported_binding"));
    }
    within_lifetime(claims, now)?;
    let entry = entries
        .iter()
        .find(|entry| entry.introspection.is_some() && has_audience(claims, &entry.audience))
        .ok_or_else(|| TokenRefused::invalid("audience"))?;
    let subject = text("sub").or_else(|| text("client_id")).filter(|subject| !subject.is_empty());
    let subject = subject.ok_or_else(|| TokenRefused::invalid("no_subject"))?.to_owned();
    let roles = ["roles".to_owned()];
    let user_id = claim_at(claims, &asked.user_id_claim).and_then(scalar);
    Ok(CallerToken {
        text: token.into(),
        issuer: asked.issuer.clone(),
        subject,
        id: text("jti").map(str::to_owned),
        issued_at: claims.get("iat").and_then(Value::as_u64),
        user_id_text: header_text::encode(user_id.as_deref().unwrap_or_default()),
        user_id: user_id.unwrap_or_default(),
        scopes: entry.scope_claims.iter().flat_map(|name| words_at(claims, name)).collect(),
        roles: claims_joined(claims, entry.role_claims.as_deref().unwrap_or(&roles)),
    })
}

fn within_lifetime(claims: &Map<String, Value>, now: u64) -> Result<(), TokenRefused> {
    let date = |name: &'static str| match claims.get(name) {
        None => Ok(None),
        Some(date) => date.as_u64().map(Some).ok_or_else(|| TokenRefused::invalid("claims")),
    };
    if date("exp")?.is_some_and(|exp| exp.saturating_add(LEEWAY) <= now) {
        return Err(TokenRefused::invalid("expired"));
    }
    let future = |date: Option<u64>| date.is_some_and(|date| date > now.saturating_add(LEEWAY));
    if future(date("nbf")?) || future(date("iat")?) {
        return Err(TokenRefused::invalid("not_yet_valid"));
    }
    Ok(())
}

fn has_audience(claims: &Map<String, Value>, audience: &str) -> bool {
    match claims.get("aud") {
        Some(Value::String(one)) => one == audience,
        Some(Value::Array(many)) => many.iter().any(|one| one.as_str() == Some(audience)),
        _ => false,
    }
}

/// A string of words, or a list: what a scope claim may be.
fn words_at(claims: &Map<String, Value>, path: &str) -> Vec<String> {
    match claim_at(claims, path) {
        Some(Value::String(words)) => words.split(' ').map(str::to_owned).collect(),
        Some(Value::Array(words)) => {
            words.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}
