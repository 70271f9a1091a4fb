//! Owns: reading the private keys of context tokens (RFC 7517, RFC 7518 section 6.2, RFC 8037 section 2), and
//! saying what is wrong with one without repeating any of it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::key::{ContextKey, Pair};

/// Most keys of one deployment: the one that signs, its predecessor, its successor, and room.
const KEYS_MAX: usize = 8;
const KID_MAX: usize = 128;

/// Why keys were refused. Never holds a part of a key; entries count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ContextKeyError {
    /// Neither one JWK, nor a JSON array of them, nor a JWK Set.
    #[error("is neither a JWK, nor a JSON list of them, nor a JWK Set")]
    Json,
    /// No key at all.
    #[error("holds no key")]
    Empty,
    /// More keys than any rotation needs.
    #[error("holds more than 8 keys")]
    TooMany,
    /// A key of another type or curve, or for another use.
    #[error("key {0} is not a P-256 (ES256) or Ed25519 (EdDSA) key for signing")]
    Unsupported(usize),
    /// A key without its private member.
    #[error("key {0} is not private: it has no d")]
    Public(usize),
    /// A member that is missing, malformed, or of another key.
    #[error("key {0} is damaged: its halves do not belong together")]
    Malformed(usize),
    /// A name that is empty, too long, or not visible ASCII.
    #[error("key {0} has a kid that is not 1 to 128 visible ASCII characters")]
    Name(usize),
    /// Two keys have one name.
    #[error("key {0} repeats a kid")]
    Repeated(usize),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum File {
    Set { keys: Vec<Jwk> },
    List(Vec<Jwk>),
    One(Box<Jwk>),
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    crv: Option<String>,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    x: Option<String>,
    y: Option<String>,
    d: Option<SecretString>,
}

/// The keys in `text`, in its order.
pub(super) fn parse(text: &str) -> Result<Vec<ContextKey>, ContextKeyError> {
    let file: File = serde_json::from_str(text).map_err(|_| ContextKeyError::Json)?;
    let jwks = match file {
        File::Set { keys } | File::List(keys) => keys,
        File::One(jwk) => vec![*jwk],
    };
    if jwks.is_empty() {
        return Err(ContextKeyError::Empty);
    }
    if jwks.len() > KEYS_MAX {
        return Err(ContextKeyError::TooMany);
    }
    let mut keys: Vec<ContextKey> = Vec::new();
    for (index, jwk) in jwks.iter().enumerate() {
        let number = index.saturating_add(1);
        let key = jwk.read(number)?;
        if keys.iter().any(|known| known.kid == key.kid) {
            return Err(ContextKeyError::Repeated(number));
        }
        keys.push(key);
    }
    Ok(keys)
}

impl Jwk {
    fn read(&self, number: usize) -> Result<ContextKey, ContextKeyError> {
        let for_signing = self.usage.as_deref().is_none_or(|usage| usage == "sig")
            && self.key_ops.as_ref().is_none_or(|ops| ops.iter().any(|op| op == "sign"));
        let alg = self.alg.as_deref();
        let read = match (self.kty.as_str(), self.crv.as_deref()) {
            _ if !for_signing => None,
            ("EC", Some("P-256")) if alg.is_none_or(|alg| alg == "ES256") => {
                Some(Self::p256 as Read)
            }
            ("OKP", Some("Ed25519")) if alg.is_none_or(|alg| alg == "EdDSA") => {
                Some(Self::ed25519 as Read)
            }
            _ => None,
        };
        let read = read.ok_or(ContextKeyError::Unsupported(number))?;
        let d = self.d.as_ref().ok_or(ContextKeyError::Public(number))?;
        let d = URL_SAFE_NO_PAD.decode(d.expose_secret()).map(Zeroizing::new);
        let malformed = ContextKeyError::Malformed(number);
        let (pair, public) = read(self, &d.map_err(|_| malformed)?).ok_or(malformed)?;
        let kid = match &self.kid {
            Some(kid) => kid.clone(),
            None => thumbprint(&public),
        };
        let named = (1..=KID_MAX).contains(&kid.len()) && kid.bytes().all(|b| b.is_ascii_graphic());
        if !named {
            return Err(ContextKeyError::Name(number));
        }
        let public = published(public, &kid, pair.algorithm());
        Ok(ContextKey { kid, public, pair })
    }

    fn p256(&self, d: &[u8]) -> Option<Half> {
        let (x, y) = (self.x.as_deref()?, self.y.as_deref()?);
        let (x_bytes, y_bytes) = (coordinate(x)?, coordinate(y)?);
        let point = [&[4][..], &x_bytes, &y_bytes].concat();
        let pair = EcdsaKeyPair::from_private_key_and_public_key(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            d,
            &point,
            &SystemRandom::new(),
        );
        let public = json!({ "crv": "P-256", "kty": "EC", "x": x, "y": y });
        Some((Pair::P256(pair.ok()?), public))
    }

    fn ed25519(&self, d: &[u8]) -> Option<Half> {
        let x = self.x.as_deref()?;
        let pair = Ed25519KeyPair::from_seed_and_public_key(d, &coordinate(x)?);
        let public = json!({ "crv": "Ed25519", "kty": "OKP", "x": x });
        Some((Pair::Ed25519(pair.ok()?), public))
    }
}

type Half = (Pair, Value);
type Read = fn(&Jwk, &[u8]) -> Option<Half>;

fn coordinate(text: &str) -> Option<[u8; 32]> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

/// RFC 7638 section 3, of the members that are required: `json!` may or may not sort them.
fn thumbprint(public: &Value) -> String {
    let member = |name: &str| public.get(name).and_then(Value::as_str).unwrap_or_default();
    let y = public.get("y").map(|_| format!(r#","y":"{}""#, member("y"))).unwrap_or_default();
    let canonical = format!(
        r#"{{"crv":"{}","kty":"{}","x":"{}"{y}}}"#,
        member("crv"),
        member("kty"),
        member("x"),
    );
    URL_SAFE_NO_PAD.encode(digest(&SHA256, canonical.as_bytes()))
}

fn published(mut public: Value, kid: &str, alg: &str) -> Value {
    if let Some(members) = public.as_object_mut() {
        for (name, value) in [("kid", kid), ("alg", alg), ("use", "sig")] {
            members.insert(name.to_owned(), json!(value));
        }
    }
    public
}
