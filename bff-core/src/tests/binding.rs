//! What happens to a session that turns up at another client.

use std::time::Duration;

use crate::testing::{Browser, Heard, World};

const FIREFOX: &str = "Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0";

/// Status of a call from the changed client, and whether the session lives on at the old one.
async fn outcome(setting: (&str, &str), change: impl Fn(&Browser) -> Browser) -> (u16, bool) {
    let off = |name| if setting.0 == name { setting } else { (name, "off") };
    let world = World::with(&[off("BFF_BINDING_UA"), off("BFF_BINDING_IP")]).await;
    let browser = world.signed_in().await;
    let moved = change(&browser);
    let told = moved.get("/api/auth/session?slide=false").send(&world.app).await.json();
    let answer = world.call(&world.app, &moved).await;
    assert_eq!(told["authenticated"] == true, answer.status == 200);
    if answer.status != 200 {
        assert!(world.service.seen().is_empty());
        assert!(answer.cookies().is_empty(), "a mismatch clears no cookie");
    }
    (answer.status, world.is_signed_in(&browser).await)
}

#[tokio::test]
async fn c48_each_signal_has_its_grade() {
    for name in ["BFF_BINDING_UA", "BFF_BINDING_IP"] {
        let change = |browser: &Browser| {
            if name == "BFF_BINDING_UA" {
                browser.called(FIREFOX)
            } else {
                browser.at("198.51.100.7")
            }
        };
        for (grade, expected) in [
            ("off", (200, true)),
            ("audit", (200, true)),
            ("reauth", (401, true)),
            ("deny", (401, false)),
        ] {
            assert_eq!(outcome((name, grade), change).await, expected, "{name}={grade}");
        }
    }
}

#[tokio::test]
async fn c48_what_is_no_change_of_client_passes() {
    let same_network = |browser: &Browser| browser.at("192.0.2.200");
    let other_family = |browser: &Browser| browser.at("2001:db8::1");
    assert_eq!(outcome(("BFF_BINDING_IP", "deny"), same_network).await, (200, true));
    assert_eq!(outcome(("BFF_BINDING_IP", "deny"), other_family).await, (200, true));
    let missing = |browser: &Browser| browser.called("");
    assert_eq!(outcome(("BFF_BINDING_UA", "reauth"), missing).await, (401, true));
}

#[tokio::test]
async fn c48_c72_who_moved_to_another_network_can_still_sign_out() {
    let world = World::with(&[("BFF_BINDING_IP", "reauth"), ("BFF_BINDING_UA", "deny")]).await;
    let browser = world.signed_in().await;
    let link = world.session_of(&browser).await["logout_url"].as_str().unwrap().to_owned();
    let moved = browser.at("198.51.100.7");
    assert_eq!(world.call(&world.app, &moved).await.status, 401);
    assert!(world.is_signed_in(&browser).await);
    let left = moved.get(&link).navigating().send(&world.app).await;
    assert_eq!(left.status, 200, "{left:?}");
    assert!(left.body.contains("/logout") && !left.body.contains("id_token_hint"), "{left:?}");
    assert!(!world.is_signed_in(&browser).await);
}

#[tokio::test]
async fn c48_c74_the_tokens_of_a_session_that_was_perhaps_stolen_are_revoked_once() {
    let world = World::with(&[("BFF_BINDING_UA", "deny")]).await;
    let browser = world.signed_in().await;
    let heard = Heard::listen();
    let thief = browser.called(FIREFOX);
    for _ in 0..2 {
        assert_eq!(world.call(&world.app, &thief).await.status, 401);
    }
    assert!(world.app.shutdown.drained(Duration::from_secs(10)).await);
    assert_eq!(heard.since(), ["session.revoked binding"]);
    let revoked = world.idp.seen("/revoke");
    let revoked: Vec<_> = revoked.iter().filter_map(|request| request.param("token")).collect();
    assert_eq!(revoked, ["canary-refresh-token", "canary-access-token"]);
}
