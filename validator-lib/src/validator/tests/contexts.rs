//! The context tokens of the edge.

use serde_json::{Value, json};

use super::{bearer, reason};
use crate::algorithm::Algorithm;
use crate::context::ContextClaims;
use crate::discovery::DiscoveryError;
use crate::testkit::{FakeIssuer, NOW, Signer, jwks, key_set, with};
use crate::validator::Validator;

const EDGE: &str = "https://edge.example.com";
const SERVICE: &str = "https://orders.internal";

fn claims(changes: Value) -> Value {
    let claims = json!({
        "iss": EDGE, "aud": SERVICE, "sub": "alice", "jti": "c1", "sid": "ref-1", "tenant": "aef",
        "roles": ["ADMIN"], "scope": "orders:read", "auth_time": NOW - 30, "acr": "mfa",
        "iat": NOW, "exp": NOW + 60,
    });
    with(claims, changes)
}

fn token(signer: &Signer, changes: Value) -> String {
    let header = json!({"alg": signer.alg.name(), "typ": "wicket-context+jwt", "kid": "k"});
    signer.sign(&header, &claims(changes))
}

fn validator(signer: &Signer) -> Validator {
    let builder = Validator::context(EDGE, SERVICE).clock(|| NOW);
    builder.with_keys(key_set(&[signer.jwk("k")])).unwrap()
}

#[tokio::test]
async fn a_context_token_says_whose_session_it_is() {
    for algorithm in [Algorithm::ES256, Algorithm::EdDSA] {
        let signer = Signer::new(algorithm);
        let token = bearer(&validator(&signer), &token(&signer, json!({}))).await.unwrap();
        let context: ContextClaims = token.claims().unwrap();
        assert_eq!((context.sid.as_str(), context.tenant.as_deref()), ("ref-1", Some("aef")));
        assert_eq!((token.subject(), token.acr()), ("alice", Some("mfa")));
        assert!(token.has_role("ADMIN") && token.has_scope("orders:read"));
    }
    let signer = Signer::new(Algorithm::ES256);
    let validator = validator(&signer);
    for (changes, good) in [
        (json!({"tenant": null}), true),
        (json!({"tenant": 7}), false),
        (json!({"sid": null}), false),
    ] {
        let token = bearer(&validator, &token(&signer, changes.clone())).await.unwrap();
        assert_eq!(token.claims::<ContextClaims>().is_ok(), good, "{changes}");
    }
}

#[tokio::test]
async fn t12_a_context_token_is_short_lived_and_of_two_algorithms() {
    let signer = Signer::new(Algorithm::ES256);
    let ours = validator(&signer);
    for (changes, why) in [
        (json!({"exp": NOW + 61}), "lives_too_long"),
        (json!({"iat": null}), "lives_too_long"),
        (json!({"aud": "https://other.internal"}), "audience"),
    ] {
        assert_eq!(reason(&ours, &token(&signer, changes)).await, (401, why));
    }
    let access =
        signer.sign(&json!({"alg": "ES256", "typ": "at+jwt", "kid": "k"}), &claims(json!({})));
    assert_eq!(reason(&ours, &access).await, (401, "token_type"));
    for algorithm in [Algorithm::RS256, Algorithm::PS256, Algorithm::ES384] {
        let signer = Signer::new(algorithm);
        let outcome = reason(&validator(&signer), &token(&signer, json!({}))).await;
        assert_eq!(outcome, (401, "algorithm_refused"), "{algorithm}");
        // Whoever wants another one says so.
        let builder = Validator::context(EDGE, SERVICE).clock(|| NOW).algorithms(&[algorithm]);
        let chosen = builder.with_keys(key_set(&[signer.jwk("k")])).unwrap();
        assert!(bearer(&chosen, &token(&signer, json!({}))).await.is_ok());
    }
}

#[tokio::test]
async fn keys_come_from_a_url_that_was_given_and_no_metadata_is_asked_for() {
    let signer = Signer::new(Algorithm::ES256);
    let keys = FakeIssuer::serving(jwks(&[signer.jwk("k")]));
    let at = |url: &str| Validator::context(EDGE, SERVICE).clock(|| NOW).keys_at(url);
    let found = at("https://app.example.com/jwks.json").discover_with(keys.clone()).await.unwrap();
    assert_eq!(keys.asked(), 0);
    assert!(bearer(&found, &token(&signer, json!({}))).await.is_ok());
    assert_eq!(keys.asked(), 1);
    for url in ["http://app.example.com/jwks.json", "ftp://app.example.com", "/jwks.json", ""] {
        let refused = at(url).discover_with(keys.clone()).await.unwrap_err();
        assert_eq!(refused, DiscoveryError::InsecureUrl, "{url}");
    }
}
