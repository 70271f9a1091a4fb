//! Telling the BFF that an access token nears its end.

use super::gate::{Gate, NOW, id, keys, question};
use super::scripted::{CREDENTIAL, ScriptedBff, refresh, view};
use http::StatusCode;
use session::id::SessionId;

/// A verify that knows `bff`.
async fn gate(bff: &ScriptedBff) -> Gate {
    Gate::with(&[("FORWARDAUTH_BFF_URL", &bff.url), ("BFF_INTERNAL_TOKEN", CREDENTIAL)]).await
}

async fn visit(gate: &Gate, session: &SessionId) -> StatusCode {
    let answer = gate.ask(question("/auth/verify").cookie(session).request()).await;
    assert!(!answer.headers.contains_key("authorization"), "{answer:?}");
    answer.status
}

#[tokio::test]
async fn c54_a_token_that_nears_its_end_is_told_of_once() {
    let bff = ScriptedBff::start();
    let gate = gate(&bff).await;
    let session = gate.sign_in(&view(1, NOW + 90)).await;
    assert_eq!(visit(&gate, &session).await, StatusCode::OK);
    gate.clock.advance(30);
    for _ in 0..20 {
        assert_eq!(visit(&gate, &session).await, StatusCode::OK);
    }
    let seen = bff.asked(1).await;
    assert_eq!((&*seen[0].session, seen[0].wait), (session.expose(), false));

    // Refreshed: another token, and nothing to be said of it until its own end is near.
    refresh(&gate, &session, 2, NOW + 120).await;
    assert_eq!(visit(&gate, &session).await, StatusCode::OK);
    gate.clock.advance(30);
    visit(&gate, &session).await;
    assert_eq!(bff.asked(2).await.len(), 2);
    // Nobody refreshed it: told of again half a minute later.
    gate.clock.advance(29);
    visit(&gate, &session).await;
    gate.clock.advance(1);
    visit(&gate, &session).await;
    assert_eq!(bff.asked(3).await.len(), 3);
    assert_eq!(bff.counts(), (3, 0));
}

#[tokio::test]
async fn a_fresh_token_a_refused_request_and_no_session_cause_no_nudge() {
    let bff = ScriptedBff::start();
    let gate = gate(&bff).await;
    let fresh = gate.sign_in(&view(1, NOW + 61)).await;
    let endless = id(2);
    let sealed = keys().seal(&endless.store_key(), &view(1, 0)).unwrap();
    gate.put(&endless.store_key(), sealed).await;
    for session in [&fresh, &endless] {
        assert_eq!(visit(&gate, session).await, StatusCode::OK);
    }
    let dying = id(3);
    let sealed = keys().seal(&dying.store_key(), &view(1, NOW + 1)).unwrap();
    gate.put(&dying.store_key(), sealed).await;
    for refused in [
        question("/auth/verify").cookie(&dying).method("POST").with("origin", "https://evil.test"),
        question("/auth/verify?policy=x").cookie(&dying),
        question("/auth/verify").cookie(&id(9)),
        question("/auth/verify"),
    ] {
        assert!(!gate.ask(refused.request()).await.status.is_success());
    }
    // The next nudge is the first that comes.
    assert_eq!(visit(&gate, &dying).await, StatusCode::OK);
    assert_eq!(bff.asked(1).await[0].session, dying.expose());
}

#[tokio::test]
async fn c80_a_bff_that_is_away_or_hangs_changes_nothing() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let away = format!("http://{closed}");
    let settings = [("FORWARDAUTH_BFF_URL", &*away), ("BFF_INTERNAL_TOKEN", CREDENTIAL)];
    let alone = Gate::with(&settings).await;
    let session = alone.sign_in(&view(1, NOW)).await;

    let bff = ScriptedBff::start();
    bff.close();
    let hanging = gate(&bff).await;
    hanging.sign_in(&view(1, NOW)).await;
    for _ in 0..5 {
        for gate in [&alone, &hanging] {
            assert_eq!(visit(gate, &session).await, StatusCode::OK);
            gate.clock.advance(30);
        }
    }
    assert_eq!(bff.asked(5).await.len(), 5);
}
