//! What the log says of requests, and what it never holds.

use super::gate::{Gate, NOW, alice, id, keys, question};
use super::scripted::{CREDENTIAL, ScriptedBff, problem, token, view};
use serde_json::json;
use shell::captured::CapturedLog;
use tracing::instrument::WithSubscriber as _;

#[tokio::test]
async fn c83_audit_events_are_there_and_no_secret_is_at_any_level() {
    let log = CapturedLog::default();
    let gate = Gate::with(&[("BFF_BINDING_IP", "audit")]).await;
    let session = gate.sign_in(&alice()).await;
    gate.put(&id(2).store_key(), keys().seal(&id(3).store_key(), &alice()).unwrap()).await;
    let canary = |asked: super::gate::Question| {
        asked
            .with("authorization", "Bearer canary-token")
            .with("x-canary", "canary-header")
            .with("cookie", "other=canary-cookie")
            .request()
    };
    async {
        let verify = || question("/auth/verify?canary-query");
        for asked in [
            verify(),
            verify().cookie(&session).but("x-forwarded-for", "198.51.100.7"),
            verify().cookie(&session).method("POST").with("origin", "https://canary.test"),
            verify().cookie(&id(2)),
            verify().with("x-forwarded-uri", "/canary-uri"),
            verify().cookie(&session).cookie(&session),
        ] {
            gate.ask(canary(asked)).await;
        }
    }
    .with_subscriber(log.subscriber("trace"))
    .await;
    let log = log.text();
    for expected in
        ["binding.mismatch", "csrf.rejected", "edge_forged", "no_cookie", "x-forwarded-uri"]
    {
        assert!(log.contains(expected), "{expected}\n{log}");
    }
    for id in [&session, &id(2)] {
        assert!(!log.contains(id.expose()) && !log.contains(&id.store_key().to_string()), "{log}");
    }
    assert!(!log.contains("canary"), "{log}");
}

/// Audit events are found by the id that the answer has, or the proxy sent, and by the trace.
#[tokio::test]
async fn c83_audit_events_name_the_request_that_brought_them_about() {
    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    let log = CapturedLog::default();
    let _listening = tracing::subscriber::set_default(log.subscriber("audit=info"));
    let gate = Gate::with(&[("BFF_BINDING_UA", "reauth"), ("BFF_BINDING_IP", "audit")]).await;
    let session = gate.sign_in(&alice()).await;
    let visit = || question("/auth/verify").cookie(&session);
    let elsewhere = || visit().but("x-forwarded-for", "198.51.100.7");
    let another = || elsewhere().but("user-agent", "another");
    let foreign = || visit().method("POST").with("origin", "https://other.test");

    for (asked, events) in [
        (another(), &["binding.mismatch", "binding.mismatch"][..]),
        (foreign(), &["csrf.rejected"]),
    ] {
        log.clear();
        let answer = gate.ask(asked.request()).await;
        let told = log.audit();
        assert_eq!(told.iter().map(|line| &line["event"]).collect::<Vec<_>>(), events);
        let named: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        for line in &told {
            assert_eq!(line["request_id"], named["request_id"], "{line}");
            assert!(line.get("trace_id").is_none(), "{line}");
        }
    }
    for asked in [elsewhere(), another(), foreign()] {
        log.clear();
        let trace = format!("00-{TRACE}-00f067aa0ba902b7-01");
        let asked = asked.with("x-request-id", "of-the-proxy").with("traceparent", &trace);
        gate.ask(asked.request()).await;
        let told = log.audit();
        assert!(!told.is_empty());
        for line in &told {
            assert_eq!(line["request_id"], "of-the-proxy", "{line}");
            assert_eq!(line["trace_id"], TRACE, "{line}");
        }
    }
}

#[tokio::test]
async fn t18_c83_no_token_that_is_handed_on_is_at_any_level() {
    let log = CapturedLog::default();
    // What is asked in the background counts, too. hyper prints what passes through it, so our programs
    // never let it.
    let all = log.subscriber("trace,hyper=info,hyper_util=info");
    let _everything_here = tracing::subscriber::set_default(all);
    let bff = ScriptedBff::start();
    let settings = [
        ("FORWARDAUTH_BFF_URL", &*bff.url),
        ("BFF_INTERNAL_TOKEN", CREDENTIAL),
        ("FORWARDAUTH_AUTHORIZATION", "access"),
    ];
    let gate = Gate::with(&settings).await;
    let session = gate.sign_in(&view(1, NOW + 300)).await;
    let visit = || gate.ask(question("/auth/verify").cookie(&session).request());
    for (status, body) in [
        (401, problem("canary-code")),
        (409, problem("token_bound")),
        (200, json!({ "access_token": "canary token", "token_type": "Bearer" })),
        (200, token("canary-token", NOW + 300)),
    ] {
        bff.answers(status, body);
        visit().await;
    }
    gate.clock.advance(290);
    assert_eq!(visit().await.headers["authorization"], "Bearer canary-token");
    bff.asked(5).await;
    let log = log.text();
    for expected in ["refused", "token_bound", "unreadable"] {
        assert!(log.contains(&format!(r#""reason":"{expected}""#)), "{expected}\n{log}");
    }
    assert!(!log.contains("canary") && !log.contains(session.expose()), "{log}");
}
