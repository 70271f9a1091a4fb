//! Whom a logout token logs out, and whom it does not.

use std::time::Duration;

use serde_json::{Value, json};

use crate::oidc::mock::{MockAs, NOW};
use crate::testing::{Browser, World, begin_directly};

/// Sessions that begin without a browser are bound to none.
const UNBOUND: [(&str, &str); 2] = [("BFF_BINDING_UA", "off"), ("BFF_BINDING_IP", "off")];

async fn log_out(world: &World, changes: Value) -> u16 {
    let token = world.idp.logout_token(world.app.now(), &changes);
    let form =
        Browser::new().post("/auth/backchannel-logout").form(format!("logout_token={token}"));
    form.send(&world.app).await.status
}

/// Signs a new browser in as somebody with these claims changed.
async fn signed_in_as(world: &World, changes: Value) -> Browser {
    let browser = Browser::new();
    let login = world.begin(&browser, "/auth/login").await;
    assert_eq!(world.finish_as(&browser, &login, &changes).await.status, 303);
    browser
}

async fn are_signed_in<const N: usize>(world: &World, browsers: [&Browser; N]) -> [bool; N] {
    let mut answers = [false; N];
    for (answer, browser) in answers.iter_mut().zip(browsers) {
        *answer = world.is_signed_in(browser).await;
    }
    answers
}

#[tokio::test]
async fn c76_a_sid_ends_the_sessions_of_that_one_alone() {
    let world = World::start().await;
    let first = signed_in_as(&world, json!({ "sid": "s1" })).await;
    let again = signed_in_as(&world, json!({ "sid": "s1" })).await;
    let other = signed_in_as(&world, json!({ "sid": "s2" })).await;
    assert_eq!(log_out(&world, json!({ "sid": "s1", "sub": null })).await, 200);
    assert_eq!(are_signed_in(&world, [&first, &again, &other]).await, [false, false, true]);
}

#[tokio::test]
async fn c76_a_sid_with_its_sub_ends_no_other_session_of_that_sub() {
    let world = World::start().await;
    let meant = signed_in_as(&world, json!({ "sid": "s1" })).await;
    let other = signed_in_as(&world, json!({ "sid": "s2" })).await;
    assert_eq!(log_out(&world, json!({ "sid": "s1", "sub": "alice" })).await, 200);
    assert_eq!(are_signed_in(&world, [&meant, &other]).await, [false, true]);
}

#[tokio::test]
async fn c76_a_sid_with_the_sub_of_somebody_else_is_refused() {
    let world = World::start().await;
    let alice = signed_in_as(&world, json!({ "sid": "s1" })).await;
    let bob = signed_in_as(&world, json!({ "sid": "s2", "sub": "bob" })).await;
    assert_eq!(log_out(&world, json!({ "sid": "s1", "sub": "bob" })).await, 400);
    assert_eq!(are_signed_in(&world, [&alice, &bob]).await, [true, true]);
}

#[tokio::test]
async fn t15_c76_a_sub_alone_ends_all_its_sessions_and_nobody_elses() {
    let world = World::start().await;
    let mut alices = Vec::new();
    for number in 0..5 {
        alices.push(signed_in_as(&world, json!({ "sid": format!("s{number}") })).await);
    }
    alices.push(signed_in_as(&world, json!({ "sid": null })).await);
    let bob = signed_in_as(&world, json!({ "sub": "bob", "sid": "b1" })).await;
    assert_eq!(log_out(&world, json!({ "sid": null })).await, 200);
    for alice in &alices {
        assert!(!world.is_signed_in(alice).await);
    }
    assert!(world.is_signed_in(&bob).await);
}

#[tokio::test]
async fn c76_a_sub_is_found_where_users_go_by_another_claim() {
    let world = World::with(&[("OIDC_USER_ID_CLAIM", "email")]).await;
    let person = |sub: &str, email: &str| json!({ "sub": sub, "email": email, "sid": null });
    let first = signed_in_as(&world, person("alice", "a@example.org")).await;
    let renamed = signed_in_as(&world, person("alice", "b@example.org")).await;
    // Somebody else whose id is spelled like the `sub` that is logged out.
    let odd = signed_in_as(&world, person("bob", "alice")).await;
    assert_eq!(log_out(&world, json!({ "sid": null })).await, 200);
    assert_eq!(are_signed_in(&world, [&first, &renamed, &odd]).await, [false, false, true]);
}

