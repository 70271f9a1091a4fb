use serde_json::json;

use super::{builder, validator};
use crate::access_token::Token;
use crate::algorithm::Algorithm;
use crate::credentials::Incoming;
use crate::refusal::Refusal;
use crate::testkit::client::{Client, ORIGIN};
use crate::testkit::{NOW, Signer, encode, key_set};
use crate::validator::Validator;

async fn send(
    validator: &Validator,
    scheme: &str,
    token: &str,
    proofs: &[&str],
) -> Result<Token, Refusal> {
    let value = format!("{scheme} {token}");
    let authorization = [value.as_bytes()];
    let proofs: Vec<&[u8]> = proofs.iter().map(|proof| proof.as_bytes()).collect();
    let incoming = Incoming { dpop: &proofs, ..Incoming::new("GET", "/orders", &authorization) };
    validator.check_incoming(&incoming).await
}

fn told(outcome: Result<Token, Refusal>) -> (u16, &'static str) {
    let refusal = outcome.unwrap_err();
    (refusal.status(), refusal.reason())
}

#[tokio::test]
async fn a_bound_token_is_accepted_with_its_proof_whatever_the_case_of_the_scheme() {
    let client = Client::new();
    for scheme in ["DPoP", "dpop", "DPOP"] {
        let proof = client.proof(json!({}));
        let token = send(&client.validator(), scheme, &client.token, &[&proof]).await.unwrap();
        assert_eq!(token.jkt(), Some(client.jkt.as_str()));
    }
}

#[tokio::test]
async fn t12_a_bound_token_sent_as_bearer_is_refused() {
    let client = Client::new();
    let proof = client.proof(json!({}));
    let with_dpop = client.validator();
    let without = validator(&client.issuer);
    for proofs in [&[][..], &[proof.as_str()]] {
        let expected = (401, "bound_as_bearer");
        assert_eq!(told(send(&with_dpop, "Bearer", &client.token, proofs).await), expected);
        assert_eq!(told(send(&without, "Bearer", &client.token, proofs).await), expected);
    }
    let outcome = send(&without, "DPoP", &client.token, &[&proof]).await;
    assert_eq!(told(outcome), (401, "binding_unsupported"));
}

#[tokio::test]
async fn t19_a_proof_that_is_absent_doubled_stolen_or_replayed_is_refused() {
    let client = Client::new();
    let validator = client.validator();
    let proof = client.proof(json!({}));
    let thief = client.proof_by(&Signer::new(Algorithm::ES256), json!({}));
    let elsewhere = client.proof(json!({"htu": format!("{ORIGIN}/admin")}));
    let other_method = client.proof(json!({"htm": "DELETE"}));
    let other_token = client.proof(json!({"ath": encode(&[0; 32])}));
    let old = client.proof(json!({"iat": NOW - 3_600}));
    for (proofs, why) in [
        (&[][..], "dpop_missing"),
        (&[proof.as_str(), proof.as_str()], "dpop_doubled"),
        (&[thief.as_str()], "dpop_other_key"),
        (&[elsewhere.as_str()], "dpop_htu"),
        (&[other_method.as_str()], "dpop_htm"),
        (&[other_token.as_str()], "dpop_ath"),
        (&[old.as_str()], "dpop_iat"),
        (&["x"], "dpop_malformed"),
    ] {
        let refusal = send(&validator, "DPoP", &client.token, proofs).await.unwrap_err();
        assert_eq!((refusal.status(), refusal.reason()), (401, why));
        assert!(refusal.challenges().iter().any(|c| c.contains("error=\"invalid_dpop_proof\"")));
    }
    assert!(send(&validator, "DPoP", &client.token, &[&proof]).await.is_ok());
    let again = send(&validator, "DPoP", &client.token, &[&proof]).await;
    assert_eq!(told(again), (401, "dpop_replayed"));
    let clone = validator.clone();
    let again = send(&clone, "DPoP", &client.token, &[&proof]).await;
    assert_eq!(told(again), (401, "dpop_replayed"), "clones share what they remember");
}

#[tokio::test]
async fn a_proof_that_was_refused_is_not_used_up() {
    let client = Client::new();
    let validator = client.validator();
    let proof = client.proof(json!({}));
    let wrong_token = client.issuer.access_token("k", json!({"cnf": {"jkt": "other"}}));
    assert!(send(&validator, "DPoP", &wrong_token, &[&proof]).await.is_err());
    assert!(send(&validator, "DPoP", &client.token, &[&proof]).await.is_ok());
}

#[tokio::test]
async fn t12_a_token_that_is_not_bound_needs_the_bearer_scheme() {
    let client = Client::new();
    let unbound = client.issuer.access_token("k", json!({}));
    let proof = client.proof(json!({}));
    let validator = client.validator();
    assert!(send(&validator, "Bearer", &unbound, &[]).await.is_ok());
    let outcome = send(&validator, "DPoP", &unbound, &[&proof]).await;
    assert_eq!(told(outcome), (401, "not_bound"));

    let keys = key_set(&[client.issuer.jwk("k")]);
    let strict = builder().origin(ORIGIN).require_dpop().with_keys(keys).unwrap();
    let refusal = send(&strict, "Bearer", &unbound, &[]).await.unwrap_err();
    assert_eq!((refusal.status(), refusal.reason()), (401, "not_bound"));
    assert!(refusal.challenges().iter().all(|challenge| challenge.starts_with("DPoP ")));
    assert!(send(&strict, "DPoP", &client.token, &[&proof]).await.is_ok());
}

