//! Owns: private keys for tests, one for each algorithm that the crate verifies.
#![expect(
    clippy::expect_used,
    reason = "a test whose machine makes no keys and no signatures has nothing left to do"
)]

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256,
    RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding, RsaKeyPair,
};
use serde_json::{Value, json};

use crate::algorithm::Algorithm;

/// ring makes no RSA keys, so there is one, and it is public.
pub(super) const RSA_PKCS8: &[u8] = include_bytes!("../../testdata/rsa2048.pk8");

/// A key that signs with one algorithm. Every RSA key is the same one.
pub struct SigningKey {
    pub(crate) alg: Algorithm,
    pair: Pair,
}

enum Pair {
    Rsa(Box<RsaKeyPair>),
    Ecdsa(EcdsaKeyPair),
    #[cfg(feature = "josekit")]
    P521(Box<josekit::jwk::alg::ec::EcKeyPair>),
    Ed25519(Ed25519KeyPair),
}

impl SigningKey {
    /// A key for `alg`.
    ///
    /// # Panics
    /// Where the machine has no randomness to give.
    pub fn new(alg: Algorithm) -> Self {
        let random = SystemRandom::new();
        let ecdsa = |signing| {
            let document = EcdsaKeyPair::generate_pkcs8(signing, &random).expect("a new key");
            ecdsa(signing, document.as_ref())
        };
        let pair = match alg {
            Algorithm::ES256 => ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING),
            Algorithm::ES384 => ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING),
            #[cfg(feature = "josekit")]
            Algorithm::ES512 => {
                let pair = josekit::jws::ES512.generate_key_pair().expect("a new key");
                Pair::P521(Box::new(pair))
            }
            Algorithm::EdDSA => {
                let document = Ed25519KeyPair::generate_pkcs8(&random).expect("a new key");
                Pair::Ed25519(Ed25519KeyPair::from_pkcs8(document.as_ref()).expect("our own key"))
            }
            Algorithm::RS256
            | Algorithm::RS384
            | Algorithm::RS512
            | Algorithm::PS256
            | Algorithm::PS384
            | Algorithm::PS512 => {
                Pair::Rsa(Box::new(RsaKeyPair::from_pkcs8(RSA_PKCS8).expect("our own key")))
            }
        };
        Self { alg, pair }
    }

    /// The `ES256` key in a PKCS#8 document.
    #[cfg(feature = "http")]
    pub(super) fn es256(pkcs8: &[u8]) -> Self {
        Self { alg: Algorithm::ES256, pair: ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8) }
    }

    /// What it signs with.
    pub fn algorithm(&self) -> Algorithm {
        self.alg
    }

    /// The public key as a JWK of its key type's own members and no others.
    pub fn bare_jwk(&self) -> Value {
        match &self.pair {
            Pair::Rsa(pair) => {
                let public = PublicKeyComponents::<Vec<u8>>::from(pair.public());
                json!({"kty": "RSA", "n": encode(&public.n), "e": encode(&public.e)})
            }
            Pair::Ecdsa(pair) => {
                let point = pair.public_key().as_ref().get(1..).unwrap_or_default();
                let (x, y) = point.split_at(point.len() / 2);
                let crv = if x.len() == 32 { "P-256" } else { "P-384" };
                json!({"kty": "EC", "crv": crv, "x": encode(x), "y": encode(y)})
            }
            #[cfg(feature = "josekit")]
            Pair::P521(pair) => {
                let jwk = pair.to_jwk_public_key();
                let member = |name| jwk.parameter(name).cloned().unwrap_or_default();
                json!({"kty": "EC", "crv": "P-521", "x": member("x"), "y": member("y")})
            }
            Pair::Ed25519(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key().as_ref())})
            }
        }
    }

    /// The public key as an issuer publishes it, under the name `kid`.
    pub fn jwk(&self, kid: &str) -> Value {
        let mut jwk = self.bare_jwk();
        if let Some(members) = jwk.as_object_mut() {
            let published = [("kid", kid), ("alg", self.alg.name()), ("use", "sig")];
            members.extend(published.map(|(name, value)| (name.to_owned(), value.into())));
        }
        jwk
    }

    /// The public key in the form of its kind: PKCS#1, a point, or the 32 bytes of Ed25519. None of a kind that
    /// ring does not know.
    #[cfg(feature = "http")]
    pub(super) fn public(&self) -> &[u8] {
        match &self.pair {
            Pair::Rsa(pair) => pair.public_key().as_ref(),
            Pair::Ecdsa(pair) => pair.public_key().as_ref(),
            #[cfg(feature = "josekit")]
            Pair::P521(_) => &[],
            Pair::Ed25519(pair) => pair.public_key().as_ref(),
        }
    }

    /// A compact serialisation of `header` and `claims`, which are signed as they stand.
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        self.sign_text(&header.to_string(), &claims.to_string())
    }

    /// A compact serialisation of two texts, which need not be JSON.
    pub fn sign_text(&self, header: &str, payload: &str) -> String {
        self.sign_bytes(header.as_bytes(), payload.as_bytes())
    }

    /// A compact serialisation of bytes, which need not be text.
    pub fn sign_bytes(&self, header: &[u8], payload: &[u8]) -> String {
        self.sign_input(&format!("{}.{}", encode(header), encode(payload)))
    }

    /// `input` and its signature.
    pub(super) fn sign_input(&self, input: &str) -> String {
        format!("{input}.{}", encode(&self.signature(input.as_bytes())))
    }

    pub(super) fn signature(&self, input: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Ecdsa(pair) => pair.sign(&random, input).expect("a signature").as_ref().to_vec(),
            #[cfg(feature = "josekit")]
            Pair::P521(pair) => {
                use josekit::jws::JwsSigner as _;
                let signer = josekit::jws::ES512.signer_from_der(pair.to_der_private_key());
                signer.and_then(|signer| signer.sign(input)).expect("a signature")
            }
            Pair::Ed25519(pair) => pair.sign(input).as_ref().to_vec(),
            Pair::Rsa(pair) => {
                let padding: &dyn RsaEncoding = match self.alg {
                    Algorithm::RS384 => &RSA_PKCS1_SHA384,
                    Algorithm::RS512 => &RSA_PKCS1_SHA512,
                    Algorithm::PS256 => &RSA_PSS_SHA256,
                    Algorithm::PS384 => &RSA_PSS_SHA384,
                    Algorithm::PS512 => &RSA_PSS_SHA512,
                    _ => &RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(padding, &random, input, &mut signature).expect("a signature");
                signature
            }
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("alg", &self.alg).finish_non_exhaustive()
    }
}

fn ecdsa(signing: &'static ring::signature::EcdsaSigningAlgorithm, pkcs8: &[u8]) -> Pair {
    let random = SystemRandom::new();
    Pair::Ecdsa(EcdsaKeyPair::from_pkcs8(signing, pkcs8, &random).expect("our own key"))
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What `text` encodes; nothing where it is not base64url.
#[cfg(feature = "http")]
pub(super) fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap_or_default()
}
