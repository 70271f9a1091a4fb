//! Owns: keys that sign, as an issuer and a DPoP client have them, and the JWKs of their public halves.

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
};
use serde_json::{Value, json};
use validator_lib::Algorithm;

use super::raw::Raw;

/// ring makes no RSA keys. This one is for tests and protects nothing.
const RSA_2048: &[u8] = include_bytes!("../../../validator-lib/testdata/rsa2048.pk8");

/// A key that signs with one algorithm.
pub struct Signer {
    /// The algorithm.
    pub algorithm: Algorithm,
    pair: Pair,
    random: SystemRandom,
}

enum Pair {
    Rsa(Box<RsaKeyPair>),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Signer {
    /// A key for `algorithm`: a new one, or the one RSA key.
    ///
    /// # Errors
    /// For algorithms that nothing here is signed with.
    pub fn new(algorithm: Algorithm) -> anyhow::Result<Self> {
        let random = SystemRandom::new();
        let pair = match algorithm {
            Algorithm::RS256 | Algorithm::PS256 => {
                let pair = RsaKeyPair::from_pkcs8(RSA_2048).ok().context("the RSA key")?;
                Pair::Rsa(Box::new(pair))
            }
            Algorithm::ES256 => {
                let kind = &ECDSA_P256_SHA256_FIXED_SIGNING;
                let document = EcdsaKeyPair::generate_pkcs8(kind, &random).ok().context("a key")?;
                let pair = EcdsaKeyPair::from_pkcs8(kind, document.as_ref(), &random);
                Pair::P256(pair.ok().context("a P-256 key")?)
            }
            Algorithm::EdDSA => {
                let document = Ed25519KeyPair::generate_pkcs8(&random).ok().context("a key")?;
                let pair = Ed25519KeyPair::from_pkcs8(document.as_ref());
                Pair::Ed25519(pair.ok().context("an Ed25519 key")?)
            }
            _ => anyhow::bail!("nothing is signed with {algorithm}"),
        };
        Ok(Self { algorithm, pair, random })
    }

    /// What ring checks this key's signatures with.
    pub fn raw(&self) -> Raw {
        match &self.pair {
            Pair::Rsa(pair) => {
                let PublicKeyComponents { n, e } = PublicKeyComponents::from(pair.public());
                Raw::rsa(self.algorithm, n, e)
            }
            Pair::P256(pair) => Raw::p256(pair.public_key().as_ref().to_vec()),
            Pair::Ed25519(pair) => Raw::ed25519(pair.public_key().as_ref().to_vec()),
        }
    }

    /// The public key as a JWK, without `kid`, `alg` and `use`.
    pub fn bare_jwk(&self) -> Value {
        match &self.pair {
            Pair::Rsa(pair) => {
                let public = PublicKeyComponents::<Vec<u8>>::from(pair.public());
                json!({ "kty": "RSA", "n": encode(&public.n), "e": encode(&public.e) })
            }
            Pair::P256(pair) => {
                // The first byte says that both coordinates follow.
                let point = pair.public_key().as_ref();
                let coordinates = point.get(1..).unwrap_or_default();
                let (x, y) = coordinates.split_at_checked(32).unwrap_or_default();
                json!({ "kty": "EC", "crv": "P-256", "x": encode(x), "y": encode(y) })
            }
            Pair::Ed25519(pair) => {
                let public = encode(pair.public_key().as_ref());
                json!({ "kty": "OKP", "crv": "Ed25519", "x": public })
            }
        }
    }

    /// The public key as an issuer publishes it.
    pub fn jwk(&self) -> Value {
        let mut jwk = self.bare_jwk();
        if let Some(members) = jwk.as_object_mut() {
            members.insert("kid".to_owned(), json!(self.kid()));
            members.insert("alg".to_owned(), json!(self.algorithm.name()));
            members.insert("use".to_owned(), json!("sig"));
        }
        jwk
    }

    /// The name of the key. All have the same length, so that all headers do.
    pub fn kid(&self) -> String {
        format!("k2026-11-{}", self.algorithm.name())
    }

    /// The compact serialisation of a header and a payload.
    ///
    /// # Errors
    /// If ring does not sign.
    pub fn sign(&self, header: &str, payload: &str) -> anyhow::Result<String> {
        let input = format!("{}.{}", encode(header.as_bytes()), encode(payload.as_bytes()));
        let signature = self.signature(input.as_bytes())?;
        Ok(format!("{input}.{}", encode(&signature)))
    }

    fn signature(&self, input: &[u8]) -> anyhow::Result<Vec<u8>> {
        let signature = match &self.pair {
            Pair::P256(pair) => {
                pair.sign(&self.random, input).ok().context("ECDSA")?.as_ref().to_vec()
            }
            Pair::Ed25519(pair) => pair.sign(input).as_ref().to_vec(),
            Pair::Rsa(pair) => {
                let padding: &dyn RsaEncoding = match self.algorithm {
                    Algorithm::PS256 => &RSA_PSS_SHA256,
                    _ => &RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(padding, &self.random, input, &mut signature).ok().context("RSA")?;
                signature
            }
        };
        Ok(signature)
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

pub(super) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
