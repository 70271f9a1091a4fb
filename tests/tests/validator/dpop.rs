//! Tokens that the provider bound to a key, with proofs made here.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use e2e::idp::AUDIENCE;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
};
use serde_json::{Value, json};
use validator_lib::{Refusal, Token, Validator};

use crate::scene::{ORIGIN, Scene, ask, bear, is_refused};
use crate::token::{self, encode};

/// A key of a client.
enum Key {
    Es256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Key {
    fn es256() -> Self {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random);
        let document = document.expect("a key");
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random);
        Self::Es256(pair.expect("a key"))
    }

    fn ed25519() -> Self {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("a key");
        Self::Ed25519(Ed25519KeyPair::from_pkcs8(document.as_ref()).expect("a key"))
    }

    fn jwk(&self) -> Value {
        match self {
            Self::Es256(pair) => {
                let point = pair.public_key().as_ref();
                let (x, y) = (encode(&point[1..33]), encode(&point[33..]));
                json!({"kty": "EC", "crv": "P-256", "x": x, "y": y})
            }
            Self::Ed25519(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key())})
            }
        }
    }

    /// A proof of possession, RFC 9449 section 4.2.
    fn proof(&self, claims: &Value) -> String {
        let alg = if matches!(self, Self::Es256(_)) { "ES256" } else { "EdDSA" };
        let header = json!({"typ": "dpop+jwt", "alg": alg, "jwk": self.jwk()});
        let signed = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
        let signature = match self {
            Self::Es256(pair) => {
                let random = SystemRandom::new();
                pair.sign(&random, signed.as_bytes()).expect("a signature").as_ref().to_vec()
            }
            Self::Ed25519(pair) => pair.sign(signed.as_bytes()).as_ref().to_vec(),
        };
        format!("{signed}.{}", encode(signature))
    }

    /// A token for this key, from a provider that wants its nonce in the proof.
    async fn bound_token(&self, scene: &Scene) -> String {
        let url = format!("{}/token", scene.idp.issuer);
        let mut claims = json!({"jti": jti(), "htm": "POST", "htu": url, "iat": scene.now()});
        let first = self.grant(scene, &claims).await;
        assert_eq!(first.json()["error"], "use_dpop_nonce", "{}", first.text());
        claims["jti"] = jti();
        claims["nonce"] = first.header("dpop-nonce").into();
        let second = self.grant(scene, &claims).await;
        let answer = second.json();
        assert_eq!(answer["token_type"], "DPoP", "{answer}");
        answer["access_token"].as_str().expect("a token").to_owned()
    }

    async fn grant(&self, scene: &Scene, claims: &Value) -> e2e::agent::Reply {
        let proof = self.proof(claims);
        let reply = scene.grant(&scene.agent, "svc-dpop", AUDIENCE, &[("dpop", &proof)]).await;
        reply.expect("an answer")
    }
}

/// The claims of a proof for `GET /orders` with `token`.
fn claims(scene: &Scene, token: &str) -> Value {
    let ath = URL_SAFE_NO_PAD.encode(digest(&SHA256, token.as_bytes()));
    let htu = format!("{ORIGIN}/orders");
    json!({"jti": jti(), "htm": "GET", "htu": htu, "iat": scene.now(), "ath": ath})
}

fn jti() -> Value {
    let number: [u8; 16] = ring::rand::generate(&SystemRandom::new()).expect("random").expose();
    encode(number).into()
}

async fn show(validator: &Validator, token: &str, proof: &str) -> Result<Token, Refusal> {
    ask(validator, &[("authorization", &format!("DPoP {token}")), ("dpop", proof)]).await
}

fn is_bad_proof(outcome: &Result<Token, Refusal>, reason: &str) -> bool {
    outcome.as_ref().is_err_and(|refusal| {
        let challenges = refusal.challenges();
        refusal.status() == 401
            && refusal.reason() == reason
            && challenges.iter().any(|one| one.contains("error=\"invalid_dpop_proof\""))
    })
}

