//! What the log says of requests, and what it never holds.

use super::gate::{Gate, NOW, alice, id, keys, question};
use super::scripted::{CREDENTIAL, ScriptedBff, problem, token, view};
use serde_json::json;
use std::io;
use std::sync::{Arc, Mutex};
use tracing::instrument::WithSubscriber as _;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn c83_audit_events_are_there_and_no_secret_is_at_any_level() {
    // While there is only one, tracing asks the thread that comes by first whether a line is wanted, and
    // the threads of other tests say no for all.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
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
    .with_subscriber(subscriber)
    .await;
    let log = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
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

#[tokio::test]
async fn t18_c83_no_token_that_is_handed_on_is_at_any_level() {
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let lines = Lines::default();
    let writer = lines.clone();
    // As our programs do: hyper prints what passes through it.
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_env_filter("trace,hyper=info,hyper_util=info")
        .with_writer(move || writer.clone())
        .finish();
    // What is asked in the background counts, too.
    let _everything_here = tracing::subscriber::set_default(subscriber);
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
    let log = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    for expected in ["refused", "token_bound", "unreadable"] {
        assert!(log.contains(&format!(r#""reason":"{expected}""#)), "{expected}\n{log}");
    }
    assert!(!log.contains("canary") && !log.contains(session.expose()), "{log}");
}
