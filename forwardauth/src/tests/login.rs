//! Where a refused browser is sent, and where it is not.

use super::gate::{Gate, question};
use http::StatusCode;

#[tokio::test]
async fn c68_a_navigation_is_sent_to_the_login() {
    let gate = Gate::new().await;
    insta::assert_snapshot!(
        gate.ask(question("/auth/forward").navigation().request()).await.shown()
    );
}

#[tokio::test]
async fn c68_nothing_else_is_ever_redirected() {
    let gate = Gate::new().await;
    let html = "text/html,application/xhtml+xml";
    for (asked, what) in [
        (question("/auth/verify").navigation(), "verify"),
        (question("/auth/forward"), "a script"),
        (question("/auth/forward").with("sec-fetch-mode", "cors").but("accept", html), "fetch"),
        (question("/auth/forward").navigation().but("x-forwarded-method", "POST"), "a form"),
        (question("/auth/forward").navigation().but("x-forwarded-proto", "wss"), "a socket"),
    ] {
        let answer = gate.ask(asked.request()).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{what}");
        assert_eq!(answer.headers["content-type"], "application/problem+json", "{what}");
        assert!(!answer.headers.contains_key("location"), "{what}");
    }
    let plain = gate.ask(question("/auth/forward").but("accept", html).request()).await;
    assert_eq!(plain.status, StatusCode::FOUND, "plain HTTP sends no Sec-Fetch-Mode");
}

#[tokio::test]
async fn t13_the_way_back_stays_on_the_site() {
    let gate = Gate::new().await;
    for uri in ["//evil.test", "/\\evil.test", "/%5cevil.test", "/%2f%2fevil.test", "/x%0d%0ay"] {
        let asked = question("/auth/forward").navigation().but("x-forwarded-uri", uri);
        let answer = gate.ask(asked.request()).await;
        assert_eq!(answer.headers["location"], "/auth/login?return_to=%2F", "{uri}");
    }
}

#[tokio::test]
async fn a_request_id_of_the_proxy_is_kept_and_of_a_stranger_is_not() {
    let gate = Gate::new().await;
    let asked = || question("/auth/verify").with("x-request-id", "trace-0123456789").request();
    assert!(gate.ask(asked()).await.body.contains("trace-0123456789"));
    let stranger = super::gate::ask_from("192.0.2.66", &gate.verify, asked()).await;
    assert!(!stranger.body.contains("trace-0123456789"));
}
