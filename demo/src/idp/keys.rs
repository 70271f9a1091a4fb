//! Owns: the signing key, the JWTs made and read with it, and the key set (RFC 7515, RFC 7517,
//! RFC 7638). The key is made at start and lives as long as the process.

use axum::Json;
use axum::response::IntoResponse;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;
use ring::error::Unspecified;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
    UnparsedPublicKey,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::idp::error::{Code, OAuthError};
use crate::idp::{Call, Idp};

/// Where the key set is.
pub(super) const PATH: &str = "/jwks";
/// The one algorithm, for tokens and for proofs.
pub(super) const ALGORITHM: &str = "ES256";

/// The key set document.
pub(super) fn respond(idp: &Idp, _: &Call) -> impl IntoResponse + use<> {
    Json(json!({ "keys": [idp.keys.public_jwk()] }))
}

/// A P-256 key pair and its name.
pub(super) struct Keys {
    pair: EcdsaKeyPair,
    public: PublicKey,
    kid: String,
}

impl Keys {
    pub(super) fn generate() -> Result<Self, Unspecified> {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random)?;
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random)?;
        let public = PublicKey::from_point(pair.public_key().as_ref()).ok_or(Unspecified)?;
        Ok(Self { kid: public.thumbprint(), pair, public })
    }

    /// `claims` as a JWT of type `typ`.
    pub(super) fn sign(&self, typ: &str, claims: &impl Serialize) -> Result<String, OAuthError> {
        let broken = || OAuthError::new(Code::ServerError, "the token could not be signed");
        let header = json!({ "alg": ALGORITHM, "typ": typ, "kid": self.kid }).to_string();
        let payload = serde_json::to_vec(claims).map_err(|_| broken())?;
        let header = URL_SAFE_NO_PAD.encode(header);
        let input = format!("{header}.{}", URL_SAFE_NO_PAD.encode(payload));
        let signature =
            self.pair.sign(&SystemRandom::new(), input.as_bytes()).map_err(|_| broken())?;
        Ok(format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// The claims of a JWT of type `typ` that this key signed. Whether it expired is not looked at.
    pub(super) fn read<C: DeserializeOwned>(&self, typ: &str, token: &str) -> Option<C> {
        #[derive(Deserialize)]
        struct Header {
            alg: String,
            typ: String,
        }
        let jwt = Compact::<Header>::parse(token)?;
        if jwt.header.alg != ALGORITHM || jwt.header.typ != typ {
            return None;
        }
        jwt.claims_signed_by(&self.public)
    }

    fn public_jwk(&self) -> Value {
        let PublicKey { x, y } = &self.public;
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        json!({
            "kty": "EC", "crv": "P-256", "x": x, "y": y,
            "use": "sig", "alg": ALGORITHM, "kid": self.kid,
        })
    }
}

/// A P-256 public key.
pub(super) struct PublicKey {
    x: [u8; 32],
    y: [u8; 32],
}

impl PublicKey {
    /// The key whose coordinates a JWK carries.
    pub(super) fn from_coordinates(x: &str, y: &str) -> Option<Self> {
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok();
        Some(Self { x: decode(x)?, y: decode(y)? })
    }

    fn from_point(point: &[u8]) -> Option<Self> {
        let (x, y) = point.strip_prefix(&[4])?.split_at_checked(32)?;
        Some(Self { x: x.try_into().ok()?, y: y.try_into().ok()? })
    }

    /// RFC 7638: the hash of the required members in this order.
    pub(super) fn thumbprint(&self) -> String {
        let (x, y) = (URL_SAFE_NO_PAD.encode(self.x), URL_SAFE_NO_PAD.encode(self.y));
        let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, canonical.as_bytes()))
    }

    fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let point = [&[4][..], &self.x, &self.y].concat();
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature).is_ok()
    }
}

/// A JWT taken apart and not yet believed.
pub(super) struct Compact<'a, H> {
    pub(super) header: H,
    input: &'a str,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

impl<'a, H: DeserializeOwned> Compact<'a, H> {
    pub(super) fn parse(token: &'a str) -> Option<Self> {
        let (input, signature) = token.rsplit_once('.')?;
        let (header, payload) = input.split_once('.')?;
        Some(Self {
            header: serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?,
            input,
            payload: URL_SAFE_NO_PAD.decode(payload).ok()?,
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
        })
    }

    pub(super) fn claims_signed_by<C: DeserializeOwned>(&self, key: &PublicKey) -> Option<C> {
        if !key.verifies(self.input.as_bytes(), &self.signature) {
            return None;
        }
        serde_json::from_slice(&self.payload).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_back_only_by_its_key_and_as_its_type() {
        let keys = Keys::generate().unwrap();
        let token = keys.sign("at+jwt", &json!({ "sub": "alice" })).unwrap();
        assert_eq!(keys.read::<Value>("at+jwt", &token), Some(json!({ "sub": "alice" })));
        assert_eq!(keys.read::<Value>("JWT", &token), None);
        assert_eq!(Keys::generate().unwrap().read::<Value>("at+jwt", &token), None);
        let (input, _) = token.rsplit_once('.').unwrap();
        assert_eq!(keys.read::<Value>("at+jwt", &format!("{input}.")), None);
    }

    #[test]
    fn the_thumbprint_is_that_of_rfc_9449_section_6_1() {
        let key = PublicKey::from_coordinates(
            "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
            "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
        );
        assert_eq!(key.unwrap().thumbprint(), "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
    }
}
