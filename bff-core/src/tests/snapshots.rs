//! The main answers, whole: what is written here is what browsers get.

use std::fmt::Write as _;
use std::sync::Arc;

use shell::random::CountingRandom;

use crate::testing::{Answer, Browser, World};

/// Status, headers in order of their names, body; what differs between runs is named.
fn shown(world: &World, answer: &Answer) -> String {
    let mut headers: Vec<_> = answer
        .headers
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "date" | "content-length"))
        .map(|(name, value)| format!("{name}: {}", std::str::from_utf8(value.as_bytes()).unwrap()))
        .collect();
    headers.sort();
    let mut text = format!("{}\n", answer.status);
    for header in headers {
        writeln!(text, "{header}").unwrap();
    }
    write!(text, "\n{}", answer.body).unwrap();
    let issuer: String =
        url::form_urlencoded::byte_serialize(world.idp.issuer.as_bytes()).collect();
    let text = text.replace(&world.idp.issuer, "ISSUER").replace(&issuer, "ISSUER");
    let mut parts = text.split("id_token_hint=");
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |text, part| {
        let (_, rest) = part.split_once('&').unwrap();
        format!("{text}id_token_hint=ID_TOKEN&{rest}")
    })
}

/// The same bytes at every run.
async fn world() -> World {
    World::with_random(&[], Arc::new(CountingRandom::default())).await
}

#[tokio::test]
async fn a_login_from_beginning_to_end() {
    let world = world().await;
    let browser = Browser::new();
    world.idp.always("/par", crate::oidc::mock::pushed("urn:example:1"));
    let begun = browser.get("/auth/login?return_to=/orders").navigating().send(&world.app).await;
    insta::assert_snapshot!("login", shown(&world, &begun));
    let login = world.begin(&browser, "/auth/login?return_to=/orders").await;
    let landed = world.finish(&browser, &login).await;
    insta::assert_snapshot!("callback", shown(&world, &landed));
    let session = browser.get("/api/auth/session").send(&world.app).await;
    insta::assert_snapshot!("session", shown(&world, &session));
    let called = world.call(&world.app, &browser).await;
    insta::assert_snapshot!("proxied", shown(&world, &called));
    let asked = browser.get("/auth/logout").navigating().send(&world.app).await;
    insta::assert_snapshot!("logout_asks", shown(&world, &asked));
    let link = session.json()["logout_url"].as_str().unwrap().to_owned();
    let left = browser.get(&link).navigating().send(&world.app).await;
    insta::assert_snapshot!("logout", shown(&world, &left));
}

#[tokio::test]
async fn the_answers_to_who_is_not_signed_in() {
    let world = world().await;
    let browser = Browser::new();
    let session = browser.get("/api/auth/session").send(&world.app).await;
    insta::assert_snapshot!("session_of_nobody", shown(&world, &session));
    let called = world.call(&world.app, &browser).await;
    insta::assert_snapshot!("proxied_for_nobody", shown(&world, &called));
    let logout = browser.get("/auth/logout").navigating().send(&world.app).await;
    insta::assert_snapshot!("logout_of_nobody", shown(&world, &logout));
    let callback = browser.get("/auth/callback?state=x&code=y").navigating();
    insta::assert_snapshot!("callback_of_nobody", shown(&world, &callback.send(&world.app).await));
    let nowhere = browser.get("/nowhere").send(&world.app).await;
    insta::assert_snapshot!("nowhere", shown(&world, &nowhere));
}
