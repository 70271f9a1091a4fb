//! Owns: the shorthand of this crate's own tests for [`testing`](crate::testing).

pub(crate) mod client;

use serde_json::{Value, json};

use crate::keyset::KeySet;
use crate::keysource::{FetchError, Fetched};

pub(crate) use crate::testing::keys::encode;
pub(crate) use crate::testing::{
    AUDIENCE, Clock as ManualClock, ISSUER, Issuer as FakeIssuer, START as NOW,
    SigningKey as Signer,
};

impl Signer {
    /// An access token of [`ISSUER`] with `changes` to its claims; a change to null takes one away.
    pub(crate) fn access_token(&self, kid: &str, changes: Value) -> String {
        let header = json!({"alg": self.algorithm().name(), "typ": "at+jwt", "kid": kid});
        self.sign(&header, &with(access_claims(), changes))
    }
}

impl FakeIssuer {
    pub(crate) fn serving(body: Vec<u8>) -> Self {
        let issuer = Self::default();
        issuer.answer(Ok(Fetched { body, max_age: None }));
        issuer
    }

    pub(crate) fn answer(&self, answer: Result<Fetched, FetchError>) {
        self.answer_with(Some(answer));
    }

    pub(crate) fn asked(&self) -> usize {
        self.fetches()
    }
}

impl ManualClock {
    pub(crate) fn set_back(&self, seconds: u64) {
        self.set(self.now() - seconds);
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
