//! Cross-site requests and forged forwarding headers, end to end through the service.

use super::gate::{Gate, alice, ask_from, question};
use http::StatusCode;

const OWN: &str = "https://app.example.com";

#[tokio::test]
async fn c64_a_cross_site_request_is_403() {
    let gate = Gate::new().await;
    let session = gate.sign_in(&alice()).await;
    let post = question("/auth/forward").cookie(&session).but("x-forwarded-method", "POST");
    let foreign = post.clone().with("origin", "https://evil.test");
    insta::assert_snapshot!(gate.ask(foreign.request()).await.shown());
    for (origin, expected) in [
        (OWN, StatusCode::OK),
        ("https://spa.example.net", StatusCode::OK),
        ("null", StatusCode::FORBIDDEN),
    ] {
        let answer = gate.ask(post.clone().with("origin", origin).request()).await;
        assert_eq!(answer.status, expected, "{origin}");
    }
    assert_eq!(gate.ask(post.request()).await.status, StatusCode::OK, "no browser");
}

#[tokio::test]
async fn c66_a_websocket_needs_the_own_origin_too() {
    let gate = Gate::new().await;
    let session = gate.sign_in(&alice()).await;
    let socket = question("/auth/verify").cookie(&session).but("x-forwarded-proto", "wss");
    for (origin, expected) in [(OWN, StatusCode::OK), ("https://evil.test", StatusCode::FORBIDDEN)]
    {
        let answer = gate.ask(socket.clone().with("origin", origin).request()).await;
        assert_eq!(answer.status, expected, "{origin}");
    }
    let plain = question("/auth/verify").cookie(&session).with("sec-fetch-mode", "websocket");
    let answer = gate.ask(plain.with("origin", "https://evil.test").request()).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn t01_an_untrusted_peer_describes_nothing_but_itself() {
    let gate = Gate::with(&[("BFF_BINDING_IP", "off")]).await;
    let session = gate.sign_in(&alice()).await;
    // What it says would make the request look safe, own and navigable; what it is stays a POST to
    // this service.
    let forged = question("/auth/forward")
        .cookie(&session)
        .method("POST")
        .but("x-forwarded-method", "GET")
        .with("origin", OWN)
        .navigation();
    let answer = ask_from("192.0.2.66", &gate.verify, forged.request()).await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::FORBIDDEN, "csrf"));

    let lost = question("/auth/forward").navigation().request();
    let answer = ask_from("192.0.2.66", &gate.verify, lost).await;
    assert_eq!(answer.headers["location"], "/auth/login?return_to=%2F");
}

#[tokio::test]
async fn t05_naming_a_header_in_connection_does_not_take_it_away() {
    let gate = Gate::new().await;
    let session = gate.sign_in(&alice()).await;
    let post = question("/auth/verify")
        .cookie(&session)
        .but("x-forwarded-method", "POST")
        .with("origin", "https://evil.test")
        .with("connection", "close, x-forwarded-method, origin, x-forwarded-for, user-agent");
    assert_eq!(gate.ask(post.request()).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn t06_every_forwarding_header_counts_only_from_the_proxy() {
    let gate = Gate::with(&[("BFF_BINDING_IP", "deny")]).await;
    let session = gate.sign_in(&alice()).await;
    // The session is bound to the address that this peer claims to speak for.
    for name in ["x-forwarded-for", "x-real-ip", "forwarded", "cf-connecting-ip", "true-client-ip"]
    {
        let asked = question("/auth/verify").cookie(&session).with(name, "203.0.113.9");
        let answer = ask_from("192.0.2.66", &gate.verify, asked.request()).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{name}");
        gate.until(&session.store_key(), |edge| edge.is_none()).await;
        gate.sign_in(&alice()).await;
    }
}