async fn start() -> (Scene, Validator) {
    let scene = Scene::start(&[("OP_DPOP_NONCE", "required")]).await;
    let settings = scene.settings(AUDIENCE).origin(ORIGIN);
    let validator = settings.discover_with(scene.fetch()).await.expect("metadata");
    (scene, validator)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_bound_by_the_provider_is_accepted_with_a_proof_of_its_key() {
    let (scene, validator) = start().await;
    for key in [Key::es256(), Key::ed25519()] {
        let token = key.bound_token(&scene).await;
        assert_ne!(token::claims(&token)["cnf"]["jkt"], Value::Null);
        for _ in 0..3 {
            let proof = key.proof(&claims(&scene, &token));
            let accepted = show(&validator, &token, &proof).await.expect("a good proof");
            assert_eq!(accepted.subject(), "svc-dpop");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t12_each_proof_for_a_token_of_the_provider_is_good_once() {
    let (scene, validator) = start().await;
    let key = Key::es256();
    let token = key.bound_token(&scene).await;
    let proof = key.proof(&claims(&scene, &token));
    let shown = (0..20).map(|_| show(&validator, &token, &proof));
    let outcomes = futures_util::future::join_all(shown).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    for outcome in outcomes.iter().filter(|outcome| outcome.is_err()) {
        assert!(is_bad_proof(outcome, "dpop_replayed"), "{outcome:?}");
    }
    let again = key.proof(&claims(&scene, &token));
    assert!(show(&validator, &token, &again).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn t12_a_token_bound_by_the_provider_is_worth_nothing_without_its_key() {
    let (scene, validator) = start().await;
    let (owner, thief) = (Key::es256(), Key::es256());
    let token = owner.bound_token(&scene).await;

    let outcome = bear(&validator, &token).await;
    assert!(is_refused(&outcome, "bound_as_bearer"), "{outcome:?}");
    let outcome = ask(&validator, &[("authorization", &format!("DPoP {token}"))]).await;
    assert!(is_bad_proof(&outcome, "dpop_missing"), "{outcome:?}");
    let outcome = show(&validator, &token, &thief.proof(&claims(&scene, &token))).await;
    assert!(is_bad_proof(&outcome, "dpop_other_key"), "{outcome:?}");

    // A proof that the thief saw: for another token of the same owner, another method, another path.
    let other = owner.bound_token(&scene).await;
    let outcome = show(&validator, &token, &owner.proof(&claims(&scene, &other))).await;
    assert!(is_bad_proof(&outcome, "dpop_ath"), "{outcome:?}");
    for (claim, value, reason) in [
        ("htm", "POST", "dpop_htm"),
        ("htu", &format!("{ORIGIN}/admin"), "dpop_htu"),
        ("htu", "https://orders.elsewhere.test/orders", "dpop_htu"),
    ] {
        let mut claims = claims(&scene, &token);
        claims[claim] = value.into();
        let outcome = show(&validator, &token, &owner.proof(&claims)).await;
        assert!(is_bad_proof(&outcome, reason), "{value}: {outcome:?}");
    }
    // An old one, once it is too old.
    let proof = owner.proof(&claims(&scene, &token));
    scene.advance(61).await;
    let outcome = show(&validator, &token, &proof).await;
    assert!(is_bad_proof(&outcome, "dpop_iat"), "{outcome:?}");
    assert!(show(&validator, &token, &owner.proof(&claims(&scene, &token))).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn t12_a_service_that_requires_dpop_takes_no_bearer_token_of_the_provider() {
    let scene = Scene::start(&[("OP_DPOP_NONCE", "required")]).await;
    let settings = scene.settings(AUDIENCE).origin(ORIGIN).require_dpop();
    let validator = settings.discover_with(scene.fetch()).await.expect("metadata");
    let unbound = scene.mint(AUDIENCE).await;
    let outcome = bear(&validator, &unbound).await;
    assert!(outcome.is_err_and(|refusal| refusal.status() == 401));
    let key = Key::ed25519();
    let outcome = show(&validator, &unbound, &key.proof(&claims(&scene, &unbound))).await;
    assert!(is_refused(&outcome, "not_bound"), "{outcome:?}");
    let token = key.bound_token(&scene).await;
    assert!(show(&validator, &token, &key.proof(&claims(&scene, &token))).await.is_ok());
}

/// Without its origin a service cannot know what a proof has to be for.
#[tokio::test(flavor = "multi_thread")]
async fn t12_a_service_that_does_not_do_dpop_takes_no_bound_token() {
    let scene = Scene::start(&[("OP_DPOP_NONCE", "required")]).await;
    let validator = scene.validator().await;
    let key = Key::es256();
    let token = key.bound_token(&scene).await;
    for outcome in [
        bear(&validator, &token).await,
        show(&validator, &token, &key.proof(&claims(&scene, &token))).await,
    ] {
        assert!(outcome.is_err_and(|refusal| refusal.status() == 401));
    }
}
