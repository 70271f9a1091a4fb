//! Owns: a request as the scripted server saw it, and reading what it proves.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value;

/// A request that arrived.
#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    pub(crate) path: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) body: Bytes,
    /// The client's certificate, where there was a handshake that asked for one.
    pub(crate) certificate: Option<Vec<u8>>,
    pub(crate) headers: HeaderMap,
    pub(crate) form: Vec<(String, String)>,
}

impl Recorded {
    /// The only value of a form parameter.
    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        let mut values = self.form.iter().filter(|(key, _)| key == name);
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "{name} was sent twice");
        value
    }

    /// All values of a form parameter.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let values = self.form.iter().filter(|(key, _)| key == name);
        values.map(|(_, value)| value.as_str()).collect()
    }

    /// Header and claims of the DPoP proof, its signature checked.
    pub(crate) fn proof(&self) -> Option<(Value, Value)> {
        assert!(self.headers.get_all("dpop").iter().count() <= 1);
        let proof = self.headers.get("dpop")?.to_str().unwrap();
        Some(open_proof(proof))
    }

    /// Header and claims of the client assertion.
    pub(crate) fn assertion(&self) -> Option<(Value, Value)> {
        Some(decode(self.param("client_assertion")?))
    }

    /// User and password of `Authorization: Basic`, as they stand before form-decoding.
    pub(crate) fn basic(&self) -> Option<String> {
        let value = self.headers.get("authorization")?.to_str().unwrap();
        let pair = STANDARD.decode(value.strip_prefix("Basic ")?).unwrap();
        Some(String::from_utf8(pair).unwrap())
    }
}

/// Header and claims of a compact JWT, unchecked.
pub(crate) fn decode(jwt: &str) -> (Value, Value) {
    let mut parts =
        jwt.split('.').map(|part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()));
    (parts.next().unwrap().unwrap(), parts.next().unwrap().unwrap())
}

/// Header and claims of a DPoP proof, checked with another implementation of ES256.
pub(crate) fn open_proof(proof: &str) -> (Value, Value) {
    let (header, claims) = decode(proof);
    let jwk = josekit::jwk::Jwk::from_map(header["jwk"].as_object().unwrap().clone()).unwrap();
    let verifier = josekit::jws::ES256.verifier_from_jwk(&jwk).unwrap();
    josekit::jwt::decode_with_verifier(proof, &verifier).unwrap();
    (header, claims)
}
