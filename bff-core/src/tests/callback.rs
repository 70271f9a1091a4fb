//! Coming back from the IdP, and every way in which that must lead nowhere.

use serde_json::json;

use crate::oidc::mock::{Reply, tokens};
use crate::testing::{Browser, World};

#[tokio::test]
async fn c03_t14_a_callback_in_another_browser_spends_nothing() {
    let world = World::start().await;
    let (victim, attacker) = (Browser::new(), Browser::new());
    let login = world.begin(&attacker, "/auth/login").await;
    for browser in [&victim, &Browser::new()] {
        let answer = browser.get(&world.callback(&login.state)).send(&world.app).await;
        assert_eq!((answer.status, answer.code()), (400, "login_unknown".to_owned()));
        assert_eq!(browser.session(), None);
    }
    // Another browser's cookie under the right name opens nothing either.
    let own = world.begin(&victim, "/auth/login").await;
    let name = |state: &str| format!("bff_session_login_{}", state.get(..16).unwrap());
    let value = victim.value(&name(&own.state)).unwrap();
    victim.plant(&format!("{}={value}; Path=/auth", name(&login.state)));
    let answer = victim.get(&world.callback(&login.state)).send(&world.app).await;
    assert_eq!((answer.status, answer.code()), (400, "other_browser".to_owned()));
    assert!(world.idp.seen("/token").is_empty());
    assert_eq!(victim.session(), None);
}

#[tokio::test]
async fn c08_c10_c11_answers_that_are_not_ours_spend_no_code() {
    let world = World::start().await;
    let browser = Browser::new();
    let issuer = world.idp.issuer.clone();
    let cases = [
        ("", "neither_code_nor_error"),
        ("code=c&iss=ISS", "state_missing"),
        ("state=&code=c", "state_invalid"),
        ("state=forged&code=c", "state_invalid"),
        ("state=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA&code=c", "state_invalid"),
        ("state=STATE&state=STATE&code=c&iss=ISS", ""),
        ("state=STATE&code=c&code=c&iss=ISS", ""),
        ("state=STATE&code=c&iss=ISS&iss=ISS", ""),
        ("state=STATE&code=c", ""),
        ("state=STATE&code=c&iss=https://evil.test", ""),
        ("state=STATE&code=c&iss=ISS/", ""),
        ("state=STATE&iss=ISS", ""),
        ("state=STATE&error=access_denied&iss=ISS", "access_denied"),
        ("state=STATE&error=<script>&iss=ISS", "other"),
    ];
    for (query, code) in cases {
        let login = world.begin(&browser, "/auth/login").await;
        let query = query.replace("STATE", &login.state).replace("ISS", &issuer);
        let answer = browser
            .get(&format!("/auth/callback?{}", query.replace(['<', '>'], "%3C")))
            .send(&world.app)
            .await;
        assert_eq!(answer.status, 400, "{query}");
        let shown = answer.code();
        assert!(code.is_empty() || shown == code, "{query}: {shown}");
        assert!(!answer.body.contains('<'), "{query}");
        assert_eq!(browser.session(), None);
    }
    assert!(world.idp.seen("/token").is_empty());
}

#[tokio::test]
async fn c12_a_replayed_callback_sends_a_signed_in_user_on() {
    let world = World::start().await;
    let browser = Browser::new();
    let login = world.begin(&browser, "/auth/login").await;
    world.finish(&browser, &login).await;
    let session = browser.session();

    let replay = browser.get(&world.callback(&login.state)).send(&world.app).await;
    assert_eq!((replay.status, replay.location()), (303, "/"));
    assert_eq!(browser.session(), session);
    let stranger = Browser::new().get(&world.callback(&login.state)).send(&world.app).await;
    assert_eq!(stranger.code(), "login_unknown");
    assert_eq!(world.idp.seen("/token").len(), 1);
}

