//! The life of a session: its ends, its sliding, and what binds it to a client.

use std::time::Duration;

use super::gate::{Gate, alice, keys, question};
use http::StatusCode;
use serde_json::{Value, json};
use session::edge::EdgeView;
use session::shelf::{News, Shelf as _};
use session::store::{IndexKey, Store as _};

const OTHER_AGENT: &str = "curl/8.5.0";
const OTHER_CLIENT: &str = "198.51.100.7";

#[tokio::test]
async fn c41_both_ends_of_life_are_ours_to_enforce() {
    let gate = Gate::new().await;
    let session = gate.sign_in(&alice()).await;
    let key = session.store_key();
    let ask = || gate.ask(question("/auth/verify").cookie(&session).request());
    for used in 1..=9 {
        gate.clock.advance(3_000);
        assert_eq!(ask().await.status, StatusCode::OK);
        gate.until(&key, |edge| last_seen(edge, &session) == gate_time(used * 3_000)).await;
    }
    // Used all the time, and over all the same. The store still holds it.
    gate.clock.advance(3_000);
    assert_eq!(ask().await.status, StatusCode::UNAUTHORIZED);
    assert!(gate.store.edge_view(&key).await.unwrap().is_some());
}

#[tokio::test]
async fn c41_an_idle_session_ends() {
    let gate = Gate::new().await;
    let session = gate.sign_in(&alice()).await;
    gate.clock.advance(3_600);
    let answer = gate.ask(question("/auth/verify").cookie(&session).request()).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert!(!answer.headers.contains_key("set-cookie"));
}

#[tokio::test]
async fn c44_a_revoked_session_is_refused_at_once() {
    let gate = Gate::new().await;
    let session = gate.sign_in(&alice()).await;
    gate.store.delete(&session.store_key()).await.unwrap();
    let answer = gate.ask(question("/auth/verify").cookie(&session).request()).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_session_slides_at_most_once_a_minute() {
    let gate = Gate::new().await;
    let session = gate.sign_in(&alice()).await;
    let key = session.store_key();
    let before = gate.store.edge_view(&key).await.unwrap();
    gate.clock.advance(59);
    gate.ask(question("/auth/verify").cookie(&session).request()).await;
    tokio::task::yield_now().await;
    assert_eq!(gate.store.edge_view(&key).await.unwrap(), before);

    gate.clock.advance(1);
    for _ in 0..3 {
        gate.ask(question("/auth/verify").cookie(&session).request()).await;
    }
    gate.until(&key, |edge| last_seen(edge, &session) == gate_time(60)).await;
}

#[tokio::test]
async fn a_refused_request_does_not_keep_a_session_alive() {
    let gate = Gate::with(&[("BFF_BINDING_UA", "reauth")]).await;
    let session = gate.sign_in(&alice()).await;
    gate.clock.advance(120);
    let asked = question("/auth/verify").cookie(&session).but("user-agent", OTHER_AGENT);
    assert_eq!(gate.ask(asked.request()).await.status, StatusCode::UNAUTHORIZED);
    tokio::task::yield_now().await;
    let edge = gate.store.edge_view(&session.store_key()).await.unwrap();
    assert_eq!(last_seen(edge, &session), gate_time(0));
}

#[tokio::test]
async fn c48_deny_ends_the_session_and_reauth_lets_it_wait() {
    for (variable, header, value) in [
        ("BFF_BINDING_UA", "user-agent", OTHER_AGENT),
        ("BFF_BINDING_IP", "x-forwarded-for", OTHER_CLIENT),
    ] {
        for (mode, status, survives) in [
            ("off", StatusCode::OK, true),
            ("audit", StatusCode::OK, true),
            ("reauth", StatusCode::UNAUTHORIZED, true),
            ("deny", StatusCode::UNAUTHORIZED, false),
        ] {
            let gate = Gate::with(&[(variable, mode)]).await;
            let session = gate.sign_in(&alice()).await;
            let asked = question("/auth/verify").cookie(&session).but(header, value);
            assert_eq!(gate.ask(asked.request()).await.status, status, "{variable}={mode}");
            gate.until(&session.store_key(), |edge| edge.is_some() == survives).await;
            if survives {
                let back = gate.ask(question("/auth/verify").cookie(&session).request()).await;
                assert_eq!(back.status, StatusCode::OK, "{variable}={mode}");
            }
        }
    }
}

/// The form is that of docs/SESSION-FORMAT.md: `bff` closes the session's streams when it reads this.
#[tokio::test]
async fn c48_c66_the_end_of_a_session_that_another_client_shows_is_told() {
    const PROBE: &[u8] = b"[]";
    let gate = Gate::new().await;
    let session = gate.sign_in(&alice()).await;
    let mut news = gate.store.follow();
    let mut heard = async |patience: Duration| {
        let message = async {
            loop {
                if let News::Message(message) = news.recv().await.unwrap() {
                    return message;
                }
            }
        };
        tokio::time::timeout(patience, message).await
    };
    // Redis takes a moment until it tells us.
    let is_heard = async {
        loop {
            gate.store.publish(PROBE.into()).await.unwrap();
            if heard(Duration::from_millis(100)).await.is_ok() {
                break;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(5), is_heard).await.unwrap();

    let asked = question("/auth/verify").cookie(&session).but("user-agent", OTHER_AGENT);
    assert_eq!(gate.ask(asked.request()).await.status, StatusCode::UNAUTHORIZED);
    let told = loop {
        let message = heard(Duration::from_secs(5)).await.unwrap();
        if message != PROBE {
            break message;
        }
    };
    let reference = session.store_key().to_string();
    let expected = json!([{ "type": "ended", "session": reference, "reason": "binding" }]);
    assert_eq!(serde_json::from_slice::<Value>(&told).unwrap(), expected);
}

/// Only where PostgreSQL would bring it back.
#[tokio::test]
async fn c48_a_session_that_is_kept_elsewhere_is_listed_before_it_ends() {
    for (durable, listed) in [("true", true), ("false", false)] {
        let gate = Gate::with(&[("FORWARDAUTH_DURABLE_SESSIONS", durable)]).await;
        let session = gate.sign_in(&alice()).await;
        let asked = question("/auth/verify").cookie(&session).but("user-agent", OTHER_AGENT);
        assert_eq!(gate.ask(asked.request()).await.status, StatusCode::UNAUTHORIZED);
        gate.until(&session.store_key(), |edge| edge.is_none()).await;
        let expected = if listed { vec![session.store_key()] } else { vec![] };
        assert_eq!(gate.store.index_list(&IndexKey::ended()).await, Ok(expected), "{durable}");
    }
}

#[tokio::test]
async fn c48_an_address_that_nobody_knows_counts_as_changed() {
    let gate = Gate::new().await;
    let session = gate.sign_in(&alice()).await;
    let asked = question("/auth/verify").cookie(&session).but("x-forwarded-for", "unknown");
    assert_eq!(gate.ask(asked.request()).await.status, StatusCode::UNAUTHORIZED);

    let unbound = Gate::new().await;
    let view = EdgeView { bindings: session::binding::Bindings::default(), ..alice() };
    let session = unbound.sign_in(&view).await;
    let asked = question("/auth/verify").cookie(&session).but("x-forwarded-for", "unknown");
    assert_eq!(unbound.ask(asked.request()).await.status, StatusCode::OK);
}

fn gate_time(seconds: u64) -> u64 {
    super::gate::NOW + seconds
}

fn last_seen(edge: Option<bytes::Bytes>, id: &session::id::SessionId) -> u64 {
    keys().open(&id.store_key(), edge.unwrap()).unwrap().last_seen()
}
