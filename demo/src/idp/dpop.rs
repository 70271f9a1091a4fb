//! Owns: DPoP proofs and the nonces they must carry (RFC 9449 sections 4.3, 8 and 9).

use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderName, HeaderValue};
use ring::digest;
use serde::Deserialize;
use serde::de::IgnoredAny;
use subtle::ConstantTimeEq as _;
use url::Url;

use crate::idp::Idp;
use crate::idp::bounded::key_of;
use crate::idp::error::{Code, OAuthError};
use crate::idp::keys::{ALGORITHM, Compact, PublicKey};

/// The header of proofs.
pub(super) static DPOP: HeaderName = HeaderName::from_static("dpop");
static DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// How old a proof may be, in seconds.
const MAX_AGE: u64 = 60;
/// How far the clock of a client may be ahead, in seconds.
const MAX_AHEAD: u64 = 10;
/// A nonce is handed out for this long, and accepted for as long again.
const NONCE_PERIOD: u64 = 60;

/// What a proof must have been made for.
pub(super) struct Target<'a> {
    pub(super) method: &'a str,
    /// The path of the endpoint under the issuer.
    pub(super) path: &'a str,
    /// The access token that came with it, at a resource.
    pub(super) access_token: Option<&'a str>,
}

/// Why a proof is not accepted.
#[derive(Debug)]
pub(super) enum ProofError {
    /// It is none, or not for this request.
    Invalid(&'static str),
    /// It lacks a nonce that is good now.
    NonceNeeded,
}

impl From<ProofError> for OAuthError {
    fn from(error: ProofError) -> Self {
        match error {
            ProofError::Invalid(why) => Self::new(Code::InvalidDpopProof, why),
            ProofError::NonceNeeded => {
                Self::new(Code::UseDpopNonce, "the proof must carry the nonce of this answer")
            }
        }
    }
}

#[derive(Deserialize)]
struct Header {
    typ: String,
    alg: String,
    jwk: Jwk,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    crv: String,
    x: String,
    y: String,
    d: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    iat: u64,
    ath: Option<String>,
    nonce: Option<String>,
}

/// The thumbprint of the key that made the proof in `headers`, if there is one.
///
/// # Errors
/// When there is a proof and it is not good for `target`, or was seen before.
pub(super) fn proof(
    idp: &Idp,
    headers: &HeaderMap,
    target: &Target<'_>,
    now: u64,
) -> Result<Option<String>, ProofError> {
    let mut sent = headers.get_all(&DPOP).iter();
    let Some(proof) = sent.next() else {
        return Ok(None);
    };
    if sent.next().is_some() {
        return Err(ProofError::Invalid("more than one proof was sent"));
    }
    let unreadable = ProofError::Invalid("the proof is not a JWT of type dpop+jwt");
    let Some(jwt) = proof.to_str().ok().and_then(Compact::<Header>::parse) else {
        return Err(unreadable);
    };
    let key = proof_key(&jwt.header)?;
    let Some(claims) = jwt.claims_signed_by::<Claims>(&key) else {
        return Err(ProofError::Invalid("the proof is not signed by its key, or lacks a claim"));
    };
    check_claims(idp, &claims, target, now)?;
    if idp.config.require_dpop_nonce {
        check_nonce(idp, claims.nonce.as_deref(), now)?;
    }

    let thumbprint = key.thumbprint();
    let seen = key_of(&format!("{thumbprint}.{}", claims.jti));
    let mut store = idp.store();
    if store.proofs.get(&seen, now).is_some() {
        return Err(ProofError::Invalid("the proof was used before"));
    }
    // One second past the last moment at which the proof itself could still be accepted.
    store.proofs.insert(seen, (), claims.iat + MAX_AGE + 1, now);
    Ok(Some(thumbprint))
}

fn proof_key(header: &Header) -> Result<PublicKey, ProofError> {
    if header.typ != "dpop+jwt" || header.alg != ALGORITHM {
        return Err(ProofError::Invalid("the proof is not of type dpop+jwt, signed with ES256"));
    }
    let jwk = &header.jwk;
    if jwk.kty != "EC" || jwk.crv != "P-256" || jwk.d.is_some() {
        return Err(ProofError::Invalid("the key of the proof is not a public P-256 key"));
    }
    PublicKey::from_coordinates(&jwk.x, &jwk.y)
        .ok_or(ProofError::Invalid("the key of the proof is malformed"))
}

fn check_claims(
    idp: &Idp,
    claims: &Claims,
    target: &Target<'_>,
    now: u64,
) -> Result<(), ProofError> {
    let refuse = |why| Err(ProofError::Invalid(why));
    if claims.jti.is_empty() {
        return refuse("the proof has an empty jti");
    }
    if claims.htm != target.method || !names(&claims.htu, &idp.url(target.path)) {
        return refuse("the proof was made for another request");
    }
    if claims.iat > now.saturating_add(MAX_AHEAD) || claims.iat < now.saturating_sub(MAX_AGE) {
        return refuse("the proof was not made just now");
    }
    let hash =
        |token: &str| URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, token.as_bytes()));
    if let Some(token) = target.access_token
        && claims.ath.as_deref() != Some(hash(token).as_str())
    {
        return refuse("the proof was made for another access token");
    }
    Ok(())
}

/// Whether `htu` is `expected` once both are normalised and without query and fragment.
fn names(htu: &str, expected: &str) -> bool {
    let normal = |text: &str| {
        let mut url = Url::parse(text).ok()?;
        url.set_query(None);
        url.set_fragment(None);
        Some(url)
    };
    normal(htu).is_some_and(|htu| Some(htu) == normal(expected))
}

fn check_nonce(idp: &Idp, nonce: Option<&str>, now: u64) -> Result<(), ProofError> {
    let nonce = nonce.unwrap_or_default().as_bytes();
    let turn = now / NONCE_PERIOD;
    let good = [turn, turn.saturating_sub(1)]
        .iter()
        .any(|turn| bool::from(nonce_of(idp, *turn).as_bytes().ct_eq(nonce)));
    if good { Ok(()) } else { Err(ProofError::NonceNeeded) }
}

fn nonce_of(idp: &Idp, turn: u64) -> String {
    idp.tag("dpop-nonce", &[&turn.to_be_bytes()])
}

/// Puts the nonce of the moment into `response`, where nonces are required. A client takes it from
/// any answer, not only from a refusal, and so is seldom refused.
pub(super) fn with_nonce(idp: &Idp, mut response: Response) -> Response {
    if idp.config.require_dpop_nonce
        && let Ok(nonce) = HeaderValue::try_from(nonce_of(idp, idp.now() / NONCE_PERIOD))
    {
        response.headers_mut().insert(DPOP_NONCE.clone(), nonce);
    }
    response
}
