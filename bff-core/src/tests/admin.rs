//! The admin API: who may use it, what it does, and what it never tells.

use axum::body::Body;
use http::{Method, Request};
use serde_json::{Value, json};
use session::store::Store as _;

use crate::oidc::mock::NOW;
use crate::testing::{Browser, OPS, World, ask_admin, send_admin};

const USER: &str = "/admin/users/alice/sessions";

fn request(method: &str, target: &str) -> http::request::Builder {
    Request::builder().method(method).uri(target)
}

#[tokio::test]
async fn without_tokens_there_is_no_admin_api() {
    let world = World::start().await;
    for target in [USER, "/admin/config", "/admin", "/admin/nonsense"] {
        let ask = request("GET", target).header("authorization", "Bearer ");
        assert_eq!(send_admin(&world.app, ask.body(Body::empty()).unwrap()).await.status, 404);
    }
    // It is never on the listener that browsers reach.
    let world = World::administered(&[]).await;
    let ask = Browser::new().get("/admin/config").header("authorization", &format!("Bearer {OPS}"));
    assert_eq!(ask.send(&world.app).await.status, 404);
}

#[tokio::test]
async fn only_administrators_learn_that_something_is_there() {
    let world = World::administered(&[]).await;
    let almost = OPS.strip_suffix("1").unwrap();
    for shown in [
        None,
        Some(String::new()),
        Some("Bearer ".to_owned()),
        Some("Bearer".to_owned()),
        Some(format!("Basic {OPS}")),
        Some(OPS.to_owned()),
        Some(format!("Bearer {almost}")),
        Some(format!("Bearer  {OPS}")),
        Some(format!("Bearer ops:{OPS}")),
    ] {
        for target in [USER, "/admin/nonsense"] {
            let mut ask = request("GET", target);
            if let Some(shown) = &shown {
                ask = ask.header("authorization", shown);
            }
            let answer = send_admin(&world.app, ask.body(Body::empty()).unwrap()).await;
            assert_eq!((answer.status, &*answer.code()), (401, "admin_token_invalid"), "{shown:?}");
            let challenge = answer.header("www-authenticate").unwrap();
            assert!(challenge.starts_with("Bearer "), "{challenge}");
            assert!(!answer.body.contains("login_url"), "{}", answer.body);
        }
    }
    let twice = request("GET", USER).header("authorization", format!("Bearer {OPS}"));
    let twice = twice.header("authorization", format!("Bearer {OPS}")).body(Body::empty());
    assert_eq!(send_admin(&world.app, twice.unwrap()).await.status, 401);
    let lower = request("GET", USER).header("authorization", format!("bearer {OPS}"));
    assert_eq!(send_admin(&world.app, lower.body(Body::empty()).unwrap()).await.status, 200);
    for (method, target, status) in
        [(Method::GET, "/admin/nonsense", 404), (Method::POST, "/admin/config", 405)]
    {
        let answer = ask_admin(&world.app, method, target, &Value::Null).await;
        assert_eq!((answer.status, answer.code().is_empty()), (status, false));
        // RFC 9110 section 15.5.6.
        assert_eq!(answer.header("allow").is_some(), status == 405, "{answer:?}");
    }
}

#[tokio::test]
async fn an_administrator_sees_and_ends_the_sessions_of_a_user() {
    let world = World::administered(&[]).await;
    let browser = world.signed_in().await;
    let answer = ask_admin(&world.app, Method::GET, USER, &Value::Null).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let told = answer.json();
    let device = told["sessions"][0]["device"].clone();
    assert_eq!(
        told,
        json!({
            "user": { "id": "alice", "iss": world.idp.issuer, "tenant": "" },
            "flags": { "suspended": false, "banned": false },
            "sessions": [{
                "ref": browser.reference(), "created_at": NOW, "last_seen": NOW,
                "expires_at": NOW + 28_800, "device": device, "provider": null,
            }],
        })
    );
    let target = format!("/admin/sessions/{}", browser.reference());
    assert_eq!(ask_admin(&world.app, Method::DELETE, &target, &Value::Null).await.status, 204);
    assert!(!world.is_signed_in(&browser).await);
    for target in [target.as_str(), "/admin/sessions/x", "/admin/sessions/%ff"] {
        let answer = ask_admin(&world.app, Method::DELETE, target, &Value::Null).await;
        assert_eq!((answer.status, &*answer.code()), (404, "not_found"));
    }
}

