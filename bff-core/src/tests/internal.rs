//! What `forwardauth` asks on the admin listener.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use futures_util::future::join_all;
use http::Request;
use http_body_util::BodyExt as _;
use serde_json::json;
use shell::admin::Admin;
use shell::captured::CapturedLog;
use tower::ServiceExt as _;

use super::tenants::{A, B, Tenants};
use crate::admin;
use crate::app::App;
use crate::oidc::mock::{ACCESS_TOKEN, NOW, Reply};
use crate::testing::{Answer, Browser, FRESH_TOKEN, World};

const TOKEN: &str = "canary-internal-token-of-32-chars";
const BEARER: &str = "Bearer canary-internal-token-of-32-chars";

async fn world(more: &[(&str, &str)]) -> World {
    World::with(&[&[("BFF_INTERNAL_TOKEN", TOKEN)], more].concat()).await
}

async fn send(app: &Arc<App>, authorization: &[&str], body: impl Into<Body>) -> Answer {
    let mut request = Request::post("/internal/refresh");
    for value in authorization {
        request = request.header("authorization", *value);
    }
    let router = admin::router(app, Admin { metrics: None, shutdown: app.shutdown.clone() });
    let response = router.oneshot(request.body(body.into()).unwrap()).await.unwrap();
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let body = String::from_utf8(body.to_vec()).unwrap();
    Answer { status: head.status.as_u16(), headers: head.headers, body }
}

async fn ask(app: &Arc<App>, browser: &Browser, wait: bool) -> Answer {
    let body = json!({ "session": browser.session().unwrap(), "wait": wait, "later": [1] });
    send(app, &[BEARER], body.to_string()).await
}

#[tokio::test]
async fn without_a_credential_of_its_own_the_endpoint_does_not_exist() {
    let world = World::start().await;
    let browser = world.signed_in().await;
    assert_eq!(ask(&world.app, &browser, true).await.status, 404);
    // Nor does it for browsers, ever.
    let world = self::world(&[]).await;
    let browser = world.signed_in().await;
    let asked = browser.post("/internal/refresh").header("authorization", BEARER);
    assert_eq!(asked.send(&world.app).await.status, 404);
}

#[tokio::test]
async fn t12_only_the_one_credential_opens_it() {
    let world = world(&[]).await;
    let browser = world.signed_in().await;
    let body = json!({ "session": browser.session().unwrap(), "wait": true }).to_string();
    for wrong in [
        &[][..],
        &[""],
        &["Bearer"],
        &["Bearer "],
        &["Bearer canary-internal-token-of-32-char"],
        &["Bearer canary-internal-token-of-32-charss"],
        &["Basic canary-internal-token-of-32-chars"],
        &["canary-internal-token-of-32-chars"],
        &[BEARER, BEARER],
        &[BEARER, "Bearer other"],
    ] {
        let answer = send(&world.app, wrong, body.clone()).await;
        assert_eq!((answer.status, &*answer.code()), (401, "internal_token"), "{wrong:?}");
        assert!(answer.header("www-authenticate").unwrap().starts_with("Bearer "));
        // Who may not ask is not even told what is wrong with the question.
        assert_eq!(send(&world.app, wrong, "no json").await.status, 401);
    }
    let lower = format!("bearer {TOKEN}");
    assert_eq!(send(&world.app, &[&lower], body).await.status, 200);
}

#[tokio::test]
async fn t17_a_question_that_is_none_is_400() {
    let world = world(&[]).await;
    let id = "A".repeat(43);
    for body in [
        String::new(),
        "no json".to_owned(),
        "{}".to_owned(),
        json!({ "session": "canary", "wait": true }).to_string(),
        json!([id, true]).to_string(),
        json!({ "session": id, "wait": "yes" }).to_string(),
        json!({ "session": id, "padding": "x".repeat(4_096) }).to_string(),
    ] {
        let answer = send(&world.app, &[BEARER], body).await;
        assert_eq!((answer.status, &*answer.code()), (400, "bad_request"), "{answer:?}");
        assert!(!answer.body.contains("canary"));
    }
}

#[tokio::test]
async fn a_living_token_is_given_as_it_is() {
    let world = world(&[]).await;
    let browser = world.signed_in().await;
    let answer = ask(&world.app, &browser, true).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let expected =
        json!({ "access_token": ACCESS_TOKEN, "token_type": "Bearer", "expires_at": NOW + 300 });
    assert_eq!(answer.json(), expected);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(world.refreshes(), 0);
}

#[tokio::test]
async fn c49_who_waits_for_a_dead_token_gets_the_fresh_one_and_one_is_spent() {
    let world = world(&[]).await;
    let browser = world.signed_in().await;
    world.clock.advance(301);
    world.idp.once("/token", world.fresh_tokens());
    for answer in join_all((0..50).map(|_| ask(&world.app, &browser, true))).await {
        assert_eq!((answer.status, &answer.json()["access_token"]), (200, &json!(FRESH_TOKEN)));
        assert_eq!(answer.json()["expires_at"], NOW + 601);
    }
    assert_eq!(world.refreshes(), 1);
}