#[tokio::test]
async fn c12_going_back_to_a_callback_after_logout_signs_nobody_in() {
    let world = World::start().await;
    let browser = Browser::new();
    let login = world.begin(&browser, "/auth/login").await;
    world.finish(&browser, &login).await;
    let token = world.csrf(&browser).await;
    assert_eq!(browser.post("/auth/logout").with_csrf(&token).send(&world.app).await.status, 200);
    // The history of the browser still has the address; its cookies are gone, or were put back.
    let with_cookie = Browser::new();
    let name = format!("bff_session_login_{}", login.state.get(..16).unwrap());
    with_cookie.plant(&format!("{name}={}.{}; Path=/auth", world.app.now(), "A".repeat(43)));
    for browser in [&browser, &with_cookie] {
        let back = browser.get(&world.callback(&login.state)).navigating().send(&world.app).await;
        assert_eq!((back.status, back.header("cache-control")), (400, Some("no-store")));
        assert!(back.body.contains("login_unknown"), "{back:?}");
        assert_eq!(browser.session(), None);
    }
    assert_eq!(world.idp.seen("/token").len(), 1);
}

#[tokio::test]
async fn c21_a_login_that_is_older_or_weaker_than_asked_for_is_no_session() {
    let world = World::start().await;
    let now = world.app.now();
    for (query, claims, code) in [
        ("max_age=60", json!({ "auth_time": now - 1_000 }), "id_token_auth_time_old"),
        ("max_age=60", json!({}), "id_token_auth_time_missing"),
        ("acr_values=gold", json!({ "acr": "bronze" }), "id_token_acr"),
        ("acr_values=gold", json!({}), "id_token_acr_missing"),
        ("acr_values=gold+silver&max_age=60", json!({ "acr": "silver", "auth_time": now }), ""),
    ] {
        let browser = Browser::new();
        let login = world.begin(&browser, &format!("/auth/login?{query}")).await;
        let answer = world.finish_as(&browser, &login, &claims).await;
        if code.is_empty() {
            assert_eq!(answer.status, 303, "{query}: {answer:?}");
        } else {
            assert_eq!((answer.status, &*answer.code()), (400, code), "{query} {claims}");
            assert_eq!(browser.names(), [""; 0]);
        }
    }
}

#[tokio::test]
async fn c12_one_callback_sent_twice_at_once_signs_in_once() {
    let world = World::start().await;
    let browser = Browser::new();
    let login = world.begin(&browser, "/auth/login").await;
    let (first, second) = tokio::join!(
        world.finish(&browser, &login),
        browser.get(&world.callback(&login.state)).send(&world.app)
    );
    let mut statuses = [first.status, second.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 400]);
    assert_eq!(world.idp.seen("/token").len(), 1);
}

#[tokio::test]
async fn form_post_works_though_browsers_leave_cookies_out_of_it() {
    let world = World::start().await;
    let browser = Browser::new();
    let login = world.begin(&browser, "/auth/login").await;
    let query = format!("state={}&code=c%26c&iss=x", login.state);
    // A foreign page's POST comes without our cookies.
    let posted = Browser::new().post("/auth/callback").header("origin", &world.idp.issuer);
    let answer = posted.form(query.clone()).send(&world.app).await;
    assert_eq!((answer.status, answer.location()), (303, &*format!("/auth/callback?{query}")));
    assert_eq!(world.finish(&browser, &login).await.status, 303);
    assert!(world.is_signed_in(&browser).await);
}

#[tokio::test]
async fn tokens_that_no_session_can_hold_are_revoked() {
    let world = World::start().await;
    let browser = Browser::new();
    let login = world.begin(&browser, "/auth/login").await;
    let id_token = world.idp.id_token(&login.nonce, &json!({}));
    let mut tokens = tokens("Bearer", &id_token);
    tokens["scope"] = "x".repeat(70_000).into();
    world.idp.once("/token", Reply::json(200, tokens));
    let answer = browser.get(&world.callback(&login.state)).send(&world.app).await;
    assert_eq!((answer.status, answer.code()), (400, "identity_too_long".to_owned()));
    assert!(world.app.shutdown.drained(std::time::Duration::from_secs(5)).await);
    let revoked: Vec<_> = world.idp.seen("/revoke");
    let revoked: Vec<_> = revoked.iter().filter_map(|request| request.param("token")).collect();
    assert_eq!(revoked, ["canary-refresh-token", "canary-access-token"]);
    assert!(browser.names().is_empty(), "the login is over: {:?}", browser.names());
}