#[tokio::test]
async fn a_session_that_cannot_be_read_ends_all_the_same() {
    let world = World::administered(&[]).await;
    let browser = world.signed_in().await;
    world.clock.advance(4000);
    let target = format!("/admin/sessions/{}", browser.reference());
    assert_eq!(ask_admin(&world.app, Method::DELETE, &target, &Value::Null).await.status, 204);
}

#[tokio::test]
async fn t10_users_of_one_id_are_told_apart_and_ids_are_decoded_once() {
    let world = World::administered(&[]).await;
    let odd = Browser::new();
    let login = world.begin(&odd, "/auth/login").await;
    world.finish_as(&odd, &login, &json!({ "sub": "a%2F/ü?" })).await;
    let plain = world.signed_in().await;
    let count = async |target: &str| {
        let answer = ask_admin(&world.app, Method::GET, target, &Value::Null).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()["sessions"].as_array().unwrap().len()
    };
    assert_eq!(count("/admin/users/a%252F%2F%C3%BC%3F/sessions").await, 1);
    assert_eq!(count("/admin/users/a%2F%2F%C3%BC%3F/sessions").await, 0);
    let issuer: String =
        url::form_urlencoded::byte_serialize(world.idp.issuer.as_bytes()).collect();
    assert_eq!(count(&format!("{USER}?iss={issuer}")).await, 1);
    assert_eq!(count(&format!("{USER}?iss={issuer}%2F")).await, 0);
    assert_eq!(count(&format!("{USER}?tenant=t1")).await, 0);
    // A misspelt narrowing would mean everybody's sessions, or somebody else's.
    for query in ["?issuer=x", "?iss=a&iss=b", "?tenant=a&tenant=b"] {
        let target = format!("{USER}{query}");
        let answer = ask_admin(&world.app, Method::DELETE, &target, &Value::Null).await;
        assert_eq!((answer.status, &*answer.code()), (400, "query_invalid"));
    }
    let answer = ask_admin(&world.app, Method::DELETE, "/admin/users/%ff/sessions", &Value::Null);
    assert_eq!(answer.await.code(), "user_id_invalid");
    assert!(world.is_signed_in(&odd).await && world.is_signed_in(&plain).await);
}

