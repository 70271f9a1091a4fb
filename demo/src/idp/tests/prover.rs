//! Owns: a client's DPoP key in the tests, and the proofs it makes, good ones and bad ones.

use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};
use shell::clock::{Clock as _, ManualClock};

use super::{ISSUER, Provider};

/// A key that makes proofs.
pub(super) struct Prover {
    pair: EcdsaKeyPair,
    clock: ManualClock,
    made: AtomicU64,
}

impl Prover {
    pub(super) fn of(provider: &Provider) -> Self {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).unwrap();
        Self { pair, clock: provider.clock.clone(), made: AtomicU64::new(0) }
    }

    pub(super) fn proof(&self, method: &str, path: &str) -> String {
        self.proof_with(method, path, |_, _| {})
    }

    pub(super) fn proof_with_token(&self, method: &str, path: &str, token: &str) -> String {
        let hash = digest::digest(&digest::SHA256, token.as_bytes());
        let ath = URL_SAFE_NO_PAD.encode(hash);
        self.proof_with(method, path, |_, claims| claims["ath"] = json!(ath))
    }

    /// A proof whose header and claims `change` has had its way with.
    pub(super) fn proof_with(
        &self,
        method: &str,
        path: &str,
        change: impl FnOnce(&mut Value, &mut Value),
    ) -> String {
        let mut header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk() });
        let mut claims = json!({
            "jti": format!("proof-{}", self.made.fetch_add(1, Ordering::SeqCst)),
            "htm": method,
            "htu": format!("{ISSUER}{path}"),
            "iat": self.clock.unix_seconds(),
        });
        change(&mut header, &mut claims);
        let [header, claims] =
            [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        let input = format!("{header}.{claims}");
        let signature = self.pair.sign(&SystemRandom::new(), input.as_bytes()).unwrap();
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    pub(super) fn thumbprint(&self) -> String {
        let jwk = self.jwk();
        let canonical =
            format!(r#"{{"crv":"P-256","kty":"EC","x":{},"y":{}}}"#, jwk["x"], jwk["y"]);
        URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, canonical.as_bytes()))
    }

    fn jwk(&self) -> Value {
        let (x, y) = self.pair.public_key().as_ref()[1..].split_at(32);
        let [x, y] = [x, y].map(|coordinate| URL_SAFE_NO_PAD.encode(coordinate));
        json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y })
    }
}
