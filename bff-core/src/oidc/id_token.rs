//! Owns: judging an ID token whose signature is good (OpenID Connect Core sections 3.1.3.7, 3.1.3.8
//! and 12.2).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, SHA384, SHA512, digest};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use subtle::ConstantTimeEq;
use validator_lib::algorithm::Algorithm;
use validator_lib::jws::VerifiedJws;

use super::config::OidcConfig;
use super::error::OidcError;
use super::id_claims::{IdClaims, Registered};
use super::login::LoginSecrets;
use super::logout_token;
use super::metadata::Metadata;
use super::refresh::RefreshRequest;

/// An ID token comes straight from the token endpoint, so an old one is a replayed one.
const MAX_AGE: u64 = 600;
/// A clock that runs further ahead than this is wrong rather than ahead.
const MAX_AHEAD: u64 = 300;
/// Between a login and the second its token is made in.
const AUTH_TIME_LEEWAY: u64 = 30;

/// What the token must agree with.
#[derive(Clone, Copy)]
pub(super) enum Occasion<'a> {
    /// It answers this login.
    Login(&'a LoginSecrets),
    /// It came with a refresh of this session.
    Refresh(&'a RefreshRequest<'a>),
}

/// The algorithms that both the configuration and the issuer allow.
pub(super) fn algorithms(
    config: &OidcConfig,
    metadata: &Metadata,
) -> Result<Vec<Algorithm>, OidcError> {
    let listed = metadata.id_token_algorithms();
    let both: Vec<_> = config
        .id_token_algorithms
        .iter()
        .copied()
        .filter(|alg| listed.is_empty() || listed.iter().any(|name| name == alg.name()))
        .collect();
    if both.is_empty() {
        return Err(OidcError::Metadata("no_id_token_algorithm"));
    }
    Ok(both)
}

/// Every check but the signature, which `token` is the proof of.
pub(super) fn check(
    token: &VerifiedJws,
    config: &OidcConfig,
    occasion: Occasion<'_>,
    access_token: &SecretString,
    now: u64,
) -> Result<IdClaims, OidcError> {
    let refuse = |what| Err(OidcError::IdToken(what));
    let header = token.header();
    // Explicit typing (RFC 8725 section 3.11): an access or logout token is no ID token.
    if header.typ.is_some() && !header.typ_is("JWT") {
        return refuse("id_token_typ");
    }
    let claims: Registered =
        token.claims().map_err(|_| OidcError::IdToken("id_token_claims_malformed"))?;
    if claims.iss != config.issuer {
        return refuse("id_token_iss");
    }
    if claims.sub.is_empty() {
        return refuse("id_token_sub");
    }
    audience(&claims, config)?;
    if let Some(at_hash) = &claims.at_hash
        && *at_hash != half_hash(header.alg, access_token.expose_secret())
    {
        return refuse("id_token_at_hash");
    }
    match occasion {
        Occasion::Login(secrets) => answers_login(&claims, secrets)?,
        Occasion::Refresh(session) if claims.sub != session.subject => {
            return refuse("id_token_sub_changed");
        }
        Occasion::Refresh(_) => {}
    }
    // Last, so that a token that is wrong in any other way is called wrong and not old.
    times(&claims, config.clock_leeway.as_secs(), now)?;
    let all: Map<String, Value> =
        token.claims().map_err(|_| OidcError::IdToken("id_token_claims_malformed"))?;
    // Where issuers leave out `typ`, only this tells a logout token from a refreshed ID token, whose
    // nonce is optional (RFC 8725 section 3.12).
    if all.get("events").is_some_and(|events| events.get(logout_token::EVENT).is_some()) {
        return refuse("id_token_is_logout_token");
    }
    let mut claims = IdClaims::new(claims, all, config)?;
    if let Occasion::Refresh(RefreshRequest { auth_time: Some(original), .. }) = occasion {
        // Section 12.2 wants the original time. Issuers that move it when the user logs in
        // somewhere else must not make this session look fresher than it is.
        claims.auth_time = Some(*original);
    }
    Ok(claims)
}

fn audience(claims: &Registered, config: &OidcConfig) -> Result<(), OidcError> {
    let audiences = claims.aud.as_slice();
    if !audiences.contains(&config.client_id) {
        return Err(OidcError::IdToken("id_token_aud"));
    }
    let known = |audience: &String| {
        *audience == config.client_id || config.id_token_extra_audiences.contains(audience)
    };
    if !audiences.iter().all(known) {
        return Err(OidcError::IdToken("id_token_aud_untrusted"));
    }
    match &claims.azp {
        Some(azp) if *azp != config.client_id => Err(OidcError::IdToken("id_token_azp")),
        None if audiences.len() > 1 => Err(OidcError::IdToken("id_token_azp_missing")),
        _ => Ok(()),
    }
}

fn answers_login(claims: &Registered, secrets: &LoginSecrets) -> Result<(), OidcError> {
    let nonce = claims.nonce.as_deref().ok_or(OidcError::IdToken("id_token_nonce_missing"))?;
    if !bool::from(nonce.as_bytes().ct_eq(secrets.nonce.expose_secret().as_bytes())) {
        return Err(OidcError::IdToken("id_token_nonce"));
    }
    if let Some(asked) = &secrets.acr_values {
        let reached = claims.acr.as_deref().ok_or(OidcError::IdToken("id_token_acr_missing"))?;
        if !asked.split(' ').any(|acr| acr == reached) {
            return Err(OidcError::IdToken("id_token_acr"));
        }
    }
    if let Some(max_age) = secrets.max_age {
        let auth_time =
            claims.auth_time.ok_or(OidcError::IdToken("id_token_auth_time_missing"))?.get();
        let good_until = auth_time.saturating_add(max_age).saturating_add(AUTH_TIME_LEEWAY);
        // Young enough when we asked, by our clock; or when the token was made, by the issuer's.
        // The first lets a user read the consent page, the second lets the clocks differ.
        if good_until < secrets.started_at && good_until < claims.iat.get() {
            return Err(OidcError::IdToken("id_token_auth_time_old"));
        }
    }
    Ok(())
}

fn times(claims: &Registered, leeway: u64, now: u64) -> Result<(), OidcError> {
    let iat = claims.iat.get();
    if claims.exp.get().saturating_add(leeway) <= now {
        return Err(OidcError::Clock("id_token_expired"));
    }
    if claims.nbf.is_some_and(|nbf| nbf.get() > now.saturating_add(leeway)) {
        return Err(OidcError::Clock("id_token_not_yet_valid"));
    }
    if iat.saturating_add(MAX_AGE) < now {
        return Err(OidcError::Clock("id_token_iat_old"));
    }
    if iat > now.saturating_add(MAX_AHEAD) {
        return Err(OidcError::Clock("id_token_iat_future"));
    }
    Ok(())
}

/// The left half of the hash that goes with the signature algorithm, in base64url.
fn half_hash(alg: Algorithm, access_token: &str) -> String {
    let hash = match alg {
        Algorithm::RS256 | Algorithm::PS256 | Algorithm::ES256 => &SHA256,
        Algorithm::RS384 | Algorithm::PS384 | Algorithm::ES384 => &SHA384,
        // RS512, PS512, ES512, and EdDSA, whose Ed25519 hashes with SHA-512.
        _ => &SHA512,
    };
    let whole = digest(hash, access_token.as_bytes());
    let whole = whole.as_ref();
    URL_SAFE_NO_PAD.encode(whole.get(..whole.len() / 2).unwrap_or(whole))
}

#[cfg(test)]
mod tests;
