//! A policy that is for one tenant's sessions.

use e2e::agent::Agent;
use e2e::idp;
use e2e::stack::Stack;
use e2e::traefik::HOST;
use http::Method;

const OTHER: &str = "b.wicket.test";

const TENANTS: &str = r#"
tenants:
  - { id: a, hosts: ["app.wicket.test:{port}"] }
  - id: b
    hosts: ["b.wicket.test:{port}"]
    client: { id: bff-post, auth: client_secret_post, secret: "${B_SECRET}" }
"#;

const POLICIES: &str = "policies: { of-a: { tenant: a }, of-b: { tenant: b }, of-all: {} }";

async fn sign_in(agent: &Agent, origin: &str, user: &str) {
    let form = agent.navigate(&format!("{origin}/auth/login?return_to=/")).await;
    let page = idp::submit_login(agent, &form, user).await;
    assert_eq!(page.url.as_str(), format!("{origin}/"), "{} {}", page.status, page.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn c79_a_policy_lets_in_the_sessions_of_its_tenant_alone() {
    let stack = Stack::plan()
        .host(OTHER)
        .tenants(TENANTS)
        .bff("B_SECRET", idp::POST_SECRET)
        .policies(POLICIES)
        .edge("WICKETGATE_POLICIES", "of-a,of-b,of-all")
        .start()
        .await;
    let at_other = stack.origin.replacen(HOST, OTHER, 1);
    for (origin, mine, others) in [(&stack.origin, "of-a", "of-b"), (&at_other, "of-b", "of-a")] {
        let agent = stack.agent();
        sign_in(&agent, origin, "alice").await;
        for (name, status) in [(mine, 200), ("of-all", 200), (others, 403)] {
            stack.protected.take();
            let reply = agent.fetch(Method::GET, &format!("{origin}/app/{name}/x")).send().await;
            assert_eq!(reply.status, status, "{origin} {name}: {}", reply.text());
            let reached = stack.protected.take();
            if status == 200 {
                assert_eq!(reached.len(), 1, "{origin} {name}");
                assert_eq!(format!("of-{}", reached[0].header("x-tenant-id")), mine);
            } else {
                assert_eq!(reply.problem(), "insufficient_scope");
                assert!(reached.is_empty(), "{origin} {name}");
            }
        }
    }
}
