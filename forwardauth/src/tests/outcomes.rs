//! The outcome table, row by row, as answers.

use super::gate::{Gate, alice, ask, id, keys, question, somebody, without_store};
use bytes::Bytes;
use http::StatusCode;
use session::any::AnyStore;
use session::edge::{EdgeKeys, EdgeView};
use session::faulty::{Fault, FaultyStore};
use session::keys::KeyRing;
use session::memory::MemoryStore;
use session::shelf::{COMPLETE, Shelf as _};
use session::store::Store as _;

#[tokio::test]
async fn allowed() {
    let gate = Gate::new().await;
    let session = gate.sign_in(&alice()).await;
    let answer = gate.ask(question("/auth/verify").cookie(&session).request()).await;
    insta::assert_snapshot!(answer.shown());
}

#[tokio::test]
async fn t04_all_identity_headers_are_there_and_empty_where_unknown() {
    let gate = Gate::new().await;
    let session = gate.sign_in(&somebody()).await;
    let answer = gate.ask(question("/auth/forward/any/suffix").cookie(&session).request()).await;
    insta::assert_snapshot!(answer.shown());
}

#[tokio::test]
async fn no_session() {
    let gate = Gate::new().await;
    let answer = gate.ask(question("/auth/verify").request()).await;
    insta::assert_snapshot!(answer.shown());
    let unknown = gate.ask(question("/auth/verify").cookie(&id(9)).request()).await;
    assert_eq!(unknown.status, StatusCode::UNAUTHORIZED);
    assert!(!unknown.headers.contains_key("set-cookie"), "a miss never clears the cookie");
}

/// A store that lost its data knows nobody, and says nothing of anybody.
#[tokio::test]
async fn c80_where_sessions_outlive_the_store_a_miss_is_401_only_while_it_says_that_it_knows_all() {
    let variables = [("FORWARDAUTH_DURABLE_SESSIONS", "true")];
    let gate = Gate::with(&variables).await;
    let missed = async |gate: &Gate| {
        let answer = gate.ask(question("/auth/forward").cookie(&id(9)).request()).await;
        (answer.status, answer.headers.contains_key("retry-after"))
    };
    assert_eq!(missed(&gate).await, (StatusCode::SERVICE_UNAVAILABLE, true));
    // Who is known is let in all the same, and who shows nothing is nobody.
    let session = gate.sign_in(&alice()).await;
    let answer = gate.ask(question("/auth/verify").cookie(&session).request()).await;
    assert_eq!(answer.status, StatusCode::OK);
    let answer = gate.ask(question("/auth/verify").request()).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);

    assert_eq!(gate.store.put_note(COMPLETE, "1".into(), None).await, Ok(()));
    assert_eq!(missed(&gate).await, (StatusCode::UNAUTHORIZED, false));

    let store = FaultyStore::over(MemoryStore::new());
    let gate = Gate::over(AnyStore::Faulty(store.clone()), &variables);
    for fault in [Fault::Away, Fault::AnswerLost, Fault::Hangs] {
        store.fail("note", fault, 1);
        assert_eq!(missed(&gate).await, (StatusCode::SERVICE_UNAVAILABLE, true), "{fault:?}");
    }
    assert_eq!(
        Gate::new().await.ask(question("/auth/verify").cookie(&id(9)).request()).await.status,
        StatusCode::UNAUTHORIZED
    );
}

/// Whoever gives the sessions back is done between our look for one and our question whether he is.
#[tokio::test]
async fn c80_a_session_that_is_given_back_while_verify_looks_for_it_is_let_in() {
    let restored = MemoryStore::new();
    let whole = Gate::over(AnyStore::Memory(restored.clone()), &[]);
    let session = whole.sign_in(&alice()).await;
    assert_eq!(restored.put_note(COMPLETE, "1".into(), None).await, Ok(()));

    let store = FaultyStore::over(MemoryStore::new());
    let variables = [("FORWARDAUTH_DURABLE_SESSIONS", "true")];
    let gate = Gate::over(AnyStore::Faulty(store.clone()), &variables);
    store.restore_after("edge_view", restored);
    let answer = gate.ask(question("/auth/verify").cookie(&session).request()).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(store.calls(), ["edge_view", "note", "edge_view"]);
    // Who is known is looked for once.
    let answer = gate.ask(question("/auth/verify").cookie(&session).request()).await;
    assert_eq!((answer.status, store.calls().len()), (StatusCode::OK, 4));
}

