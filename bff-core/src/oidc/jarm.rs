//! Owns: the signed authorization response (JARM): reading what it claims before anybody has checked
//! it, and judging it once its signature is good (JARM section 2.4).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use serde::Deserialize;
use validator_lib::algorithm::Algorithm;
use validator_lib::jws::{JwsError, VerifiedJws};

use super::callback::Outcome;
use super::config::OidcConfig;
use super::error::{OAuthCode, OidcError};
use super::id_claims::{Audience, Seconds};
use super::metadata::Metadata;

/// The `state` that `compact` claims. It finds the login; nothing else may rest on it.
pub(super) fn unverified_state(compact: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Wire {
        state: String,
    }
    let payload = compact.split('.').nth(1)?;
    let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
    serde_json::from_slice::<Wire>(&payload).ok().map(|wire| wire.state)
}

/// The algorithms that both the configuration and the issuer allow.
pub(super) fn algorithms(config: &OidcConfig, metadata: &Metadata) -> Vec<Algorithm> {
    let listed = metadata.response_algorithms();
    let offered = |alg: &Algorithm| listed.is_empty() || listed.iter().any(|n| n == alg.name());
    config.id_token_algorithms.iter().copied().filter(offered).collect()
}

/// What a response with a bad signature is called.
pub(super) fn refused(error: JwsError) -> OidcError {
    OidcError::Callback(match error {
        JwsError::Encrypted => "jarm_encrypted",
        JwsError::AlgorithmRefused => "jarm_algorithm",
        JwsError::UnknownKey | JwsError::KeyMismatch | JwsError::TooManyCandidates => "jarm_key",
        JwsError::BadSignature => "jarm_signature",
        _ => "jarm_malformed",
    })
}

/// Code or error, if `token` comes from our issuer, is for us, and is not old.
pub(super) fn open(
    token: &VerifiedJws,
    config: &OidcConfig,
    now: u64,
) -> Result<Outcome, OidcError> {
    #[derive(Deserialize)]
    struct Claims {
        iss: String,
        aud: Audience,
        exp: Seconds,
        code: Option<String>,
        error: Option<String>,
    }
    let header = token.header();
    if header.typ.is_some() && !header.typ_is("JWT") && !header.typ_is("oauth-authz-resp+jwt") {
        return Err(OidcError::Callback("jarm_typ"));
    }
    let claims: Claims = token.claims().map_err(|_| OidcError::Callback("jarm_malformed"))?;
    if claims.iss != config.issuer {
        return Err(OidcError::Callback("jarm_iss"));
    }
    if claims.aud.as_slice() != [config.client_id.as_str()] {
        return Err(OidcError::Callback("jarm_aud"));
    }
    if claims.exp.get().saturating_add(config.clock_leeway.as_secs()) <= now {
        return Err(OidcError::Callback("jarm_expired"));
    }
    match (claims.code, claims.error) {
        (Some(code), None) if !code.is_empty() => Ok(Outcome::Code(SecretString::from(code))),
        (None, Some(error)) => Ok(Outcome::Error(OAuthCode::parse(&error))),
        _ => Err(OidcError::Callback("neither_code_nor_error")),
    }
}
