//! Owns: the DPoP key of a session and the proofs it makes (RFC 9449 sections 4 and 6.1).

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde::Serialize;
use url::Url;
use zeroize::Zeroizing;

use super::error::OidcError;

/// A P-256 key pair that tokens are bound to. Clones share it.
#[derive(Clone)]
pub struct DpopKey {
    pair: Arc<EcdsaKeyPair>,
    pkcs8: Arc<Zeroizing<Vec<u8>>>,
}

impl DpopKey {
    /// A fresh key.
    ///
    /// # Errors
    /// [`OidcError::Config`] when the crypto library has no randomness.
    pub fn generate() -> Result<Self, OidcError> {
        let document =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
                .map_err(|_| OidcError::Config("dpop_key_generation"))?;
        Self::from_bytes(document.as_ref())
    }

    /// The key that [`DpopKey::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`OidcError::Config`] when `pkcs8` is no P-256 key with its public half.
    pub fn from_bytes(pkcs8: &[u8]) -> Result<Self, OidcError> {
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8, &SystemRandom::new())
                .map_err(|_| OidcError::Config("dpop_key"))?;
        Ok(Self { pair: Arc::new(pair), pkcs8: Arc::new(Zeroizing::new(pkcs8.to_vec())) })
    }

    /// PKCS#8, for sealed storage and nothing else.
    pub fn to_bytes(&self) -> &[u8] {
        &self.pkcs8
    }

    /// The JWK thumbprint (RFC 7638), which is what a bound token names in `cnf.jkt`.
    pub fn thumbprint(&self) -> String {
        let (x, y) = self.coordinates();
        let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        URL_SAFE_NO_PAD.encode(digest(&SHA256, canonical.as_bytes()))
    }

    /// One proof for one attempt. `url` loses its query and fragment here; `jti` must be new for
    /// every attempt.
    ///
    /// # Errors
    /// [`OidcError::Config`] when signing fails.
    pub fn proof(&self, proof: &Proof<'_>) -> Result<String, OidcError> {
        let (x, y) = self.coordinates();
        let header = ProofHeader {
            typ: "dpop+jwt",
            alg: "ES256",
            jwk: PublicJwk { kty: "EC", crv: "P-256", x, y },
        };
        let claims = ProofClaims {
            jti: proof.jti,
            htm: proof.method.as_str(),
            htu: htu(proof.url),
            iat: proof.iat,
            ath: proof
                .access_token
                .map(|token| URL_SAFE_NO_PAD.encode(digest(&SHA256, token.as_bytes()))),
            nonce: proof.nonce,
        };
        let failed = |_| OidcError::Config("dpop_proof");
        let mut jwt = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&header).map_err(failed)?);
        jwt.push('.');
        URL_SAFE_NO_PAD.encode_string(serde_json::to_vec(&claims).map_err(failed)?, &mut jwt);
        let signature = self
            .pair
            .sign(&SystemRandom::new(), jwt.as_bytes())
            .map_err(|_| OidcError::Config("dpop_proof"))?;
        jwt.push('.');
        URL_SAFE_NO_PAD.encode_string(signature.as_ref(), &mut jwt);
        Ok(jwt)
    }

    fn coordinates(&self) -> (String, String) {
        // An uncompressed point: 0x04, then x and y of 32 bytes each.
        let point = self.pair.public_key().as_ref();
        let part = |range| URL_SAFE_NO_PAD.encode(point.get(range).unwrap_or_default());
        (part(1..33), part(33..65))
    }
}

impl std::fmt::Debug for DpopKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DpopKey").field("jkt", &self.thumbprint()).finish_non_exhaustive()
    }
}

/// What a proof says (RFC 9449 section 4.2).
#[derive(Clone, Copy)]
pub struct Proof<'a> {
    /// The method of the request it goes with.
    pub method: &'a Method,
    /// The target of that request, as the receiver sees it.
    pub url: &'a Url,
    /// The latest nonce of that receiver.
    pub nonce: Option<&'a str>,
    /// The access token it goes with, at a resource server only.
    pub access_token: Option<&'a str>,
    /// Unix seconds.
    pub iat: u64,
    /// At least 96 random bits.
    pub jti: &'a str,
}

impl std::fmt::Debug for Proof<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proof").field("method", self.method).finish_non_exhaustive()
    }
}

/// Scheme, authority and path: what `htu` compares.
fn htu(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.into()
}

#[derive(Serialize)]
struct ProofHeader {
    typ: &'static str,
    alg: &'static str,
    jwk: PublicJwk,
}

#[derive(Serialize)]
struct PublicJwk {
    kty: &'static str,
    crv: &'static str,
    x: String,
    y: String,
}

#[derive(Serialize)]
struct ProofClaims<'a> {
    jti: &'a str,
    htm: &'a str,
    htu: String,
    iat: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    ath: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
}

#[cfg(test)]
mod tests;