#[tokio::test]
async fn c76_t10_the_same_sid_and_sub_of_another_issuer_are_untouched() {
    let world = World::with(&UNBOUND).await;
    let ours = world.signed_in().await;
    let other = MockAs::start().await;
    let login = other.login(&other.relying_party(|_| {})).await;
    let theirs = begin_directly(&world.app, &login, Duration::ZERO).await.unwrap();
    let theirs = Browser::holding(&theirs);
    assert!(world.is_signed_in(&theirs).await);
    for changes in [json!({ "sub": null }), json!({ "sid": null, "jti": "jti-2" })] {
        assert_eq!(log_out(&world, changes).await, 200);
    }
    assert_eq!(are_signed_in(&world, [&ours, &theirs]).await, [false, true]);
}

#[tokio::test]
async fn c76_a_token_of_another_issuers_key_for_ours_ends_nothing() {
    let world = World::start().await;
    let ours = world.signed_in().await;
    let other = MockAs::start().await;
    let token = other.logout_token(NOW, &json!({ "iss": world.idp.issuer }));
    let form =
        Browser::new().post("/auth/backchannel-logout").form(format!("logout_token={token}"));
    assert_eq!(form.send(&world.app).await.status, 400);
    assert!(world.is_signed_in(&ours).await);
}

#[tokio::test]
async fn t15_a_login_in_flight_loses_to_a_logout_that_names_its_user_or_its_session() {
    for (claim, changes) in [
        ("sub", json!({ "sub": null })),
        ("sub", json!({ "sid": null })),
        ("email", json!({ "sid": null })),
    ] {
        let world = World::with(&[("OIDC_USER_ID_CLAIM", claim)]).await;
        let (browser, later) = (Browser::new(), Browser::new());
        let login = world.begin(&browser, "/auth/login").await;
        assert_eq!(log_out(&world, changes).await, 200);
        let alice = json!({ "email": "a@example.org" });
        let answer = world.finish_as(&browser, &login, &alice).await;
        assert_eq!((answer.status, &*answer.code()), (400, "signed_out_meanwhile"));
        assert_eq!(browser.session(), None);
        // Who signs in afterwards is in.
        let login = world.begin(&later, "/auth/login").await;
        assert_eq!(world.finish_as(&later, &login, &alice).await.status, 303);
        assert!(world.is_signed_in(&later).await);
    }
}

#[tokio::test]
async fn c76_two_deliveries_at_once_are_one_logout() {
    let world = World::start().await;
    let browser = world.signed_in().await;
    let token = world.idp.logout_token(NOW, &json!({}));
    let asks = (0..20).map(|_| {
        let form = Browser::new().post("/auth/backchannel-logout");
        form.form(format!("logout_token={token}")).send(&world.app)
    });
    for answer in futures_util::future::join_all(asks).await {
        assert_eq!(answer.status, 200);
    }
    assert!(!world.is_signed_in(&browser).await);
}

#[tokio::test]
async fn t15_a_user_with_hundreds_of_sessions_loses_all_of_them() {
    let world = World::with(&UNBOUND).await;
    let sessions = world.sessions(200).await;
    let browsers: Vec<_> = sessions.iter().map(Browser::holding).collect();
    let other = world.replica();
    for browser in &browsers {
        assert_eq!(world.call(&other, browser).await.status, 200);
    }
    assert_eq!(log_out(&world, json!({ "sid": null })).await, 200);
    for browser in &browsers {
        assert_eq!(world.call(&other, browser).await.status, 401);
    }
}

#[tokio::test]
async fn c73_who_the_issuer_logged_out_first_still_signs_out_cleanly() {
    let world = World::start().await;
    let browser = world.signed_in().await;
    let told = world.session_of(&browser).await;
    assert_eq!(log_out(&world, json!({})).await, 200);
    for ask in [
        browser.get(told["logout_url"].as_str().unwrap()).navigating(),
        browser.post("/auth/logout").with_csrf(told["csrf_token"].as_str().unwrap()),
    ] {
        let answer = ask.send(&world.app).await;
        assert_eq!(answer.status, 200);
        assert!(answer.body.contains("You are signed out"), "{answer:?}");
        assert_eq!(browser.session(), None);
    }
}