#[tokio::test]
async fn tokens_that_are_outside_are_denied() {
    let world = World::administered(&[]).await;
    let post =
        async |body: Value| ask_admin(&world.app, Method::POST, "/admin/revocations", &body).await;
    let token = json!({ "iss": "https://i", "jti": "t1", "exp": NOW + 60 });
    assert_eq!(post(token.clone()).await.json(), json!({ "kept_seconds": 60 }));
    assert_eq!(world.denied("t1"), Some(token));
    let over = json!({ "iss": "https://i", "jti": "t2", "exp": NOW - 300 });
    assert_eq!(post(over).await.json(), json!({ "kept_seconds": 0 }));
    assert_eq!(world.denied("t2"), None);
    // Clocks may differ, so one that has just ended may still be taken.
    let late = json!({ "iss": "https://i", "jti": "t3", "exp": NOW - 20 });
    assert_eq!(post(late.clone()).await.json(), json!({ "kept_seconds": 280 }));
    assert_eq!(world.denied("t3"), Some(late));
    let user = json!({ "iss": "https://i", "user_id": "bob" });
    assert_eq!(post(user).await.json(), json!({ "kept_seconds": 86_400 }));
    let expected = json!({ "iss": "https://i", "user_id": "bob", "revoked_before": NOW });
    assert_eq!(world.denied("user:bob"), Some(expected));

    for (body, code) in [
        (json!({}), "body_invalid"),
        (json!({ "jti": "t", "exp": NOW + 1 }), "body_invalid"),
        (json!({ "iss": "i", "jti": "t", "exp": "soon" }), "body_invalid"),
        (json!({ "iss": "i", "user_id": "u", "more": 1 }), "body_invalid"),
        (json!({ "iss": "i" }), "revocation_invalid"),
        (json!({ "iss": "", "user_id": "u" }), "revocation_invalid"),
        (json!({ "iss": "i", "user_id": "" }), "revocation_invalid"),
        (json!({ "iss": "i", "jti": "t" }), "revocation_invalid"),
        (json!({ "iss": "i", "jti": "t", "exp": NOW + 1, "user_id": "u" }), "revocation_invalid"),
        (json!({ "iss": "i", "jti": "t", "exp": NOW * 1000 }), "revocation_invalid"),
        (json!({ "iss": "i", "jti": "user:bob", "exp": NOW + 1 }), "revocation_invalid"),
        (json!({ "iss": "i", "jti": "iss:bob", "exp": NOW + 1 }), "revocation_invalid"),
        (json!({ "iss": "i", "jti": "t".repeat(513), "exp": NOW + 1 }), "revocation_invalid"),
        (json!({ "iss": "i", "jti": "t".repeat(17_000), "exp": NOW + 1 }), "body_unreadable"),
    ] {
        let answer = post(body).await;
        assert_eq!((answer.status, &*answer.code()), (400, code));
    }
    for body in [json!({ "suspended": 1 }), json!([]), json!({ "admin": true }), Value::Null] {
        let answer = ask_admin(&world.app, Method::PUT, "/admin/users/bob/flags", &body).await;
        assert_eq!((answer.status, &*answer.code()), (400, "body_invalid"));
    }
}

#[tokio::test]
async fn c86_the_configuration_is_told_without_a_secret() {
    let world = World::administered(&[("BFF_INTERNAL_TOKEN", "canary-internal-token")]).await;
    let answer = ask_admin(&world.app, Method::GET, "/admin/config", &Value::Null).await;
    assert_eq!(answer.status, 200);
    assert!(!answer.body.contains("canary"), "{}", answer.body);
    assert!(!answer.body.contains("AQIDBAUGBwgJ"), "{}", answer.body);
    let told = answer.json();
    let config = &told["config"];
    assert_eq!(config["issuer"], world.idp.issuer);
    assert_eq!((&config["edge_keys"], &config["session_keys"]), (&json!(["k1"]), &json!(["k1"])));
    assert_eq!((&config["administrators"], &config["internal_token"]), (&json!(2), &json!(true)));

    // The same at every replica that is set up in the same way, and at no other.
    let hash = async |app| {
        let answer = ask_admin(app, Method::GET, "/admin/config", &Value::Null).await;
        answer.json()["sha256"].clone()
    };
    let other = world.replica();
    assert_eq!(hash(&other).await, told["sha256"]);
    let changed = World::administered(&[("SESSION_MAX_PER_USER", "3")]).await;
    assert_ne!(hash(&changed.app).await, told["sha256"]);
}

#[tokio::test]
async fn c80_without_the_store_an_administrator_is_told_so() {
    let world = World::administered(&[]).await;
    let browser = world.signed_in().await;
    let away = world.replica_without_store().await;
    let session = format!("/admin/sessions/{}", browser.reference());
    let user = json!({ "iss": "https://i", "user_id": "bob" });
    for (method, target, body) in [
        (Method::GET, USER, Value::Null),
        (Method::DELETE, USER, Value::Null),
        (Method::DELETE, session.as_str(), Value::Null),
        (Method::PUT, "/admin/users/alice/flags", json!({ "banned": true })),
        (Method::POST, "/admin/revocations", user),
    ] {
        let answer = ask_admin(&away, method, target, &body).await;
        assert_eq!((answer.status, &*answer.code()), (503, "store_unavailable"), "{target}");
        assert_eq!(answer.header("retry-after"), Some("1"));
    }
    assert!(world.is_signed_in(&browser).await);
    assert_eq!(world.app.store.index_list(&world.alice().index()).await.map(|l| l.len()), Ok(1));
}
