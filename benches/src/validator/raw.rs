//! Owns: the yardstick: ring's check of one signature, with key, input and signature in memory and
//! decoded, in the fastest way that ring has.

use std::fmt;

use ring::rsa::PublicKeyComponents;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256,
    RsaParameters, UnparsedPublicKey,
};
use validator_lib::Algorithm;

/// A public key as ring wants it.
#[derive(Clone)]
pub struct Raw(Key);

#[derive(Clone)]
enum Key {
    Rsa(&'static RsaParameters, PublicKeyComponents<Vec<u8>>),
    P256(UnparsedPublicKey<Vec<u8>>),
    Ed25519(UnparsedPublicKey<Vec<u8>>),
}

impl Raw {
    pub(super) fn rsa(algorithm: Algorithm, n: Vec<u8>, e: Vec<u8>) -> Self {
        let parameters = match algorithm {
            Algorithm::PS256 => &RSA_PSS_2048_8192_SHA256,
            _ => &RSA_PKCS1_2048_8192_SHA256,
        };
        Self(Key::Rsa(parameters, PublicKeyComponents { n, e }))
    }

    pub(super) fn p256(point: Vec<u8>) -> Self {
        Self(Key::P256(UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)))
    }

    pub(super) fn ed25519(x: Vec<u8>) -> Self {
        Self(Key::Ed25519(UnparsedPublicKey::new(&ED25519, x)))
    }

    /// Whether `signature` over `input` is good.
    pub fn verifies(&self, input: &[u8], signature: &[u8]) -> bool {
        match &self.0 {
            Key::Rsa(parameters, key) => key.verify(parameters, input, signature).is_ok(),
            Key::P256(key) | Key::Ed25519(key) => key.verify(input, signature).is_ok(),
        }
    }
}

impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Raw").finish_non_exhaustive()
    }
}
