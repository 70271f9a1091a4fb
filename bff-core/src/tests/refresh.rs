//! Refreshing tokens: once, whoever asks and whoever goes away.

use futures_util::future::join_all;
use http::Method;

use crate::oidc::mock::{ACCESS_TOKEN, Reply};
use crate::testing::{FRESH_TOKEN, World};

/// What the service was shown.
fn tokens_shown(world: &World) -> Vec<String> {
    let seen = world.service.seen();
    seen.iter().map(|seen| seen.header("authorization").unwrap().to_owned()).collect()
}

#[tokio::test]
async fn c49_c53_two_hundred_calls_with_a_dead_token_cause_one_refresh() {
    let world = World::start().await;
    let browser = world.signed_in().await;
    world.clock.advance(301);
    world.idp.once("/token", world.fresh_tokens());
    let calls = (0..200).map(|_| world.call(&world.app, &browser));
    for answer in join_all(calls).await {
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    assert_eq!(world.refreshes(), 1);
    let refresh = world.idp.seen("/token").pop().unwrap();
    assert_eq!(refresh.param("refresh_token"), Some("canary-refresh-token"));
    let shown = tokens_shown(&world);
    assert_eq!(shown.len(), 200);
    assert!(shown.iter().all(|token| *token == format!("Bearer {FRESH_TOKEN}")));

    // The next one spends the rotated token.
    world.clock.advance(301);
    world.idp.once("/token", world.fresh_tokens());
    assert_eq!(world.call(&world.app, &browser).await.status, 200);
    let refresh = world.idp.seen("/token").pop().unwrap();
    assert_eq!(refresh.param("refresh_token"), Some("canary-refresh-token-2"));
}

#[tokio::test]
async fn c50_a_caller_that_goes_away_leaves_the_new_tokens_behind() {
    let world = World::start().await;
    let browser = world.signed_in().await;
    world.clock.advance(301);
    world.idp.once("/token", world.fresh_tokens());
    world.gate.close();
    let (app, leaving) = (std::sync::Arc::clone(&world.app), browser.clone());
    let call = tokio::spawn(async move {
        leaving.get("/api/orders/1").by_our_page().send(&app).await;
    });
    world.gate.someone_waits().await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    world.gate.open();
    assert!(world.app.shutdown.drained(std::time::Duration::from_secs(5)).await);

    assert!(tokens_shown(&world).is_empty());
    assert_eq!(world.call(&world.app, &browser).await.status, 200);
    assert_eq!(tokens_shown(&world), [format!("Bearer {FRESH_TOKEN}")]);
    assert_eq!(world.refreshes(), 1);
}

#[tokio::test]
async fn c55_only_invalid_grant_ends_a_session() {
    for (reply, ends) in [
        (Reply::error(400, "invalid_grant"), true),
        (Reply::error(401, "invalid_client"), false),
        (Reply::error(400, "invalid_scope"), false),
        (Reply::error(429, "slow_down"), false),
        (Reply::error(500, "invalid_grant"), false),
        (Reply::text(502, "text/html", "<html>invalid_grant</html>"), false),
    ] {
        let world = World::start().await;
        let browser = world.signed_in().await;
        world.clock.advance(301);
        world.idp.once("/token", reply.clone());
        let answer = world.call(&world.app, &browser).await;
        let expected = if ends { (401, "unauthenticated") } else { (503, "idp_unavailable") };
        assert_eq!((answer.status, &*answer.code()), expected, "{reply:?}");
        assert_eq!(answer.header("retry-after").is_some(), !ends);
        assert_eq!(world.is_signed_in(&browser).await, !ends, "{reply:?}");
        assert!(browser.session().is_some() && world.service.seen().is_empty());
        if !ends {
            // The IdP is left alone for a second.
            assert_eq!(world.call(&world.app, &browser).await.status, 503);
            assert_eq!(world.refreshes(), 1);
            world.clock.advance(1);
            world.idp.once("/token", world.fresh_tokens());
            assert_eq!(world.call(&world.app, &browser).await.status, 200, "{reply:?}");
        }
    }
}

#[tokio::test]
async fn c55_c81_a_token_that_still_lives_is_served_while_the_idp_is_away() {
    let world = World::start().await;
    let browser = world.signed_in().await;
    world.idp.always("/token", Reply::text(503, "text/html", ""));
    // Due for renewal, then dying, never dead.
    for seconds in [280, 19] {
        world.clock.advance(seconds);
        assert_eq!(world.call(&world.app, &browser).await.status, 200);
        assert!(world.app.shutdown.drained(std::time::Duration::from_secs(5)).await);
    }
    assert_eq!(tokens_shown(&world), vec![format!("Bearer {ACCESS_TOKEN}"); 2]);
    assert_eq!(world.refreshes(), 2);
    world.clock.advance(1);
    assert_eq!(world.call(&world.app, &browser).await.status, 503);
    assert!(world.is_signed_in(&browser).await);
}

#[tokio::test]
async fn a_token_that_nears_its_end_is_renewed_without_anybody_waiting() {
    let world = World::start().await;
    let browser = world.signed_in().await;
    world.clock.advance(280);
    world.idp.once("/token", world.fresh_tokens());
    world.gate.close();
    assert_eq!(world.call(&world.app, &browser).await.status, 200);
    world.gate.someone_waits().await;
    world.gate.open();
    assert!(world.app.shutdown.drained(std::time::Duration::from_secs(5)).await);
    assert_eq!(world.call(&world.app, &browser).await.status, 200);
    let expected = [format!("Bearer {ACCESS_TOKEN}"), format!("Bearer {FRESH_TOKEN}")];
    assert_eq!(tokens_shown(&world), expected);
}

#[tokio::test]
async fn c57_without_a_new_refresh_token_the_old_one_stays() {
    let world = World::start().await;
    let browser = world.signed_in().await;
    let body = serde_json::json!({
        "access_token": FRESH_TOKEN, "token_type": "Bearer", "expires_in": 300,
    });
    for _ in 0..2 {
        world.clock.advance(301);
        world.idp.once("/token", Reply::json(200, body.clone()));
        assert_eq!(world.call(&world.app, &browser).await.status, 200);
        let refresh = world.idp.seen("/token").pop().unwrap();
        assert_eq!(refresh.param("refresh_token"), Some("canary-refresh-token"));
    }
}

#[tokio::test]
async fn t16_a_role_that_was_taken_away_is_gone_after_the_refresh() {
    let world = World::start().await;
    let browser = crate::testing::Browser::new();
    let login = world.begin(&browser, "/auth/login").await;
    let roles = serde_json::json!({ "roles": ["ADMIN"] });
    world.finish_as(&browser, &login, &roles).await;
    let admin = || browser.ask(Method::GET, "/api/admin").by_our_page().send(&world.app);
    assert_eq!(admin().await.status, 200);
    world.clock.advance(301);
    let now = world.app.now();
    let claims = serde_json::json!({ "roles": [], "iat": now, "exp": now + 300 });
    let id_token = world.idp.id_token("", &claims);
    let tokens = crate::oidc::mock::tokens("Bearer", &id_token);
    world.idp.once("/token", Reply::json(200, tokens));
    assert_eq!(world.call(&world.app, &browser).await.status, 200);
    assert_eq!(admin().await.status, 403);
    assert_eq!(world.session_of(&browser).await["user"]["roles"], serde_json::json!([]));
}

#[tokio::test]
async fn tokens_that_the_session_cannot_hold_end_it_and_are_revoked() {
    let world = World::start().await;
    let browser = world.signed_in().await;
    world.clock.advance(301);
    let mut body = crate::oidc::mock::tokens("Bearer", "");
    body.as_object_mut().unwrap().remove("id_token");
    body["scope"] = "x".repeat(70_000).into();
    body["refresh_token"] = "canary-refresh-token-2".into();
    world.idp.once("/token", Reply::json(200, body));
    let answer = world.call(&world.app, &browser).await;
    assert_eq!((answer.status, &*answer.code()), (401, "unauthenticated"));
    assert!(!world.is_signed_in(&browser).await);
    assert!(world.app.shutdown.drained(std::time::Duration::from_secs(5)).await);
    let revoked = world.idp.seen("/revoke");
    assert_eq!(revoked.first().unwrap().param("token"), Some("canary-refresh-token-2"));
}

#[tokio::test]
async fn an_explicit_refresh_needs_the_header_and_renews_what_is_due() {
    let world = World::start().await;
    let browser = world.signed_in().await;
    let token = world.csrf(&browser).await;
    let bare = browser.post("/api/auth/refresh").by_our_page().send(&world.app).await;
    assert_eq!((bare.status, &*bare.code()), (403, "csrf_header_missing"));
    let ask = || browser.post("/api/auth/refresh").with_csrf(&token).send(&world.app);
    assert_eq!(ask().await.json()["authenticated"], true);
    assert_eq!(world.refreshes(), 0);
    world.clock.advance(301);
    world.idp.once("/token", world.fresh_tokens());
    assert_eq!(ask().await.json()["authenticated"], true);
    assert_eq!(world.refreshes(), 1);
}
