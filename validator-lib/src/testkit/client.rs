//! Owns: a client that holds a DPoP key, and a token that is bound to it.

use serde_json::{Value, json};

use super::{NOW, Signer, encode, key_set, with};
use crate::algorithm::Algorithm;
use crate::testkit::{AUDIENCE, ISSUER};
use crate::validator::{Builder, Validator};

pub(crate) const ORIGIN: &str = "https://api.example.com";

pub(crate) struct Client {
    pub(crate) issuer: Signer,
    pub(crate) key: Signer,
    pub(crate) jkt: String,
    pub(crate) token: String,
}

impl Client {
    pub(crate) fn new() -> Self {
        let (issuer, key) = (Signer::new(Algorithm::ES256), Signer::new(Algorithm::ES256));
        let jwk = serde_json::from_value::<crate::jwk::Jwk>(key.bare_jwk()).unwrap();
        let jkt = crate::jwk::VerifyingKey::try_from(jwk).unwrap().key.thumbprint();
        let token = issuer.access_token("k", json!({"cnf": {"jkt": jkt}}));
        Self { issuer, key, jkt, token }
    }

    /// A validator that accepts its token with a proof.
    pub(crate) fn validator(&self) -> Validator {
        self.validator_with(|builder| builder)
    }

    pub(crate) fn validator_with(&self, set: impl FnOnce(Builder) -> Builder) -> Validator {
        let builder = Validator::builder(ISSUER, AUDIENCE).clock(|| NOW).origin(ORIGIN);
        set(builder).with_keys(key_set(&[self.issuer.jwk("k")])).unwrap()
    }

    /// A proof for `GET /orders` with `changes` to its claims.
    pub(crate) fn proof(&self, changes: Value) -> String {
        self.proof_by(&self.key, changes)
    }

    pub(crate) fn proof_by(&self, key: &Signer, changes: Value) -> String {
        let hash = ring::digest::digest(&ring::digest::SHA256, self.token.as_bytes());
        let claims = json!({
            "jti": "p1", "htm": "GET", "htu": format!("{ORIGIN}/orders"), "iat": NOW,
            "ath": encode(hash.as_ref()),
        });
        let header = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": key.bare_jwk()});
        key.sign(&header, &with(claims, changes))
    }
}
