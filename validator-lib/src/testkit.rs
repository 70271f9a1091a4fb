//! Owns: what the tests of this crate share: keys that sign, an issuer that can be switched off, a
//! clock that is moved by hand.

pub(crate) mod client;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256,
    RSA_PSS_SHA384, RSA_PSS_SHA512, RsaKeyPair,
};
use serde_json::{Value, json};

use crate::algorithm::Algorithm;
use crate::keyset::KeySet;
use crate::keysource::{Fetch, FetchError, Fetched};

pub(crate) const NOW: u64 = 1_800_000_000;
pub(crate) const ISSUER: &str = "https://auth.example.com";
pub(crate) const AUDIENCE: &str = "https://api.example.com";

enum Pair {
    Rsa(Box<RsaKeyPair>),
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    #[cfg(feature = "josekit")]
    P521(Box<josekit::jwk::alg::ec::EcKeyPair>),
}

/// A key that signs with one algorithm.
pub(crate) struct Signer {
    pub(crate) alg: Algorithm,
    pair: Pair,
}

impl Signer {
    pub(crate) fn new(alg: Algorithm) -> Self {
        let random = SystemRandom::new();
        let ecdsa = |signing| {
            let document = EcdsaKeyPair::generate_pkcs8(signing, &random).unwrap();
            Pair::Ecdsa(EcdsaKeyPair::from_pkcs8(signing, document.as_ref(), &random).unwrap())
        };
        let pair = match alg {
            Algorithm::ES256 => ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING),
            Algorithm::ES384 => ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING),
            Algorithm::EdDSA => {
                let document = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
                Pair::Ed25519(Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap())
            }
            #[cfg(feature = "josekit")]
            Algorithm::ES512 => {
                Pair::P521(Box::new(josekit::jws::ES512.generate_key_pair().unwrap()))
            }
            _ => {
                let document = include_bytes!("../testdata/rsa2048.pk8");
                Pair::Rsa(Box::new(RsaKeyPair::from_pkcs8(document).unwrap()))
            }
        };
        Self { alg, pair }
    }

    /// The public JWK without `kid`, `alg` and `use`.
    pub(crate) fn bare_jwk(&self) -> Value {
        match &self.pair {
            Pair::Rsa(pair) => {
                let public = PublicKeyComponents::<Vec<u8>>::from(pair.public());
                json!({"kty": "RSA", "n": encode(&public.n), "e": encode(&public.e)})
            }
            Pair::Ecdsa(pair) => {
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                let crv = if x.len() == 32 { "P-256" } else { "P-384" };
                json!({"kty": "EC", "crv": crv, "x": encode(x), "y": encode(y)})
            }
            #[cfg(feature = "josekit")]
            Pair::P521(pair) => {
                let jwk = serde_json::to_value(pair.to_jwk_public_key()).unwrap();
                json!({"kty": "EC", "crv": "P-521", "x": jwk["x"], "y": jwk["y"]})
            }
            Pair::Ed25519(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key().as_ref())})
            }
        }
    }

    pub(crate) fn jwk(&self, kid: &str) -> Value {
        with(self.bare_jwk(), json!({"kid": kid, "alg": self.alg.name(), "use": "sig"}))
    }

    pub(crate) fn sign(&self, header: &Value, payload: &Value) -> String {
        self.sign_text(&header.to_string(), &payload.to_string())
    }

    pub(crate) fn sign_text(&self, header: &str, payload: &str) -> String {
        let input = format!("{}.{}", encode(header.as_bytes()), encode(payload.as_bytes()));
        let signature = self.signature(input.as_bytes());
        format!("{input}.{}", encode(&signature))
    }

    fn signature(&self, input: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Ecdsa(pair) => pair.sign(&random, input).unwrap().as_ref().to_vec(),
            Pair::Ed25519(pair) => pair.sign(input).as_ref().to_vec(),
            #[cfg(feature = "josekit")]
            Pair::P521(pair) => {
                use josekit::jws::JwsSigner as _;
                let der = pair.to_der_private_key();
                josekit::jws::ES512.signer_from_der(der).unwrap().sign(input).unwrap()
            }
            Pair::Rsa(pair) => {
                let padding: &dyn ring::signature::RsaEncoding = match self.alg {
                    Algorithm::RS384 => &RSA_PKCS1_SHA384,
                    Algorithm::RS512 => &RSA_PKCS1_SHA512,
                    Algorithm::PS256 => &RSA_PSS_SHA256,
                    Algorithm::PS384 => &RSA_PSS_SHA384,
                    Algorithm::PS512 => &RSA_PSS_SHA512,
                    _ => &RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(padding, &random, input, &mut signature).unwrap();
                signature
            }
        }
    }

    /// An access token of [`ISSUER`] with `changes` to its claims; a change to null takes one away.
    pub(crate) fn access_token(&self, kid: &str, changes: Value) -> String {
        let header = json!({"alg": self.alg.name(), "typ": "at+jwt", "kid": kid});
        self.sign(&header, &with(access_claims(), changes))
    }
}

pub(crate) fn access_claims() -> Value {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "client_id": "spa", "jti": "t1",
        "iat": NOW, "exp": NOW + 300, "scope": "orders:read orders:write",
    })
}

/// `base` with the members of `changes`; null takes a member away.
pub(crate) fn with(mut base: Value, changes: Value) -> Value {
    let members = base.as_object_mut().unwrap();
    let Value::Object(changes) = changes else { panic!("changes are an object") };
    for (name, value) in changes {
        if value.is_null() {
            members.remove(&name);
        } else {
            members.insert(name, value);
        }
    }
    base
}

pub(crate) fn jwks(keys: &[Value]) -> Vec<u8> {
    json!({ "keys": keys }).to_string().into_bytes()
}

pub(crate) fn key_set(keys: &[Value]) -> KeySet {
    KeySet::from_jwks_json(&jwks(keys)).unwrap()
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// An issuer whose answer can be changed, and which counts how often it is asked.
#[derive(Clone, Default)]
pub(crate) struct FakeIssuer {
    answer: Arc<Mutex<Option<Result<Fetched, FetchError>>>>,
    asked: Arc<AtomicUsize>,
}

impl FakeIssuer {
    pub(crate) fn serving(body: Vec<u8>) -> Self {
        let issuer = Self::default();
        issuer.answer(Ok(Fetched { body, max_age: None }));
        issuer
    }

    pub(crate) fn answer(&self, answer: Result<Fetched, FetchError>) {
        *self.answer.lock().unwrap() = Some(answer);
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Fetch for FakeIssuer {
    async fn get(&self, _: &str) -> Result<Fetched, FetchError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let answer = self.answer.lock().unwrap().clone().unwrap_or(Err(FetchError::Timeout));
        // Two callers of one moment have to meet in here, and an answer is a moment old when it comes.
        tokio::task::yield_now().await;
        answer
    }
}

/// A clock that stands at [`NOW`] until it is moved.
#[derive(Clone)]
pub(crate) struct ManualClock(Arc<AtomicU64>);

impl ManualClock {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicU64::new(NOW)))
    }

    pub(crate) fn now(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }

    pub(crate) fn set_back(&self, seconds: u64) {
        self.0.fetch_sub(seconds, Ordering::SeqCst);
    }
}
