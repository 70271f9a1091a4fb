//! Owns: what the scripted server signs, good and as bad as a test wants it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom as RingRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};

use super::{MockAs, NOW};

impl MockAs {
    /// A good ID token with `changes`; `null` removes a claim.
    pub(crate) fn id_token(&self, nonce: &str, changes: &Value) -> String {
        let claims = json!({
            "iss": self.issuer, "sub": "alice", "aud": "client",
            "exp": NOW + 300, "iat": NOW, "nonce": nonce, "sid": "idp-session",
        });
        let header = json!({ "alg": "ES256", "kid": "k1", "typ": "JWT" });
        self.sign(&header, &changed(claims, changes))
    }

    /// A good logout token for a session of alice, with `changes`; `null` removes a claim.
    pub(crate) fn logout_token(&self, now: u64, changes: &Value) -> String {
        let header = json!({ "alg": "ES256", "kid": "k1", "typ": "logout+jwt" });
        self.sign(&header, &self.logout_claims(now, changes))
    }

    pub(crate) fn logout_claims(&self, now: u64, changes: &Value) -> Value {
        let claims = json!({
            "iss": self.issuer, "aud": "client", "iat": now, "exp": now + 120, "jti": "jti-1",
            "sub": "alice", "sid": "idp-session",
            "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
        });
        changed(claims, changes)
    }

    /// `claims` under this server's key, whatever `header` says.
    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        let mut jwt = URL_SAFE_NO_PAD.encode(header.to_string());
        jwt.push('.');
        jwt.push_str(&URL_SAFE_NO_PAD.encode(claims.to_string()));
        self.sign_text(&jwt)
    }

    /// Any text under this server's key.
    pub(crate) fn sign_text(&self, text: &str) -> String {
        let signature = self.key.sign(&RingRandom::new(), text.as_bytes()).unwrap();
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// The key set with this server's key called `kid`.
    pub(crate) fn jwks(&self, kid: &str) -> Value {
        let point = self.key.public_key().as_ref();
        json!({ "keys": [{
            "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": kid,
            "x": URL_SAFE_NO_PAD.encode(&point[1..33]), "y": URL_SAFE_NO_PAD.encode(&point[33..65]),
        }] })
    }
}

/// `claims` with `changes`; `null` removes a member.
pub(crate) fn changed(mut claims: Value, changes: &Value) -> Value {
    let members = claims.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
    claims
}

pub(super) fn signing_key() -> EcdsaKeyPair {
    let alg = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let document = EcdsaKeyPair::generate_pkcs8(alg, &RingRandom::new()).unwrap();
    EcdsaKeyPair::from_pkcs8(alg, document.as_ref(), &RingRandom::new()).unwrap()
}
