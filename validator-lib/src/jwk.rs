//! Owns: turning one JSON Web Key into a public key that can verify, or saying why not (RFC 7517
//! section 4, RFC 7518 section 6, RFC 8037 section 2), and its thumbprint (RFC 7638 section 3).

#[cfg(feature = "josekit")]
mod p521;
mod roca;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::algorithm::Algorithm;
use crate::json;

const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
const RSA_EXPONENTS: std::ops::Range<u64> = 3..1 << 33;

/// Why one key of a set cannot be used. The others still can.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwkError {
    /// Not an object, a member twice, or a member of the wrong type.
    #[error("the key is not a well-formed JWK")]
    Malformed,
    /// `kty` or `crv` names nothing this crate verifies with.
    #[error("the key type or curve is not supported")]
    UnsupportedType,
    /// `alg` is unknown, or does not go with the key type.
    #[error("the algorithm of the key is not supported or does not fit its type")]
    UnsupportedAlgorithm,
    /// `use` or `key_ops` does not allow verifying.
    #[error("the key is not meant for verifying signatures")]
    NotForVerifying,
    /// A private or symmetric member stands in what should be a public key.
    #[error("the key was published with its private part")]
    Private,
    /// A coordinate, modulus or exponent that no sound key has.
    #[error("the key material is weak or malformed")]
    BadMaterial,
    /// Two keys of the set answer to the same `kid` and algorithm; neither is used.
    #[error("two keys share a key id and an algorithm")]
    Ambiguous,
}

/// A JWK as it stands in a key set or in the header of a DPoP proof.
#[derive(Debug, Deserialize)]
pub(crate) struct Jwk {
    kty: String,
    #[serde(default, deserialize_with = "json::present")]
    kid: Option<String>,
    #[serde(default, deserialize_with = "json::present")]
    alg: Option<String>,
    #[serde(default, rename = "use", deserialize_with = "json::present")]
    usage: Option<String>,
    #[serde(default, deserialize_with = "json::present")]
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
    #[serde(flatten)]
    private: PrivateMembers,
}

#[derive(Debug, Deserialize)]
struct PrivateMembers {
    #[serde(default, deserialize_with = "json::present")]
    d: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "json::present")]
    p: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "json::present")]
    q: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "json::present")]
    dp: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "json::present")]
    dq: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "json::present")]
    qi: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "json::present")]
    oth: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "json::present")]
    k: Option<IgnoredAny>,
}

impl PrivateMembers {
    fn any(&self) -> bool {
        [&self.d, &self.p, &self.q, &self.dp, &self.dq, &self.qi, &self.oth, &self.k]
            .iter()
            .any(|member| member.is_some())
    }
}

/// A key of a set: its material, and what its publisher lets it be used for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VerifyingKey {
    pub(crate) kid: Option<String>,
    pub(crate) alg: Option<Algorithm>,
    pub(crate) key: PublicKey,
}

impl TryFrom<Jwk> for VerifyingKey {
    type Error = JwkError;

    fn try_from(jwk: Jwk) -> Result<Self, JwkError> {
        let key = PublicKey::try_from(&jwk)?;
        let signs = jwk.usage.as_deref().is_none_or(|usage| usage == "sig");
        let verifies = jwk.key_ops.as_ref().is_none_or(|ops| ops.iter().any(|op| op == "verify"));
        if !signs || !verifies {
            return Err(JwkError::NotForVerifying);
        }
        let alg = match jwk.alg.as_deref() {
            None => None,
            Some(name) => Some(
                Algorithm::from_name(name)
                    .filter(|alg| key.fits(*alg))
                    .ok_or(JwkError::UnsupportedAlgorithm)?,
            ),
        };
        Ok(Self { kid: jwk.kid, alg, key })
    }
}

/// Public key material of a size and shape that may be trusted with a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PublicKey {
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    P256 {
        point: Point,
    },
    P384 {
        point: Point,
    },
    #[cfg(feature = "josekit")]
    P521(p521::P521),
    Ed25519 {
        x: Vec<u8>,
    },
}

impl TryFrom<&Jwk> for PublicKey {
    type Error = JwkError;

    fn try_from(jwk: &Jwk) -> Result<Self, JwkError> {
        if jwk.private.any() {
            return Err(JwkError::Private);
        }
        let curve = jwk.crv.as_deref();
        match (jwk.kty.as_str(), curve) {
            ("RSA", None) => rsa(&integer(jwk.n.as_ref())?, &integer(jwk.e.as_ref())?),
            ("EC", Some("P-256")) => Ok(Self::P256 { point: Point::read(jwk, 32)? }),
            ("EC", Some("P-384")) => Ok(Self::P384 { point: Point::read(jwk, 48)? }),
            #[cfg(feature = "josekit")]
            ("EC", Some("P-521")) => Ok(Self::P521(p521::P521::new(Point::read(jwk, 66)?)?)),
            ("OKP", Some("Ed25519")) => Ok(Self::Ed25519 { x: fixed(jwk.x.as_ref(), 32)? }),
            _ => Err(JwkError::UnsupportedType),
        }
    }
}