#[tokio::test]
async fn a_path_cannot_change_the_origin_a_proof_is_for() {
    let client = Client::new();
    let authorization = format!("DPoP {}", client.token);
    let proof = client.proof(json!({"htu": "https://api.example.com.evil.example/"}));
    let authorization = [authorization.as_bytes()];
    let incoming = Incoming {
        dpop: &[proof.as_bytes()],
        ..Incoming::new("GET", ".evil.example/", &authorization)
    };
    let outcome = client.validator().check_incoming(&incoming).await;
    assert_eq!(told(outcome), (401, "dpop_htu"));
}

#[tokio::test]
async fn a_proof_is_for_the_path_that_the_client_sent_and_not_for_what_an_edge_left_of_it() {
    let client = Client::new();
    let keys = key_set(&[client.issuer.jwk("k")]);
    let behind = builder().origin(ORIGIN).path_prefix("/api").with_keys(keys).unwrap();
    let sent = client.proof(json!({"htu": format!("{ORIGIN}/api/orders")}));
    let seen = client.proof(json!({"htu": format!("{ORIGIN}/orders"), "jti": "p2"}));
    assert!(send(&behind, "DPoP", &client.token, &[&sent]).await.is_ok());
    assert_eq!(told(send(&behind, "DPoP", &client.token, &[&seen]).await), (401, "dpop_htu"));
}

#[tokio::test]
async fn a_full_replay_store_is_an_outage_and_not_the_senders_fault() {
    let client = Client::new();
    let keys = key_set(&[client.issuer.jwk("k")]);
    let full = builder().origin(ORIGIN).replay_capacity(0).with_keys(keys).unwrap();
    let outcome = send(&full, "DPoP", &client.token, &[&client.proof(json!({}))]).await;
    assert_eq!(told(outcome), (503, "replay_store_full"));
}

#[cfg(feature = "http")]
#[tokio::test]
async fn a_request_of_the_http_crate_is_read() {
    let client = Client::new();
    let proof = client.proof(json!({}));
    let request = |proofs: usize| {
        let mut request = http::Request::get("/orders?page=2")
            .header("authorization", format!("DPoP {}", client.token));
        for _ in 0..proofs {
            request = request.header("dpop", &proof);
        }
        request.body(()).unwrap().into_parts().0
    };
    let validator = client.validator();
    assert_eq!(told(validator.check(&request(0)).await), (401, "dpop_missing"));
    assert_eq!(told(validator.check(&request(2)).await), (401, "dpop_doubled"));
    assert_eq!(validator.check(&request(1)).await.unwrap().subject(), "alice");
}

#[tokio::test]
async fn t19_where_nonces_are_demanded_a_client_is_told_which_and_when_it_ends() {
    use crate::dpop::nonce::{Nonces, SPAN_SECS};

    let client = Client::new();
    let keys = key_set(&[client.issuer.jwk("k")]);
    let validator =
        builder().origin(ORIGIN).dpop_nonces(Nonces::shared(&[7; 32])).with_keys(keys).unwrap();
    let nonces = Nonces::shared(&[7; 32]);
    let ours = nonces.current(NOW);
    for (jti, nonce) in [("a", json!(null)), ("b", json!("made up")), ("c", json!(""))] {
        let proof = client.proof(json!({"jti": jti, "nonce": nonce}));
        let refusal = send(&validator, "DPoP", &client.token, &[&proof]).await.unwrap_err();
        assert_eq!((refusal.status(), refusal.code()), (401, "use_dpop_nonce"));
        assert_eq!(refusal.dpop_nonce(), Some(ours.as_str()));
        assert!(refusal.challenges()[1].starts_with("DPoP error=\"use_dpop_nonce\", algs="));
    }
    let proof = client.proof(json!({"jti": "d", "nonce": ours}));
    let token = send(&validator, "DPoP", &client.token, &[&proof]).await.unwrap();
    assert_eq!(token.next_nonce(), None);
    let ending = nonces.current(NOW - SPAN_SECS);
    let proof = client.proof(json!({"jti": "e", "nonce": ending}));
    let token = send(&validator, "DPoP", &client.token, &[&proof]).await.unwrap();
    assert_eq!(token.next_nonce(), Some(ours.as_str()));
    // Another fault of the proof is not cured by a nonce.
    let proof = client.proof(json!({"jti": "f", "htm": "POST"}));
    let refusal = send(&validator, "DPoP", &client.token, &[&proof]).await.unwrap_err();
    assert_eq!((refusal.reason(), refusal.dpop_nonce()), ("dpop_htm", None));
}

#[tokio::test]
async fn t19_replicas_that_share_a_memory_take_a_proof_once_between_them() {
    use std::collections::HashSet;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use crate::dpop::replay::{Entering, ProofName, ReplayError, SharedReplay};

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<HashSet<ProofName>>>, bool);
    impl SharedReplay for Shared {
        fn enter(&self, name: ProofName, _: Duration) -> Entering<'_> {
            let entered = if self.1 {
                Err(ReplayError::Away)
            } else if self.0.lock().unwrap().insert(name) {
                Ok(())
            } else {
                Err(ReplayError::Replayed)
            };
            Box::pin(std::future::ready(entered))
        }
    }

    let client = Client::new();
    let shared = Shared::default();
    let replica = |memory| {
        let keys = key_set(&[client.issuer.jwk("k")]);
        builder().origin(ORIGIN).shared_replay(memory).with_keys(keys).unwrap()
    };
    let proof = client.proof(json!({}));
    assert!(send(&replica(shared.clone()), "DPoP", &client.token, &[&proof]).await.is_ok());
    let again = send(&replica(shared.clone()), "DPoP", &client.token, &[&proof]).await;
    assert_eq!(told(again), (401, "dpop_replayed"));
    let away = send(&replica(Shared(shared.0, true)), "DPoP", &client.token, &[&proof]).await;
    assert_eq!(told(away), (503, "replay_store_away"));
}
