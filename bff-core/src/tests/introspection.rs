//! Opaque tokens, which their issuer is asked about.

use serde_json::{Value, json};

use super::bearer::ask;
use crate::oidc::mock::{NOW, Reply, changed};
use crate::testing::World;

const AUDIENCE: &str = "https://api.example";

async fn world() -> World {
    let world = World::configured(&[], |issuer, service| {
        let routes = format!(
            r#"
services:
  api: {{ base_url: "{service}" }}
routes:
  - {{ id: bearer, path: "/api/b/*", target_service: api, methods: [GET], auth: bearer }}
  - {{ id: scoped, path: /api/scoped, target_service: api, methods: [GET], auth: bearer, scopes: {{ any: [orders.read] }} }}
"#
        );
        let idps = format!(
            r#"
idps:
  - name: main
    issuer: "{issuer}"
    audience: "{AUDIENCE}"
    introspection:
      url: "{issuer}/introspect"
      ttl: 60s
      client: {{ id: asker, auth: client_secret_post, secret: canary-asker-secret }}
"#
        );
        vec![("routes.yaml", routes), ("idps.yaml", idps)]
    })
    .await;
    answers(&world, &json!({}));
    world
}

/// The issuer calls every token good, with `changes`; `null` removes a member.
fn answers(world: &World, changes: &Value) {
    let claims = json!({
        "active": true, "iss": world.idp.issuer, "aud": AUDIENCE, "sub": "bob",
        "client_id": "robot", "scope": "orders.read", "exp": NOW + 300, "token_type": "Bearer",
    });
    let claims = changed(claims, changes);
    world.idp.always("/introspect", Reply::json(200, claims));
}

fn asked(world: &World) -> usize {
    world.idp.seen("/introspect").len()
}

#[tokio::test]
async fn c61_an_opaque_token_is_what_its_issuer_says_of_it() {
    let world = world().await;
    for path in ["/api/b/1", "/api/scoped"] {
        assert_eq!(ask(&world, path, "opaque-1").await.status, 200, "{path}");
    }
    let seen = world.service.last();
    assert_eq!(seen.header("authorization"), Some("Bearer opaque-1"));
    assert_eq!(seen.header("x-user-id"), Some("bob"));
    let question = world.idp.seen("/introspect").pop().unwrap();
    assert_eq!(question.param("token"), Some("opaque-1"));
    assert_eq!(question.param("client_id"), Some("asker"));
    assert_eq!(question.param("client_secret"), Some("canary-asker-secret"));
    assert_eq!(asked(&world), 1, "the answer was kept");
}

#[tokio::test]
async fn t11_what_would_refuse_a_jwt_refuses_an_opaque_token() {
    let world = world().await;
    for (number, changes) in [
        json!({ "active": false }),
        json!({ "aud": "https://elsewhere.example" }),
        json!({ "aud": null }),
        json!({ "iss": "https://evil.test" }),
        json!({ "exp": NOW - 31 }),
        json!({ "exp": "soon" }),
        json!({ "nbf": NOW + 300 }),
        json!({ "sub": null, "client_id": null }),
        json!({ "token_type": "refresh_token" }),
        json!({ "cnf": { "jkt": "x" } }),
        json!({ "cnf": { "x5t#S256": "x" } }),
    ]
    .iter()
    .enumerate()
    {
        answers(&world, changes);
        let answer = ask(&world, "/api/b/1", &format!("opaque-{number}")).await;
        assert_eq!((answer.status, &*answer.code()), (401, "invalid_token"), "{changes}");
    }
    assert!(world.service.seen().is_empty());
    answers(&world, &json!({ "scope": "other" }));
    assert_eq!(ask(&world, "/api/scoped", "opaque-poor").await.status, 403);
    answers(&world, &json!({ "sub": null, "iss": null, "aud": [AUDIENCE, "x"] }));
    assert_eq!(ask(&world, "/api/b/1", "opaque-program").await.status, 200);
    assert_eq!(world.service.last().header("x-user-id"), Some(""));
}

#[tokio::test]
async fn t12_an_answer_counts_for_its_time_and_no_longer_than_the_token() {
    let world = world().await;
    answers(&world, &json!({ "exp": NOW + 20 }));
    assert_eq!(ask(&world, "/api/b/1", "short").await.status, 200);
    world.clock.advance(19);
    assert_eq!((ask(&world, "/api/b/1", "short").await.status, asked(&world)), (200, 1));
    world.clock.advance(1);
    answers(&world, &json!({ "active": false }));
    assert_eq!((ask(&world, "/api/b/1", "short").await.status, asked(&world)), (401, 2));
    assert_eq!((ask(&world, "/api/b/1", "short").await.status, asked(&world)), (401, 2));
    // It became good again, as for a clock that was behind.
    answers(&world, &json!({ "exp": NOW + 900 }));
    world.clock.advance(6);
    assert_eq!((ask(&world, "/api/b/1", "short").await.status, asked(&world)), (200, 3));
    world.clock.advance(60);
    assert_eq!((ask(&world, "/api/b/1", "short").await.status, asked(&world)), (200, 4));
}

#[tokio::test]
async fn c49_many_who_show_one_token_ask_once_and_an_issuer_that_is_away_is_503() {
    let world = world().await;
    let all = (0..20).map(|_| ask(&world, "/api/b/1", "shared"));
    for answer in futures_util::future::join_all(all).await {
        assert_eq!(answer.status, 200);
    }
    assert_eq!(asked(&world), 1);
    for reply in [
        Reply::error(500, "server_error"),
        Reply::error(401, "invalid_client"),
        Reply::Drop,
        Reply::text(200, "text/html", "<html>"),
        Reply::json(200, json!({ "active": "yes" })),
    ] {
        world.idp.always("/introspect", reply);
        let answer = ask(&world, "/api/b/1", "new").await;
        assert_eq!((answer.status, &*answer.code()), (503, "temporarily_unavailable"));
        assert!(answer.header("retry-after").is_some());
    }
    assert_eq!(ask(&world, "/api/b/1", "shared").await.status, 200);
}

#[tokio::test]
async fn t11_a_jwt_is_never_shown_to_the_issuer_and_a_token_of_no_form_to_nobody() {
    let world = world().await;
    let long = "a".repeat(9_000);
    for token in ["a.b.c", "a b", "a,b", &long] {
        let answer = ask(&world, "/api/b/1", token).await;
        assert!(matches!(answer.status, 400 | 401), "{token} {answer:?}");
    }
    assert_eq!(asked(&world), 0);
}

/// What the issuer said of it before is kept, and does not count against the list.
#[tokio::test]
async fn t15_an_opaque_token_that_is_denied_is_refused_at_the_next_request() {
    let world = world().await;
    answers(&world, &json!({ "jti": "opaque-1", "iat": NOW }));
    assert_eq!(ask(&world, "/api/b/1", "abc").await.status, 200);
    let key = session::denied::DeniedKey::token(&world.idp.issuer, "opaque-1");
    let keep = std::time::Duration::from_secs(60);
    let store = world.app.store.clone();
    session::denied::deny(&store, &key, session::denied::Denied::Token, keep).await.unwrap();
    let answer = ask(&world, "/api/b/1", "abc").await;
    assert_eq!((answer.status, &*answer.code()), (401, "invalid_token"));
    assert_eq!(asked(&world), 1);
}