impl PublicKey {
    /// Whether a key of this type can make signatures of `alg`.
    pub(crate) fn fits(&self, alg: Algorithm) -> bool {
        use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
        match self {
            Self::Rsa { .. } => matches!(alg, RS256 | RS384 | RS512 | PS256 | PS384 | PS512),
            Self::P256 { .. } => alg == ES256,
            Self::P384 { .. } => alg == ES384,
            #[cfg(feature = "josekit")]
            Self::P521(_) => alg == Algorithm::ES512,
            Self::Ed25519 { .. } => alg == EdDSA,
        }
    }

    /// Whether `signature` over `message` is good under this key. False where `alg` does not fit.
    pub(crate) fn verifies(&self, alg: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Rsa { n, e } => {
                let params = match alg {
                    Algorithm::RS256 => &RSA_PKCS1_2048_8192_SHA256,
                    Algorithm::RS384 => &RSA_PKCS1_2048_8192_SHA384,
                    Algorithm::RS512 => &RSA_PKCS1_2048_8192_SHA512,
                    Algorithm::PS256 => &RSA_PSS_2048_8192_SHA256,
                    Algorithm::PS384 => &RSA_PSS_2048_8192_SHA384,
                    Algorithm::PS512 => &RSA_PSS_2048_8192_SHA512,
                    _ => return false,
                };
                RsaPublicKeyComponents { n, e }.verify(params, message, signature).is_ok()
            }
            Self::P256 { point } => {
                alg == Algorithm::ES256
                    && UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point.uncompressed)
                        .verify(message, signature)
                        .is_ok()
            }
            Self::P384 { point } => {
                alg == Algorithm::ES384
                    && UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, &point.uncompressed)
                        .verify(message, signature)
                        .is_ok()
            }
            #[cfg(feature = "josekit")]
            Self::P521(key) => alg == Algorithm::ES512 && key.verifies(message, signature),
            Self::Ed25519 { x } => {
                alg == Algorithm::EdDSA
                    && UnparsedPublicKey::new(&ED25519, x).verify(message, signature).is_ok()
            }
        }
    }

    /// The SHA-256 thumbprint, base64url (RFC 7638 section 3).
    ///
    /// The text is written by hand, because the order of a serialised map depends on the features other crates turn on.
    pub(crate) fn thumbprint(&self) -> String {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let members = match self {
            Self::Rsa { n, e } => {
                format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, encode(e), encode(n))
            }
            Self::P256 { point } => point.thumbprint_members("P-256"),
            Self::P384 { point } => point.thumbprint_members("P-384"),
            #[cfg(feature = "josekit")]
            Self::P521(key) => key.point.thumbprint_members("P-521"),
            Self::Ed25519 { x } => {
                format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, encode(x))
            }
        };
        encode(ring::digest::digest(&ring::digest::SHA256, members.as_bytes()).as_ref())
    }
}

/// Some issuers write a sign byte before the modulus, which RFC 7518 section 6.3.1.1 forbids and the
/// verifier refuses; the number is the same without it.
fn integer(member: Option<&String>) -> Result<Vec<u8>, JwkError> {
    let bytes = decode(member)?;
    Ok(bytes.into_iter().skip_while(|byte| *byte == 0).collect())
}

fn fixed(member: Option<&String>, length: usize) -> Result<Vec<u8>, JwkError> {
    decode(member).and_then(|bytes| {
        if bytes.len() == length { Ok(bytes) } else { Err(JwkError::BadMaterial) }
    })
}

fn decode(member: Option<&String>) -> Result<Vec<u8>, JwkError> {
    let text = member.ok_or(JwkError::BadMaterial)?;
    URL_SAFE_NO_PAD.decode(text).map_err(|_| JwkError::BadMaterial)
}

fn rsa(n: &[u8], e: &[u8]) -> Result<PublicKey, JwkError> {
    let odd = |bytes: &[u8]| bytes.last().is_some_and(|byte| byte % 2 == 1);
    let exponent =
        (e.len() <= 8).then(|| e.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)));
    let top = n.first().map_or(0, |byte| byte.leading_zeros() as usize);
    let bits = (n.len() * 8).saturating_sub(top);
    if !RSA_BITS.contains(&bits) || !odd(n) || !odd(e) {
        return Err(JwkError::BadMaterial);
    }
    if !exponent.is_some_and(|exponent| RSA_EXPONENTS.contains(&exponent)) || roca::is_weak(n) {
        return Err(JwkError::BadMaterial);
    }
    Ok(PublicKey::Rsa { n: n.to_vec(), e: e.to_vec() })
}

/// A point of a curve as SEC 1 section 2.3.3 writes it without compression: 4, x, y.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Point {
    uncompressed: Vec<u8>,
}

impl Point {
    fn read(jwk: &Jwk, length: usize) -> Result<Self, JwkError> {
        let (x, y) = (fixed(jwk.x.as_ref(), length)?, fixed(jwk.y.as_ref(), length)?);
        Ok(Self { uncompressed: [&[4], &*x, &*y].concat() })
    }

    fn coordinates(&self) -> (&[u8], &[u8]) {
        let both = self.uncompressed.get(1..).unwrap_or_default();
        both.split_at(both.len() / 2)
    }

    fn thumbprint_members(&self, curve: &str) -> String {
        let (x, y) = self.coordinates();
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        format!(r#"{{"crv":"{curve}","kty":"EC","x":"{x}","y":"{y}"}}"#)
    }
}

#[cfg(test)]
mod tests;
