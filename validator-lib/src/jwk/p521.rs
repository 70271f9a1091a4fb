//! Owns: ECDSA on P-521, which ring does not know, by way of josekit and its OpenSSL (RFC 7518
//! section 3.4). Nothing else of josekit is used.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use josekit::jwk::Jwk as JosekitJwk;
use josekit::jws::alg::ecdsa::EcdsaJwsVerifier;
use josekit::jws::{ES512, JwsVerifier as _};
use serde_json::json;

use super::{JwkError, Point};

/// Bytes of each of the two numbers of a signature.
const NUMBER_BYTES: usize = 66;

/// A key that is a point of the curve, ready to verify.
#[derive(Debug, Clone)]
pub(crate) struct P521 {
    pub(super) point: Point,
    verifier: EcdsaJwsVerifier,
}

impl P521 {
    pub(super) fn new(point: Point) -> Result<Self, JwkError> {
        let (x, y) = point.coordinates();
        let jwk = json!({
            "kty": "EC", "crv": "P-521",
            "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y),
        });
        let verifier = JosekitJwk::from_bytes(jwk.to_string())
            .and_then(|jwk| ES512.verifier_from_jwk(&jwk))
            .map_err(|_| JwkError::BadMaterial)?;
        Ok(Self { point, verifier })
    }

    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        // josekit writes a zero as an empty number, and what OpenSSL makes of that is not ours to find out.
        let is_number = |bytes: &[u8]| bytes.iter().any(|byte| *byte != 0);
        let Some((r, s)) = signature.split_at_checked(NUMBER_BYTES) else { return false };
        s.len() == NUMBER_BYTES
            && is_number(r)
            && is_number(s)
            && self.verifier.verify(message, signature).is_ok()
    }
}

impl PartialEq for P521 {
    fn eq(&self, other: &Self) -> bool {
        self.point == other.point
    }
}

impl Eq for P521 {}
