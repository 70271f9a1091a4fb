//! What an issuer may send to `/auth/backchannel-logout`, and what it is answered.

use serde_json::{Value, json};
use session::faulty::Fault;

use crate::oidc::mock::{NOW, Reply, decode};
use crate::testing::{Answer, Browser, World};

/// Sends a form as an issuer does: no cookie, no origin.
async fn post(world: &World, form: &str) -> Answer {
    let ask = Browser::new().post("/auth/backchannel-logout").form(form.to_owned());
    ask.send(&world.app).await
}

async fn send(world: &World, token: &str) -> Answer {
    post(world, &format!("logout_token={token}")).await
}

async fn send_with(world: &World, changes: Value) -> Answer {
    send(world, &world.idp.logout_token(world.app.now(), &changes)).await
}

fn assert_done(answer: &Answer) {
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")));
    assert!(answer.cookies().is_empty());
}

/// Refused as section 2.8 has it, and nobody was logged out.
async fn assert_refused(world: &World, browser: &Browser, answer: Answer) {
    assert_eq!((answer.status, answer.header("cache-control")), (400, Some("no-store")));
    assert_eq!(answer.json(), json!({ "error": "invalid_request" }));
    assert!(world.is_signed_in(browser).await);
}

#[tokio::test]
async fn c75_a_good_token_ends_the_session_everywhere() {
    let world = World::start().await;
    let (browser, other) = (world.signed_in().await, world.replica());
    assert_done(&send_with(&world, json!({})).await);
    assert!(!world.is_signed_in(&browser).await);
    assert_eq!(world.call(&other, &browser).await.status, 401);
}

#[tokio::test]
async fn c75_an_unknown_session_is_a_success() {
    let world = World::start().await;
    let browser = world.signed_in().await;
    assert_done(&send_with(&world, json!({ "sid": "never-seen", "sub": null })).await);
    assert!(world.is_signed_in(&browser).await);
}

#[tokio::test]
async fn c75_other_fields_are_ignored() {
    let world = World::start().await;
    let browser = world.signed_in().await;
    let token = world.idp.logout_token(NOW, &json!({}));
    let form = format!("sid=x&logout_token={token}&logout_token_hint=y&sid=z");
    assert_done(&post(&world, &form).await);
    assert!(!world.is_signed_in(&browser).await);
}

#[tokio::test]
async fn c75_what_is_wrong_is_400_and_ends_nothing() {
    let world = World::start().await;
    let browser = world.signed_in().await;
    for changes in [
        json!({ "iss": "https://evil.example" }),
        json!({ "aud": "other" }),
        json!({ "exp": null }),
        json!({ "jti": null }),
        json!({ "events": {} }),
        json!({ "nonce": "n" }),
        json!({ "sub": null, "sid": null }),
    ] {
        let answer = send_with(&world, changes).await;
        assert_refused(&world, &browser, answer).await;
    }
    for junk in ["", "x", "a.b.c", "%00", "eyJ9.e30.", "..", "a.e30.c"] {
        let answer = send(&world, junk).await;
        assert_refused(&world, &browser, answer).await;
    }
    let empty = post(&world, "").await;
    assert_refused(&world, &browser, empty).await;
}

#[tokio::test]
async fn t19_a_token_that_is_sent_twice_in_one_form_is_refused() {
    let world = World::start().await;
    let browser = world.signed_in().await;
    let token = world.idp.logout_token(NOW, &json!({}));
    let answer = post(&world, &format!("logout_token={token}&logout_token={token}")).await;
    assert_refused(&world, &browser, answer).await;
}

#[tokio::test]
async fn c75_a_token_in_the_query_or_as_json_is_refused() {
    let world = World::start().await;
    let browser = world.signed_in().await;
    let token = world.idp.logout_token(NOW, &json!({}));
    let query = format!("/auth/backchannel-logout?logout_token={token}");
    let answer = Browser::new().post(&query).form("").send(&world.app).await;
    assert_refused(&world, &browser, answer).await;
    let json = Browser::new().post("/auth/backchannel-logout");
    let json = json.form(format!("logout_token={token}")).instead("content-type", "text/plain");
    let answer = json.send(&world.app).await;
    assert_refused(&world, &browser, answer).await;
    let get = Browser::new().get(&query).send(&world.app).await;
    assert_eq!(get.status, 405);
}

#[tokio::test]
async fn c78_an_oversized_body_is_refused() {
    let world = World::start().await;
    let browser = world.signed_in().await;
    let token = world.idp.logout_token(NOW, &json!({}));
    let form = format!("logout_token={token}&padding={}", "x".repeat(16 * 1024));
    let answer = post(&world, &form).await;
    assert_refused(&world, &browser, answer).await;
}

