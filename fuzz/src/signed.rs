//! Owns: tokens that are signed with a key of ours, so that what is judged behind the signature is reached.

use std::sync::LazyLock;

use serde_json::{Value, json};
use validator_lib::algorithm::Algorithm;
use validator_lib::jws::{self, VerifiedJws};
use validator_lib::keyset::KeySet;
use validator_lib::testing::SigningKey;

/// Seconds since the epoch.
pub(crate) const NOW: u64 = 1_800_000_000;
/// Who signs.
pub(crate) const ISSUER: &str = "https://auth.example.com";

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::new(Algorithm::EdDSA));

/// Without a memory of headers, which grows: each input has one of its own.
pub(crate) fn keys() -> KeySet {
    let document = json!({ "keys": [KEY.jwk("k")] }).to_string();
    KeySet::from_jwks_json(document.as_bytes()).expect("keys")
}

/// The key in public.
pub(crate) fn public_key() -> Value {
    KEY.jwk("k")
}

/// A token of these parts.
pub(crate) fn sign(header: &[u8], payload: &[u8]) -> String {
    KEY.sign_bytes(header, payload)
}

/// The token whose header is the first line of `data`, and whose payload is the rest.
pub(crate) fn token(data: &[u8]) -> Option<(&[u8], &[u8], String)> {
    let line = data.iter().position(|byte| *byte == b'\n')?;
    let (header, payload) = (&data[..line], &data[line + 1..]);
    Some((header, payload, sign(header, payload)))
}

/// The same, if its form and its signature are good.
pub(crate) fn verified(data: &[u8]) -> Option<(&[u8], VerifiedJws)> {
    let (_, payload, compact) = token(data)?;
    Some((payload, jws::verify(&compact, &keys(), Algorithm::ALL).ok()?))
}