#[tokio::test]
async fn t17_malformed_cookies_never_reach_the_store() {
    // The store is away, so a question to it would be 503.
    let verify = without_store().await;
    for cookie in [
        "bff_session=",
        "bff_session=x",
        "bff_session=\"quoted\"",
        &format!("bff_session={}", "A".repeat(100_000)),
        &format!("bff_session={}=", id(1).expose()),
    ] {
        let answer = ask(&verify, question("/auth/verify").with("cookie", cookie).request()).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
    let twice = question("/auth/verify").cookie(&id(1)).cookie(&id(1));
    assert_eq!(ask(&verify, twice.request()).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn c37_two_cookies_of_the_name_are_refused_and_both_forms_cleared() {
    let gate = Gate::new().await;
    let session = gate.sign_in(&alice()).await;
    let twice = question("/auth/verify").cookie(&session).cookie(&session);
    insta::assert_snapshot!(gate.ask(twice.request()).await.shown());
    let foreign = question("/auth/forward")
        .navigation()
        .cookie(&session)
        .with("cookie", "bff_session=planted");
    let answer = gate.ask(foreign.request()).await;
    assert_eq!(answer.status, StatusCode::FOUND);
    assert_eq!(answer.headers.get_all("set-cookie").iter().count(), 3);
}

#[tokio::test]
async fn t08_what_the_store_holds_must_be_ours() {
    let strange = EdgeKeys::new(&KeyRing::single("k1", [9; 32]));
    let unknown = EdgeKeys::new(&KeyRing::single("k9", [9; 32]));
    let key = id(1).store_key();
    for (edge, what) in [
        (Bytes::new(), "nothing"),
        (Bytes::from_static(b"{\"user\":\"admin\"}"), "another format"),
        (strange.seal(&key, &alice()).unwrap(), "a forged MAC"),
        (unknown.seal(&key, &alice()).unwrap(), "an unknown key"),
        (keys().seal(&id(2).store_key(), &alice()).unwrap(), "another session's view"),
    ] {
        let gate = Gate::new().await;
        gate.put(&key, edge).await;
        let answer = gate.ask(question("/auth/verify").cookie(&id(1)).request()).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{what}");
        assert!(answer.has_no_identity(), "{what}");
        assert!(gate.store.edge_view(&key).await.unwrap().is_some(), "{what}: never deleted");
    }
}

#[tokio::test]
async fn t20_what_belongs_to_a_login_is_no_session() {
    let gate = Gate::new().await;
    let key = id(1).store_key();
    let edge = keys().seal(&key, &alice()).unwrap();
    for name in [key.to_string(), format!("session:{key}"), id(1).expose().to_owned()] {
        let keep = std::time::Duration::from_secs(60);
        gate.store.put_login(&name, edge.clone(), keep).await.unwrap();
    }
    let answer = gate.ask(question("/auth/verify").cookie(&id(1)).request()).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn lacking_scope_role_or_tenant() {
    let gate = Gate::with(&[("FORWARDAUTH_INLINE_POLICY", "true")]).await;
    let session = gate.sign_in(&alice()).await;
    let ask = |query: &str| {
        gate.ask(
            question(&format!("/auth/forward?{query}")).navigation().cookie(&session).request(),
        )
    };
    insta::assert_snapshot!(ask("scope=orders:write").await.shown());
    for query in ["role=OWNER", "tenant=t2", "role_any=A,B&scope=openid"] {
        let answer = ask(query).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (StatusCode::FORBIDDEN, "insufficient_scope")
        );
    }
    assert_eq!(ask("scope=orders:read&role=ADMIN").await.status, StatusCode::OK);
}

#[tokio::test]
async fn needs_a_stronger_or_fresher_login() {
    let gate = Gate::with(&[("FORWARDAUTH_INLINE_POLICY", "true")]).await;
    let session = gate.sign_in(&alice()).await;
    let asked = question("/auth/forward?acr=urn:mfa&max_age=60").cookie(&session);
    insta::assert_snapshot!(gate.ask(asked.clone().request()).await.shown());
    insta::assert_snapshot!(gate.ask(asked.navigation().request()).await.shown());
}

#[tokio::test]
async fn suspended_or_banned() {
    for flags in [r#"{"suspended":true}"#, r#"{"banned":true}"#, "no json"] {
        let gate = Gate::new().await;
        let view = EdgeView { master_flags: flags.as_bytes().to_vec().into(), ..alice() };
        let session = gate.sign_in(&view).await;
        let answer =
            gate.ask(question("/auth/forward").navigation().cookie(&session).request()).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{flags}");
        assert!(answer.has_no_identity());
        if flags == "no json" {
            insta::assert_snapshot!(answer.shown());
        }
    }
}

#[tokio::test]
async fn c80_a_store_that_is_away_is_503_and_never_401() {
    let verify = without_store().await;
    let asked = question("/auth/forward").navigation().cookie(&id(1));
    insta::assert_snapshot!(ask(&verify, asked.request()).await.shown());
}

#[tokio::test]
async fn t09_a_policy_that_cannot_be_applied_is_500_for_everyone() {
    let gate = Gate::new().await;
    let session = gate.sign_in(&alice()).await;
    let unknown = question("/auth/verify?policy=admins").cookie(&session).request();
    insta::assert_snapshot!(gate.ask(unknown).await.shown());
    for query in ["policy=a&policy=a", "policy=%zz", "policy"] {
        let asked = question(&format!("/auth/verify?{query}")).cookie(&session);
        let answer = gate.ask(asked.request()).await;
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "{query}");
    }
    let other = question("/auth/verify?debug=1&trace&policyx=1").cookie(&session);
    assert_eq!(gate.ask(other.request()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn t01_repeated_or_malformed_forwarding_headers_of_a_proxy_are_400() {
    let gate = Gate::new().await;
    let session = gate.sign_in(&alice()).await;
    let repeated = question("/auth/verify").cookie(&session).with("x-forwarded-method", "GET");
    insta::assert_snapshot!(gate.ask(repeated.request()).await.shown());
    let malformed = question("/auth/verify").cookie(&session).but("x-forwarded-proto", "gopher");
    assert_eq!(gate.ask(malformed.request()).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn other_paths_are_404() {
    let gate = Gate::new().await;
    let session = gate.sign_in(&alice()).await;
    for path in ["/", "/auth/verifyx", "/auth", "/metrics", "/health"] {
        let answer = gate.ask(question(path).cookie(&session).request()).await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::NOT_FOUND, "not_found"));
    }
}
