//! The issuer, its tokens and its clients, as the tests of a service use them.

use serde_json::{Value, json};

use super::*;
use crate::algorithm::Algorithm;
use crate::keysource::{COOLDOWN_SECS, Fetch as _, FetchError, Fetched};
use crate::testing::{DpopKey, START};
use crate::{Refusal, Token};

async fn bearer(validator: &Validator, token: &str) -> Result<Token, Refusal> {
    let request = Request::get("/orders").header("authorization", format!("Bearer {token}"));
    validator.check(&request.body(()).unwrap().into_parts().0).await
}

async fn outcome(validator: &Validator, token: &str) -> &'static str {
    bearer(validator, token).await.map_or_else(|refusal| refusal.reason(), |_| "accepted")
}

#[tokio::test]
async fn a_minted_token_says_what_was_asked_for() {
    let issuer = Issuer::new();
    let validator = issuer.validator(AUDIENCE).build().unwrap();
    let mint = || issuer.mint().scope("a b").subject("bob").claim("x", json!({"y": 1}));
    for algorithm in Algorithm::ALL {
        let token = bearer(&validator, &mint().algorithm(*algorithm).sign()).await.unwrap();
        assert_eq!((token.subject(), token.scopes().len()), ("bob", 2));
        assert_eq!(token.claims::<Value>().unwrap()["x"]["y"], 1);
        assert_eq!(token.expires_at(), START + 300);
    }
    for (mint, why) in [
        (mint().expired(), "expired"),
        (mint().without("aud"), "audience"),
        (mint().audience("https://other.example"), "audience"),
        (mint().header("typ", "JWT"), "token_type"),
        (mint().without_header("typ"), "token_type"),
        (mint().certificate(b"der"), "binding_unsupported"),
        (mint().dpop(&DpopKey::new()), "bound_as_bearer"),
    ] {
        assert_eq!(outcome(&validator, &mint.sign()).await, why);
    }
    let stranger = crate::testing::SigningKey::new(Algorithm::ES256);
    assert_eq!(outcome(&validator, &mint().sign_with(&stranger)).await, "signature");
}

#[tokio::test]
async fn keys_rotate_the_issuer_goes_away_and_the_clock_is_moved_by_hand() {
    let issuer = Issuer::new();
    let validator = issuer.validator(AUDIENCE).await.unwrap();
    assert_eq!(issuer.fetches(), 0);
    let old = issuer.mint().sign();
    assert_eq!(outcome(&validator, &old).await, "accepted");
    assert_eq!(issuer.fetches(), 1);
    issuer.rotate();
    assert_eq!(outcome(&validator, &issuer.mint().sign()).await, "accepted");
    assert_eq!(outcome(&validator, &old).await, "key_unknown");
    issuer.rotate();
    issuer.outage(true);
    issuer.advance(COOLDOWN_SECS);
    assert_eq!(outcome(&validator, &issuer.mint().sign()).await, "jwks_unreachable");
    issuer.outage(false);
    issuer.advance(COOLDOWN_SECS);
    let token = issuer.mint().sign();
    assert_eq!(outcome(&validator, &token).await, "accepted");
    issuer.advance(330);
    assert_eq!(outcome(&validator, &token).await, "expired");
    assert_eq!(issuer.now(), START + 2 * COOLDOWN_SECS + 330);
}

#[tokio::test]
async fn metadata_lead_to_the_keys_and_nothing_else_is_there() {
    let issuer = Issuer::at("https://login.example.net");
    let clock = issuer.clock().clone();
    let builder = Validator::builder(issuer.url(), "api").clock(move || clock.now());
    let validator = builder.discover_with(issuer.clone()).await.unwrap();
    let token = issuer.mint().audience("api").sign();
    assert_eq!(outcome(&validator, &token).await, "accepted");
    assert_eq!(issuer.fetches(), 2);
    for url in ["https://login.example.net/", "https://auth.example.com/jwks", ""] {
        assert_eq!(issuer.get(url).await, Err(FetchError::Status(404)), "{url}");
    }
    let page = Fetched { body: b"<html>".to_vec(), max_age: None };
    issuer.answer_with(Some(Ok(page.clone())));
    assert_eq!(issuer.get(&issuer.jwks_uri()).await, Ok(page));
    issuer.answer_with(None);
    assert!(issuer.get(&issuer.jwks_uri()).await.is_ok());
}

