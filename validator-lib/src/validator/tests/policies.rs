//! What a service may ask of a good token, and the challenge where it is not met.

use serde_json::{Value, json};

use super::{bearer, validator};
use crate::algorithm::Algorithm;
use crate::policy::Policy;
use crate::testkit::{NOW, Signer};

async fn asked(claims: Value, policy: &Policy) -> Result<(), (u16, &'static str, Vec<String>)> {
    let signer = Signer::new(Algorithm::ES256);
    let token = bearer(&validator(&signer), &signer.access_token("k", claims)).await.unwrap();
    token
        .require(policy)
        .map_err(|refusal| (refusal.status(), refusal.code(), refusal.challenges()))
}

#[tokio::test]
async fn every_part_of_a_policy_has_to_hold() {
    let claims =
        || json!({"scope": "a b", "roles": ["R", "S"], "acr": "mfa", "auth_time": NOW - 100});
    for policy in [
        Policy::new(),
        Policy::all(["a", "b"]),
        Policy::any(["x", "b"]),
        Policy::all(["a"]).and_any(["x", "b"]).and_all(["b"]),
        Policy::new().role("R").any_role(["T", "S"]).all_roles(["R", "S"]),
        Policy::new().acr(["hardware", "mfa"]).max_age(100),
        Policy::all(Vec::<String>::new()),
    ] {
        assert_eq!(asked(claims(), &policy).await, Ok(()), "{policy:?}");
    }
    for (policy, status) in [
        (Policy::all(["a", "x"]), 403),
        (Policy::any(Vec::<String>::new()), 403),
        (Policy::all(["a"]).and_any(["x"]), 403),
        (Policy::new().role("r"), 403),
        (Policy::new().role("R").any_role(Vec::<String>::new()), 403),
        (Policy::new().permission("a"), 403),
        (Policy::new().acr(["hardware"]), 401),
        (Policy::new().max_age(99), 401),
    ] {
        assert_eq!(asked(claims(), &policy).await.unwrap_err().0, status, "{policy:?}");
    }
}

#[tokio::test]
async fn a_step_up_says_what_login_would_do() {
    let policy = Policy::new().acr(["urn:mfa", "urn:hw"]).max_age(60);
    for claims in [
        json!({"acr": "urn:mfa"}),
        json!({"acr": "urn:mfa", "auth_time": NOW - 61}),
        json!({"acr": "urn:pwd", "auth_time": NOW}),
        json!({"auth_time": NOW}),
    ] {
        let expected = "Bearer error=\"insufficient_user_authentication\", \
                        acr_values=\"urn:mfa urn:hw\", max_age=\"60\"";
        assert_eq!(
            asked(claims.clone(), &policy).await,
            Err((401, "insufficient_user_authentication", vec![expected.to_owned()])),
            "{claims}"
        );
    }
}

#[tokio::test]
async fn nobody_is_sent_to_log_in_where_no_login_helps() {
    let policy = Policy::all(["x"]).role("R").max_age(0);
    let (status, code, challenges) = asked(json!({}), &policy).await.unwrap_err();
    assert_eq!((status, code), (403, "insufficient_scope"));
    assert_eq!(challenges, ["Bearer error=\"insufficient_scope\", scope=\"x\""]);
}