#[tokio::test]
async fn c54_a_nudge_begins_what_is_due_and_waits_for_nothing() {
    let world = world(&[]).await;
    let browser = world.signed_in().await;
    assert_eq!(ask(&world.app, &browser, false).await.status, 202);
    assert!(world.app.shutdown.drained(Duration::from_secs(5)).await);
    assert_eq!(world.refreshes(), 0, "not due");

    world.clock.advance(280);
    world.idp.once("/token", world.fresh_tokens());
    world.gate.close();
    assert_eq!(ask(&world.app, &browser, false).await.status, 202);
    world.gate.someone_waits().await;
    world.gate.open();
    assert!(world.app.shutdown.drained(Duration::from_secs(5)).await);
    let given = ask(&world.app, &browser, true).await;
    assert_eq!(given.json()["access_token"], FRESH_TOKEN);
    assert_eq!(world.refreshes(), 1);
}

#[tokio::test]
async fn c41_asking_keeps_no_session_alive() {
    let world = world(&[("SESSION_IDLE_TTL", "200")]).await;
    let browser = world.signed_in().await;
    world.clock.advance(190);
    assert_eq!(ask(&world.app, &browser, true).await.status, 200);
    assert_eq!(ask(&world.app, &browser, false).await.status, 202);
    assert!(world.app.shutdown.drained(Duration::from_secs(5)).await);
    world.clock.advance(10);
    let answer = ask(&world.app, &browser, true).await;
    assert_eq!((answer.status, &*answer.code()), (401, "session_ended"));
}

#[tokio::test]
async fn t12_a_bound_token_is_never_given_out() {
    let world = world(&[("OIDC_DPOP", "required")]).await;
    let browser = world.signed_in().await;
    let answer = ask(&world.app, &browser, true).await;
    assert_eq!((answer.status, &*answer.code()), (409, "token_bound"));
    assert!(!answer.body.contains("canary"), "{answer:?}");
    assert_eq!(ask(&world.app, &browser, false).await.status, 202);
}

#[tokio::test]
async fn c44_a_session_that_ended_has_no_token() {
    let world = world(&[]).await;
    let browser = world.signed_in().await;
    let stolen = browser.stolen();
    let csrf = world.csrf(&browser).await;
    let out = browser.post("/auth/logout").with_csrf(&csrf).send(&world.app).await;
    assert_eq!(out.status, 200, "{out:?}");
    for wait in [true, false] {
        let answer = ask(&world.app, &stolen, wait).await;
        assert_eq!((answer.status, &*answer.code()), (401, "session_ended"));
        assert!(answer.json().get("login_url").is_none());
    }
    // One whose refresh token is dead has ended, too.
    let browser = world.signed_in().await;
    world.clock.advance(301);
    world.idp.once("/token", Reply::error(400, "invalid_grant"));
    let answer = ask(&world.app, &browser, true).await;
    assert_eq!((answer.status, &*answer.code()), (401, "session_ended"));
}

#[tokio::test]
async fn c80_what_is_away_is_503_and_ends_nothing() {
    let world = world(&[]).await;
    let browser = world.signed_in().await;
    let lost = world.replica_without_store().await;
    for wait in [true, false] {
        let answer = ask(&lost, &browser, wait).await;
        assert_eq!((answer.status, &*answer.code()), (503, "store_unavailable"));
        assert_eq!(answer.header("retry-after"), Some("1"));
    }
    world.clock.advance(301);
    world.idp.always("/token", Reply::text(502, "text/html", ""));
    let answer = ask(&world.app, &browser, true).await;
    assert_eq!((answer.status, &*answer.code()), (503, "idp_unavailable"));
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert!(world.is_signed_in(&browser).await);
}

#[tokio::test]
async fn c79_it_needs_no_host_and_asks_the_sessions_tenants_own_client() {
    let tenants = Tenants::start(&[("BFF_INTERNAL_TOKEN", TOKEN)]).await;
    let world = &tenants.world;
    for (host, client) in [(A, "client-a"), (B, "client-b")] {
        let browser = tenants.signed_in(host, client).await;
        world.clock.advance(301);
        world.idp.once("/token", world.fresh_tokens());
        let answer = ask(&world.app, &browser, true).await;
        assert_eq!(answer.json()["access_token"], FRESH_TOKEN, "{answer:?}");
        assert_eq!(world.idp.seen("/token").pop().unwrap().param("client_id"), Some(client));
    }
}

#[tokio::test]
async fn t18_c83_no_cookie_token_or_credential_is_logged() {
    let log = CapturedLog::default();
    let world = world(&[]).await;
    let browser = world.signed_in().await;
    let cookie = browser.session().unwrap();
    // For the thread: a logout is a task of its own.
    let listening = tracing::subscriber::set_default(log.subscriber("trace"));
    for wait in [true, false] {
        ask(&world.app, &browser, wait).await;
    }
    send(&world.app, &["Bearer canary-wrong"], "canary-body").await;
    send(&world.app, &[BEARER], "canary-body").await;
    let csrf = world.csrf(&browser).await;
    let leaving = browser.stolen();
    leaving.post("/auth/logout").with_csrf(&csrf).send(&world.app).await;
    ask(&world.app, &browser, true).await;
    drop(listening);
    let log = log.text();
    for expected in ["internal_token", "bad_request", "session_ended"] {
        assert!(log.contains(expected), "{expected}\n{log}");
    }
    assert!(!log.contains("canary") && !log.contains(&cookie), "{log}");
}