#[tokio::test]
async fn c78_junk_that_names_no_issuer_of_ours_calls_nobody() {
    let world = World::start().await;
    let away = world.replica();
    let before = world.idp.seen("/jwks").len();
    for changes in [json!({ "iss": "https://evil.example" }), json!({ "aud": "other" })] {
        let token = world.idp.logout_token(NOW, &changes);
        let form = Browser::new().post("/auth/backchannel-logout");
        let answer = form.form(format!("logout_token={token}")).send(&away).await;
        assert_eq!(answer.status, 400);
    }
    assert_eq!(world.idp.seen("/jwks").len(), before);
    assert!(world.idp.seen("/.well-known/openid-configuration").is_empty());
}

#[tokio::test]
async fn c77_an_id_token_of_the_session_logs_nobody_out() {
    let world = World::start().await;
    let browser = world.signed_in().await;
    let id_token = world.idp.id_token("nonce", &json!({}));
    let answer = send(&world, &id_token).await;
    assert_refused(&world, &browser, answer).await;
    let (_, claims) = decode(&id_token);
    let untyped = world.idp.sign(&json!({ "alg": "ES256", "kid": "k1" }), &claims);
    let answer = send(&world, &untyped).await;
    assert_refused(&world, &browser, answer).await;
}

#[tokio::test]
async fn c77_typ_can_be_required() {
    let world = World::with(&[("OIDC_LOGOUT_TOKEN_TYP", "required")]).await;
    let browser = world.signed_in().await;
    let claims = world.idp.logout_claims(NOW, &json!({}));
    let untyped = world.idp.sign(&json!({ "alg": "ES256", "kid": "k1" }), &claims);
    let answer = send(&world, &untyped).await;
    assert_refused(&world, &browser, answer).await;
    assert_done(&send_with(&world, json!({})).await);
    assert!(!world.is_signed_in(&browser).await);
}

#[tokio::test]
async fn c76_a_replayed_token_does_nothing_a_second_time() {
    let world = World::start().await;
    world.signed_in().await;
    let token = world.idp.logout_token(NOW, &json!({}));
    assert_done(&send(&world, &token).await);
    // The user comes back with the same session at the IdP.
    world.clock.advance(1);
    let browser = world.signed_in().await;
    for app in [&world.app, &world.replica()] {
        let form = Browser::new().post("/auth/backchannel-logout");
        assert_done(&form.form(format!("logout_token={token}")).send(app).await);
        assert!(world.is_signed_in(&browser).await);
    }
    assert_done(&send_with(&world, json!({ "jti": "jti-2" })).await);
    assert!(!world.is_signed_in(&browser).await);
}

#[tokio::test]
async fn c80_without_the_store_the_issuer_is_to_come_again() {
    let world = World::start().await;
    let browser = world.signed_in().await;
    let away = world.replica_without_store().await;
    let token = world.idp.logout_token(NOW, &json!({}));
    let form =
        Browser::new().post("/auth/backchannel-logout").form(format!("logout_token={token}"));
    let answer = form.send(&away).await;
    assert_eq!((answer.status, &*answer.code()), (503, "store_unavailable"));
    assert!(answer.header("retry-after").is_some());
    assert!(world.is_signed_in(&browser).await);
    // It does, and is not taken for a replay.
    assert_done(&send(&world, &token).await);
    assert!(!world.is_signed_in(&browser).await);
}

#[tokio::test]
async fn c81_without_the_issuers_keys_it_is_to_come_again() {
    let world = World::start().await;
    world.idp.always("/jwks", Reply::text(503, "text/plain", ""));
    let answer = send_with(&world, json!({})).await;
    assert_eq!((answer.status, &*answer.code()), (503, "idp_unavailable"));
}

#[tokio::test]
async fn t15_a_logout_that_failed_half_way_is_no_replay_when_it_comes_again() {
    for call in ["note", "put_tombstone", "index_list", "load", "take", "put_note"] {
        let world = World::start().await;
        let (first, second) = (world.signed_in().await, world.signed_in().await);
        let store = world.faulty();
        let app = world.another().over(&store).start();
        let token = world.idp.logout_token(NOW, &json!({}));
        let form = || Browser::new().post("/auth/backchannel-logout");
        for fault in [Fault::Away, Fault::AnswerLost] {
            store.fail(call, fault, 1);
            let answer = form().form(format!("logout_token={token}")).send(&app).await;
            assert_eq!(answer.status, 503, "{call} {fault:?}");
        }
        assert_done(&form().form(format!("logout_token={token}")).send(&app).await);
        assert!(!world.is_signed_in(&first).await && !world.is_signed_in(&second).await, "{call}");
    }
}
