//! Named policies as a proxy meets them: each key that refuses, and the headers that are mapped.

use bytes::Bytes;
use http::StatusCode;
use session::edge::{EdgeView, claims};
use tempfile::TempDir;

use super::gate::{Answer, Gate, of_tenant, question, somebody, tenants};

const FILE: &str = r"
policies:
  open: {}
  scopes: { scopes: { all: [openid], any: ['orders:read', 'orders:write'] } }
  no-scopes: { scopes: { all: ['orders:write'] } }
  roles: { roles: { any: [OWNER, AUDITOR] } }
  no-roles: { roles: { all: [ADMIN, OWNER] } }
  groups: { groups: { all: [on call], any: [staff] } }
  no-groups: { groups: { any: [board] } }
  tenant: { tenant: t1 }
  no-tenant: { tenant: t2 }
  email: { email_domains: [example.org, EXAMPLE.com] }
  no-email: { email_domains: [ample.com, com, example.com.example.net] }
  acr: { acr: [urn:mfa, urn:pwd] }
  no-acr: { acr: [urn:hwk, urn:mfa] }
  max-age: { max_age: 2m }
  no-max-age: { max_age: 1m }
  apps:
    groups: { any: [staff] }
    headers:
      Remote-User: preferred_username
      Remote-Email: email
      Remote-Groups: groups
      Remote-Name: name
      X-Auth-Request-User: user_id
      X-Auth-Request-Access: scopes
      X-Forwarded-Email: unverified_email
      X-Forwarded-User: user_id
      X-Department: org.unit
      X-Tenant: tenant_slug
      X-Issuer: issuer
      X-Roles: roles
      X-Acr: acr
      X-Reference: session_id
      X-Since: auth_time
      X-Unknown: nobody.knows
";

/// A gate of two tenants with [`FILE`], which must live as long.
async fn gate() -> (Gate, TempDir) {
    let directory = tenants();
    std::fs::write(directory.path().join("forwardauth.yaml"), FILE).unwrap();
    let place = directory.path().to_str().unwrap();
    let variables = [("BFF_CONFIG_DIR", place), ("FORWARDAUTH_INLINE_POLICY", "true")];
    (Gate::with(&variables).await, directory)
}

fn claims_of(pairs: &[(&str, &str)]) -> Bytes {
    claims::encode(pairs.iter().copied()).unwrap()
}

fn known() -> EdgeView {
    EdgeView {
        groups: "staff,on%20call".into(),
        claims: claims_of(&[
            (claims::USERNAME, "al"),
            (claims::EMAIL, "alice@Example.com"),
            (claims::EMAIL_VERIFIED, claims::YES),
            (claims::NAME, "Alice %C3%84"),
            ("org.unit", "Sales"),
        ]),
        ..of_tenant("t1")
    }
}

async fn ask(view: &EdgeView, query: &str) -> Answer {
    let (gate, _file) = gate().await;
    let session = gate.sign_in(view).await;
    gate.ask(question(&format!("/auth/verify?{query}")).cookie(&session).request()).await
}

#[tokio::test]
async fn each_key_of_a_policy_lets_in_and_refuses() {
    let (gate, _file) = gate().await;
    let session = gate.sign_in(&known()).await;
    for (names, refused) in [
        (["open", "open"], StatusCode::OK),
        (["scopes", "no-scopes"], StatusCode::FORBIDDEN),
        (["roles", "no-roles"], StatusCode::FORBIDDEN),
        (["groups", "no-groups"], StatusCode::FORBIDDEN),
        (["tenant", "no-tenant"], StatusCode::FORBIDDEN),
        (["email", "no-email"], StatusCode::FORBIDDEN),
        (["acr", "no-acr"], StatusCode::UNAUTHORIZED),
        (["max-age", "no-max-age"], StatusCode::UNAUTHORIZED),
    ] {
        for (name, expected) in names.into_iter().zip([StatusCode::OK, refused]) {
            let asked = question(&format!("/auth/verify?policy={name}")).cookie(&session);
            let answer = gate.ask(asked.request()).await;
            assert_eq!(answer.status, expected, "{name}: {}", answer.body);
        }
    }
    for (query, expected) in [
        ("policy=open&role=OWNER", StatusCode::FORBIDDEN),
        ("policy=no-roles&role=ADMIN", StatusCode::FORBIDDEN),
        ("policy=tenant&tenant=t2", StatusCode::INTERNAL_SERVER_ERROR),
        ("policy=gone", StatusCode::INTERNAL_SERVER_ERROR),
    ] {
        let asked = question(&format!("/auth/verify?{query}")).cookie(&session);
        assert_eq!(gate.ask(asked.request()).await.status, expected, "{query}");
    }
}

