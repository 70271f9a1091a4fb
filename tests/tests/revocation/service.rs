//! A service that checks its tokens with `validator-lib` and a list that follows Redis, and tokens for it.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use e2e::agent::Agent;
use e2e::clock::now;
use e2e::service::{Service, answer};
use http::{Method, Request, header};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::json;
use validator_lib::revocation::WhenUnknown;
use validator_lib::revocation::redis::RedisDenylist;
use validator_lib::{KeySet, Validator};

use crate::writer::{HOUR, ISSUER};

const AUDIENCE: &str = "https://orders.example";

/// An issuer: its key.
pub(crate) struct Issuer(Ed25519KeyPair);

impl Issuer {
    pub(crate) fn new() -> Self {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("a key");
        Self(Ed25519KeyPair::from_pkcs8(document.as_ref()).expect("a key"))
    }

    /// A token for `user` that lives for an hour.
    pub(crate) fn mint(&self, jti: &str, user: &str) -> String {
        let header = json!({"alg": "EdDSA", "typ": "at+jwt", "kid": "k"});
        let claims = json!({
            "iss": ISSUER, "aud": AUDIENCE, "sub": user, "jti": jti, "client_id": "test",
            "iat": now(), "exp": now() + HOUR.as_secs(),
        });
        let parts = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        let input = parts.join(".");
        let signature = URL_SAFE_NO_PAD.encode(self.0.sign(input.as_bytes()));
        format!("{input}.{signature}")
    }

    fn keys(&self) -> KeySet {
        let x = URL_SAFE_NO_PAD.encode(self.0.public_key().as_ref());
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": "k", "x": x});
        let jwks = json!({"keys": [jwk]}).to_string();
        KeySet::from_jwks_json(jwks.as_bytes()).expect("a key set")
    }

    /// A service that takes its tokens unless they are on the list, and none while the list cannot say.
    pub(crate) async fn service(&self, list: RedisDenylist) -> Service {
        let validator = Validator::builder(ISSUER, AUDIENCE)
            .denylist(list, WhenUnknown::Refuse)
            .with_keys(self.keys())
            .expect("the settings are usable");
        let validator = Arc::new(validator);
        Service::start(None, move |seen| {
            let validator = Arc::clone(&validator);
            async move {
                let mut request = Request::new(());
                *request.headers_mut() = seen.headers.clone();
                match validator.check(&request.into_parts().0).await {
                    Ok(_) => answer(200, "text/plain", "welcome"),
                    Err(refusal) => answer(refusal.status(), "text/plain", refusal.reason()),
                }
            }
        })
        .await
    }
}

/// What the service says to a token: its status, and why.
pub(crate) async fn ask(agent: &Agent, service: &Service, token: &str) -> (u16, String) {
    let bearer = format!("Bearer {token}");
    let call = agent.request(Method::GET, &service.origin());
    let reply = call.header(header::AUTHORIZATION.as_str(), &bearer).send().await;
    (reply.status.as_u16(), reply.text())
}
