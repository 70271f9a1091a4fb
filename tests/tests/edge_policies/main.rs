//! Named policies as a deployment has them: a middleware of Traefik for each, the real programs behind
//! it, and what services see of it.

mod headers;
mod reload;
mod step_up;
mod tenants;

use e2e::clock;
use e2e::stack::Stack;
use http::Method;
use serde_json::json;

/// A name of each says what becomes of alice: her roles are `admin` and `user`, her groups `staff` and
/// `on call`.
const POLICIES: &str = r#"
policies:
  open: {}
  scopes: { scopes: { all: ["orders:read"], any: ["orders:write", "orders:delete"] } }
  no-scopes: { scopes: { all: ["orders:read", "orders:delete"] } }
  roles: { roles: { all: [user], any: [admin, owner] } }
  no-roles: { roles: { any: [owner] } }
  groups: { groups: { all: [on call], any: [staff, board] } }
  no-groups: { groups: { all: [staff, board] } }
  no-tenant: { tenant: acme }
  email: { email_domains: [example.test] }
  no-email: { email_domains: [wicket.test, test] }
  acr: { acr: ["urn:test:mfa", "urn:test:pwd"] }
  no-acr: { acr: ["urn:test:mfa"] }
  age: { max_age: 1h }
  soon: { max_age: 4s }
  apps:
    headers:
      Remote-User: preferred_username
      Remote-Email: email
      Remote-Groups: groups
      Remote-Name: name
      X-Auth-Request-User: user_id
      X-Auth-Request-Email: unverified_email
      X-Department: org.unit
      X-Forwarded-Groups: roles
      X-Auth-Request-Groups: nothing
"#;
const NAMES: &str = "open,scopes,no-scopes,roles,no-roles,groups,no-groups,no-tenant,email,no-email,\
                     acr,no-acr,age,soon,apps,gone";

async fn start() -> Stack {
    let stack = Stack::plan()
        .policies(POLICIES)
        .edge("WICKETGATE_POLICIES", NAMES)
        .edge("WICKETGATE_HEADERS", "X-Department")
        .bff("BFF_EDGE_CLAIMS", "org.unit")
        .start()
        .await;
    let said = json!({ "name": "Alice Müller", "groups": ["staff", "on call"] });
    stack.idp.control("account", &json!({ "sub": "alice", "set": said })).await;
    stack
}

#[tokio::test(flavor = "multi_thread")]
async fn each_route_has_the_policy_that_its_middleware_names() {
    let stack = start().await;
    let agent = stack.signed_in("alice").await;
    for (name, status, code) in [
        ("open", 200, ""),
        ("scopes", 200, ""),
        ("no-scopes", 403, "insufficient_scope"),
        ("roles", 200, ""),
        ("no-roles", 403, "insufficient_scope"),
        ("groups", 200, ""),
        ("no-groups", 403, "insufficient_scope"),
        ("no-tenant", 403, "insufficient_scope"),
        ("email", 200, ""),
        ("no-email", 403, "insufficient_scope"),
        ("acr", 200, ""),
        ("no-acr", 401, "insufficient_user_authentication"),
        ("age", 200, ""),
        ("apps", 200, ""),
        ("gone", 500, "policy"),
    ] {
        stack.protected.take();
        let reply = agent.fetch(Method::GET, &stack.at(&format!("/app/{name}/x"))).send().await;
        assert_eq!(reply.status, status, "{name}: {}", reply.text());
        let reached = stack.protected.take().len();
        if status == 200 {
            assert_eq!(reached, 1, "{name}");
        } else {
            assert_eq!((reply.problem().as_str(), reached), (code, 0), "{name}");
        }
    }
    let log = stack.forwardauth.log();
    assert!(log.contains("names a policy that is not defined"), "{log}");

    // Nobody else's session fares better at a policy than none.
    let stranger = stack.agent();
    for name in ["open", "apps"] {
        let reply = stranger.fetch(Method::GET, &stack.at(&format!("/app/{name}/x"))).send().await;
        assert_eq!(reply.status, 401, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t16_a_role_that_is_taken_away_at_the_provider_is_refused_after_the_refresh() {
    let stack = Stack::plan()
        .idp("OP_AT_TTL", "1")
        .policies("policies: { admins: { roles: { any: [admin] } } }")
        .edge("WICKETGATE_POLICIES", "admins")
        .start()
        .await;
    let agent = stack.signed_in("alice").await;
    let status = async || {
        let reply = agent.fetch(Method::GET, &stack.at("/app/admins/x")).send().await;
        (reply.status.as_u16(), stack.protected.take().len())
    };
    assert_eq!(status().await, (200, 1));

    let fewer = json!({ "sub": "alice", "set": { "roles": ["user"] } });
    stack.idp.control("account", &fewer).await;
    stack.idp.access_token_lifetime(3600).await;
    clock::reach(clock::now() + 2).await;
    // The call finds its token over.
    let call = agent.fetch(Method::GET, &stack.at("/api/echo/x")).send().await;
    assert_eq!(call.status, 200, "{}", call.text());
    assert_eq!(stack.idp.count("grant refresh_token").await, 1);
    assert_eq!(status().await, (403, 0));
}