#[tokio::test]
async fn a_step_up_of_a_named_policy_asks_the_login_for_it() {
    insta::assert_snapshot!(ask(&known(), "policy=no-acr&max_age=60").await.shown());
}

#[tokio::test]
async fn t09_an_address_that_nobody_vouches_for_is_in_no_domain() {
    for (pairs, expected) in [
        (&[("email", "a@example.com"), ("email_verified", "true")][..], StatusCode::OK),
        (&[("email", "a@example.com")], StatusCode::FORBIDDEN),
        (&[("email", "a@example.com"), ("email_verified", "false")], StatusCode::FORBIDDEN),
        (&[("email", "a@x.example.com"), ("email_verified", "true")], StatusCode::FORBIDDEN),
        (&[("email", "example.com"), ("email_verified", "true")], StatusCode::FORBIDDEN),
        (&[("email", "a@example.com."), ("email_verified", "true")], StatusCode::FORBIDDEN),
        (&[("email", "@"), ("email_verified", "true")], StatusCode::FORBIDDEN),
        (&[("email_verified", "true")], StatusCode::FORBIDDEN),
        (&[], StatusCode::FORBIDDEN),
    ] {
        let view = EdgeView { claims: claims_of(pairs), ..of_tenant("t1") };
        assert_eq!(ask(&view, "policy=email").await.status, expected, "{pairs:?}");
    }
}

#[tokio::test]
async fn t16_what_is_not_one_name_at_one_domain_is_in_no_domain() {
    for email in [
        "a@evil.test@example.com",
        "a@@example.com",
        "a@example.com@evil.test",
        "@example.com",
        "a@example.com@",
    ] {
        let pairs = [("email", email), ("email_verified", "true")];
        let view = EdgeView { claims: claims_of(&pairs), ..of_tenant("t1") };
        assert_eq!(ask(&view, "policy=email").await.status, StatusCode::FORBIDDEN, "{email}");
    }
}

#[tokio::test]
async fn mapped_headers_have_the_claims() {
    insta::assert_snapshot!(ask(&known(), "policy=apps").await.shown());
}

#[tokio::test]
async fn t04_mapped_headers_are_all_there_and_empty_where_unknown() {
    let view = EdgeView { groups: "staff".into(), tenant_id: "t1".into(), ..somebody() };
    insta::assert_snapshot!(ask(&view, "policy=apps").await.shown());
}

#[tokio::test]
async fn t04_an_unverified_address_is_told_only_to_who_asks_for_it_by_that_name() {
    let view = EdgeView { claims: claims_of(&[("email", "alice@example.com")]), ..known() };
    let answer = ask(&view, "policy=apps").await;
    assert_eq!(answer.headers["remote-email"], "");
    assert_eq!(answer.headers["x-forwarded-email"], "alice@example.com");
}

#[tokio::test]
async fn t04_a_refused_request_gets_no_mapped_header() {
    let answer = ask(&EdgeView { groups: Bytes::new(), ..known() }, "policy=apps").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.has_no_identity());
    assert!(!answer.headers.keys().any(|name| name.as_str().starts_with("remote-")));
}

#[tokio::test]
async fn t08_a_claim_that_no_header_may_hold_is_refused_and_not_dropped() {
    let broken = EdgeView { claims: claims_of(&[(claims::NAME, "a\nb")]), ..known() };
    assert_eq!(ask(&broken, "policy=apps").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(ask(&broken, "policy=open").await.status, StatusCode::OK, "nobody asked for it");
}
