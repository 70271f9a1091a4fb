//! What no header may change, whatever it holds.

use super::gate::{Gate, Question, alice, ask_from, id, question};
use http::{HeaderName, HeaderValue, Request};
use proptest::prelude::*;

/// Names that somewhere decide something, and any others.
fn name() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "accept",
        "authorization",
        "connection",
        "forwarded",
        "host",
        "origin",
        "purpose",
        "sec-fetch-dest",
        "sec-fetch-mode",
        "sec-fetch-site",
        "upgrade",
        "user-agent",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-method",
        "x-forwarded-proto",
        "x-forwarded-uri",
        "x-http-method-override",
        "x-original-url",
        "x-real-ip",
        "x-user-id",
    ]);
    prop_oneof![
        known.prop_map(str::to_owned),
        "[a-z][a-z0-9_-]{0,20}".prop_filter("cookie", |name| name != "cookie")
    ]
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![
        "GET",
        "OPTIONS",
        "https",
        "ws",
        "navigate",
        "same-origin",
        "none",
        "null",
        "https://app.example.com",
        "10.0.0.1",
        "203.0.113.9",
        "ELB-HealthChecker/2.0",
        "kube-probe/1.30",
        "text/event-stream",
        "Bearer x",
    ]);
    prop_oneof![
        known.prop_map(|text| text.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..40),
    ]
}

fn adorned(question: Question, headers: &[(String, Vec<u8>)]) -> Request<()> {
    let mut request = question.request();
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value))
        {
            request.headers_mut().append(name, value);
        }
    }
    request
}

proptest! {
    #[test]
    fn t07_no_header_of_a_client_turns_a_refusal_into_a_yes(
        headers in prop::collection::vec((name(), value()), 0..8),
        trusted in any::<bool>(),
    ) {
        let peer = if trusted { "10.0.0.1" } else { "192.0.2.66" };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let gate = Gate::with(&[("BFF_BINDING_UA", "reauth"), ("BFF_BINDING_IP", "off")]).await;
            let session = gate.sign_in(&alice()).await;
            // Unsafe as the proxy tells it and in itself.
            let foreign = question("/auth/forward")
                .cookie(&session)
                .method("DELETE")
                .with("origin", "https://evil.test");
            for refused in [
                question("/auth/verify"),
                question("/auth/forward").cookie(&id(9)),
                question("/auth/verify").cookie(&session).but("user-agent", "curl/8"),
                foreign,
            ] {
                let answer = ask_from(peer, &gate.verify, adorned(refused, &headers)).await;
                prop_assert!(!answer.status.is_success(), "{answer:?}");
                prop_assert!(answer.has_no_identity(), "{answer:?}");
            }
            Ok(())
        })?;
    }

    #[test]
    fn t08_no_bytes_in_the_store_are_a_yes(
        edge in prop::collection::vec(any::<u8>(), 0..300),
        cookie in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let gate = Gate::new().await;
            gate.put(&id(1).store_key(), edge.into()).await;
            let answer = gate.ask(question("/auth/verify").cookie(&id(1)).request()).await;
            prop_assert!(!answer.status.is_success());
            let headers = [("cookie".to_owned(), cookie)];
            let answer = gate.ask(adorned(question("/auth/verify"), &headers)).await;
            prop_assert!(!answer.status.is_success());
            Ok(())
        })?;
    }
}
