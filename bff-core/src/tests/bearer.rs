//! Routes that take the caller's own token.

use serde_json::{Value, json};

use crate::oidc::mock::{ACCESS_TOKEN, NOW, changed};
use crate::testing::{Answer, Browser, LISTED, World};

const AUDIENCE: &str = "https://api.example";

pub(super) async fn world() -> World {
    world_with(&[]).await
}

/// As [`world`], with these settings besides.
pub(super) async fn world_with(changes: &[(&str, &str)]) -> World {
    World::configured(changes, |issuer, service| {
        let routes = format!(
            r#"
services:
  api: {{ base_url: "{service}/base" }}
routes:
  - {{ id: bearer, path: "/api/b/*", target_service: api, upstream_path: "/b/{{path}}", methods: [GET, POST], auth: bearer }}
  - {{ id: scoped, path: /api/scoped, target_service: api, methods: [GET], auth: bearer, scopes: {{ any: [orders.read, orders.write] }} }}
  - {{ id: roles, path: /api/roles, target_service: api, methods: [GET], auth: bearer, roles: {{ all: [ADMIN] }} }}
  - {{ id: hybrid, path: /api/hybrid, target_service: api, methods: [GET, POST], auth: hybrid }}
  - {{ id: only, path: /api/only, target_service: api, methods: [GET], auth: bearer, idps: [other] }}
"#
        );
        let idps = format!(
            r#"
idps:
  - name: main
    issuer: "{issuer}"
    audience: "{AUDIENCE}"
    claims_mapping: {{ roles: [realm_access.roles], permissions: [resource.permissions] }}
  - name: other
    issuer: "{issuer}"
    audience: "https://other.example"
    jwks_url: "{issuer}/jwks"
"#
        );
        vec![("routes.yaml", routes), ("idps.yaml", idps)]
    })
    .await
}

/// A good access token with `changes`; `null` removes a claim.
pub(super) fn token(world: &World, changes: &Value) -> String {
    typed(world, "at+jwt", changes)
}

fn typed(world: &World, typ: &str, changes: &Value) -> String {
    let claims = json!({
        "iss": world.idp.issuer, "sub": "bob", "aud": AUDIENCE, "client_id": "robot",
        "exp": NOW + 300, "iat": NOW, "jti": "jti-1", "scope": "orders.list",
    });
    let claims = changed(claims, changes);
    world.idp.sign(&json!({ "alg": "ES256", "kid": "k1", "typ": typ }), &claims)
}

/// A program asks: neither cookie nor CSRF header.
pub(super) async fn ask(world: &World, path: &str, token: &str) -> Answer {
    let ask = Browser::new().get(path).header("authorization", &format!("Bearer {token}"));
    ask.send(&world.app).await
}