#[tokio::test]
async fn a_proof_is_made_for_one_request() {
    let issuer = Issuer::new();
    let validator = issuer.validator(AUDIENCE).origin(ORIGIN).build().unwrap();
    let key = issuer.dpop_key();
    let token = issuer.mint().dpop(&key).sign();
    let url = format!("{ORIGIN}/orders");
    let send = async |proof: String| {
        let request = Request::get("/orders")
            .header("authorization", format!("DPoP {token}"))
            .header("dpop", proof);
        let checked = validator.check(&request.body(()).unwrap().into_parts().0).await;
        checked.map_or_else(|refusal| refusal.reason(), |_| "accepted")
    };
    let proof = || key.proof("GET", &url).token(&token);
    let once = proof().sign();
    assert_eq!(send(once.clone()).await, "accepted");
    assert_eq!(send(once).await, "dpop_replayed");
    issuer.advance(200);
    assert_eq!(send(proof().nonce("n").jti("j").sign()).await, "accepted");
    for (proof, why) in [
        (key.proof("GET", &url), "dpop_ath"),
        (key.proof("POST", &url).token(&token), "dpop_htm"),
        (proof().issued_at(START), "dpop_iat"),
        (proof().without("jti"), "dpop_malformed"),
        (proof().without_header("jwk"), "dpop_key"),
        (proof().header("typ", "JWT"), "dpop_type"),
        (DpopKey::new().proof("GET", &url).token(&token), "dpop_other_key"),
    ] {
        assert_eq!(send(proof.sign()).await, why);
    }
}

#[tokio::test]
async fn t15_tokens_and_users_are_revoked_and_the_list_can_fall_silent() {
    let issuer = Issuer::new();
    let list = issuer.revocations();
    let builder = issuer.validator(AUDIENCE).denylist(list.clone(), WhenUnknown::Refuse);
    let validator = builder.build().unwrap();
    let (token, of_bob) = (issuer.mint().claim("jti", "t").sign(), issuer.mint().subject("bob"));
    let of_bob = of_bob.sign();
    assert_eq!(outcome(&validator, &token).await, "accepted");
    list.token("t");
    list.user("bob");
    assert_eq!(outcome(&validator, &token).await, "revoked");
    assert_eq!(outcome(&validator, &of_bob).await, "revoked");
    assert_eq!(outcome(&validator, &issuer.mint().sign()).await, "accepted");
    list.silence(true);
    assert_eq!(outcome(&validator, &issuer.mint().sign()).await, "revocation_unknown");
}

#[tokio::test]
async fn where_keys_are_missing_waiting_for_the_builder_goes_and_finds_them() {
    let refused = Validator::builder("http://auth.example.com", AUDIENCE).await.unwrap_err();
    assert_eq!(refused, crate::discovery::DiscoveryError::InsecureUrl);
}

#[test]
fn t18_no_private_key_shows_in_debug_output() {
    let issuer = Issuer::new();
    let (key, client) = (issuer.key(Algorithm::ES256), issuer.dpop_key());
    let shown = [
        format!("{key:?}"),
        format!("{client:?}"),
        format!("{issuer:?}"),
        format!("{:?}", issuer.mint()),
        format!("{:?}", client.proof("GET", "https://a.example/")),
    ];
    assert_eq!(shown[0], "SigningKey { alg: ES256, .. }");
    assert_eq!(
        shown[1],
        "DpopKey { key: SigningKey { alg: ES256, .. }, clock: Clock(1800000000) }"
    );
    assert_eq!(shown[2], "Issuer { url: \"https://auth.example.com\", .. }");
    assert!(shown[3].starts_with(&format!("Mint {{ issuer: {}, algorithm: ES256,", shown[2])));
    assert!(shown[4].starts_with(&format!("ProofMint {{ key: {}, header:", shown[1])));
}