#[tokio::test]
async fn c61_a_good_token_goes_on_as_it_came_with_whom_it_speaks_for() {
    let world = world().await;
    let token = token(&world, &json!({}));
    let ask = Browser::new().post("/api/b/1?q=2").header("origin", "https://elsewhere.example");
    let answer = ask
        .header("sec-fetch-site", "cross-site")
        .header("authorization", &format!("bearer {token}"))
        .header("x-user-id", "evil")
        .header("x-tenant-id", "evil")
        .form("a=1")
        .send(&world.app)
        .await;
    assert_eq!(answer.status, 200, "no CSRF is asked of a token: {answer:?}");
    let seen = world.service.last();
    assert_eq!((&*seen.target, &*seen.body), ("/base/b/1?q=2", &b"a=1"[..]));
    assert_eq!(seen.header("authorization"), Some(&*format!("Bearer {token}")));
    assert_eq!(seen.header("x-user-id"), Some("bob"));
    for empty in ["x-tenant-id", "x-tenant-slug", "x-master-flags"] {
        assert_eq!(seen.header(empty), Some(""), "{empty}");
    }
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn t11_only_an_issuers_good_access_token_for_a_listed_audience_is_taken() {
    let world = world().await;
    let good = token(&world, &json!({}));
    let (rest, _) = good.rsplit_once('.').unwrap();
    let of = |changes: Value| token(&world, &changes);
    for (what, refused) in [
        ("expired", of(json!({ "exp": NOW - 31 }))),
        ("not yet", of(json!({ "nbf": NOW + 300 }))),
        ("issuer", of(json!({ "iss": "https://evil.test" }))),
        ("audience", of(json!({ "aud": "https://elsewhere.example" }))),
        ("no audience", of(json!({ "aud": null }))),
        ("no expiry", of(json!({ "exp": null }))),
        ("no subject", of(json!({ "sub": null }))),
        ("signature", format!("{rest}.AAAA")),
        ("an ID token", typed(&world, "JWT", &json!({}))),
        ("a context token", typed(&world, "wicket-context+jwt", &json!({}))),
        ("a key of the caller's", of(json!({ "cnf": { "jkt": "x" } }))),
        ("a certificate", of(json!({ "cnf": { "x5t#S256": "x" } }))),
        ("opaque", "opaque".to_owned()),
    ] {
        let answer = ask(&world, "/api/b/1", &refused).await;
        assert_eq!((answer.status, &*answer.code()), (401, "invalid_token"), "{what}");
        assert!(answer.header("www-authenticate").unwrap().starts_with("Bearer error="), "{what}");
        assert!(answer.json().get("login_url").is_none(), "{what}");
    }
    let missing = Browser::new().get("/api/b/1").send(&world.app).await;
    assert_eq!((missing.status, &*missing.code()), (401, "token_missing"));
    assert_eq!(missing.header("www-authenticate"), Some("Bearer"));
    let twice = Browser::new().get("/api/b/1").header("authorization", &format!("Bearer {good}"));
    let twice = twice.header("authorization", &format!("Bearer {good}")).send(&world.app).await;
    assert_eq!((twice.status, &*twice.code()), (400, "invalid_request"));
    assert!(world.service.seen().is_empty());
}

/// As the users of sessions are.
#[tokio::test]
async fn t04_whoever_a_token_speaks_for_is_told_in_header_text() {
    let world = world().await;
    for (sub, told) in [("a\nb", "a%0Ab"), ("a%0Ab", "a%250Ab"), ("jürgen", "j%C3%BCrgen")] {
        let answer = ask(&world, "/api/b/1", &token(&world, &json!({ "sub": sub }))).await;
        assert_eq!(answer.status, 200, "{sub}");
        assert_eq!(world.service.last().header("x-user-id"), Some(told));
    }
}

#[tokio::test]
async fn c61_scopes_roles_and_the_issuers_of_a_route_count() {
    let world = world().await;
    for (path, changes, status) in [
        ("/api/scoped", json!({}), 403),
        ("/api/scoped", json!({ "scope": "x orders.write" }), 200),
        ("/api/scoped", json!({ "scope": null, "scp": ["orders.read"] }), 200),
        ("/api/scoped", json!({ "resource": { "permissions": ["orders.read"] } }), 200),
        ("/api/scoped", json!({ "resource": { "permissions": "a orders.read" } }), 200),
        ("/api/roles", json!({ "roles": ["ADMIN"] }), 403),
        ("/api/roles", json!({ "realm_access": { "roles": ["ADMIN"] } }), 200),
        ("/api/only", json!({}), 401),
        ("/api/only", json!({ "aud": ["https://other.example", AUDIENCE] }), 200),
    ] {
        let answer = ask(&world, path, &token(&world, &changes)).await;
        assert_eq!(answer.status, status, "{path} {changes}");
        if status == 403 {
            assert_eq!(answer.code(), "insufficient_scope");
            let challenge = answer.header("www-authenticate").unwrap();
            let scopes =
                if path == "/api/scoped" { ", scope=\"orders.read orders.write\"" } else { "" };
            assert_eq!(challenge, format!("Bearer error=\"insufficient_scope\"{scopes}"));
        }
    }
}

#[tokio::test]
async fn c61_on_a_hybrid_route_a_token_decides_alone_and_a_cookie_needs_its_csrf_header() {
    let world = world().await;
    let browser = world.signed_in().await;
    let csrf = world.csrf(&browser).await;
    let sent = || world.service.last().header("authorization").map(str::to_owned);
    let good = token(&world, &json!({}));

    let shown = browser.post("/api/hybrid").header("authorization", &format!("Bearer {good}"));
    assert_eq!(shown.send(&world.app).await.status, 200);
    assert_eq!(sent(), Some(format!("Bearer {good}")));
    assert_eq!(world.service.last().header("x-user-id"), Some("bob"));

    let by_cookie = browser.post("/api/hybrid").with_csrf(&csrf);
    assert_eq!(by_cookie.send(&world.app).await.status, 200);
    assert_eq!(sent(), Some(format!("Bearer {ACCESS_TOKEN}")));
    assert_eq!(world.service.last().header("x-user-id"), Some("alice"));
    let other = browser.post("/api/hybrid").with_csrf(&csrf).header("authorization", "Basic YTpi");
    assert_eq!(other.send(&world.app).await.status, 200);

    let seen = world.service.seen().len();
    for shown in ["Bearer bad", "Bearer", "DPoP bad", "bearer  a b"] {
        let ask = browser.post("/api/hybrid").with_csrf(&csrf).header("authorization", shown);
        let answer = ask.send(&world.app).await;
        assert!(matches!(answer.status, 400 | 401), "{shown}: {answer:?}");
        assert!(answer.header("www-authenticate").unwrap().starts_with("Bearer"), "{shown}");
    }
    let without = browser.post("/api/hybrid").send(&world.app).await;
    assert_eq!((without.status, &*without.code()), (403, "csrf_header_missing"));
    let foreign = browser.post("/api/hybrid").with_csrf(&csrf).instead("origin", LISTED);
    assert_eq!(foreign.send(&world.app).await.status, 200);
    let stranger = Browser::new().get("/api/hybrid").send(&world.app).await;
    assert_eq!((stranger.status, &*stranger.code()), (401, "unauthenticated"));
    assert_eq!(world.service.seen().len(), seen + 1);
}

#[tokio::test]
async fn t11_who_is_suspended_is_so_with_a_token_too() {
    let world = world().await;
    let user = session::store::IndexKey::user("", &world.idp.issuer, "bob");
    let held = crate::sessions::Flags { suspended: true, banned: false };
    world.app.set_flags(&user, held).await.unwrap();
    let answer = ask(&world, "/api/b/1", &token(&world, &json!({}))).await;
    assert_eq!((answer.status, &*answer.code()), (403, "suspended"));
    let other = token(&world, &json!({ "sub": "carol" }));
    assert_eq!(ask(&world, "/api/b/1", &other).await.status, 200);
}
