//! Verify has the BFF refresh: in time, so that roles stay fresh, and at once where it hands on the
//! access token.

use std::collections::BTreeSet;

use e2e::clock;
use e2e::stack::{Plan, Stack};
use e2e::wait;
use futures_util::future::join_all;

const TOKEN: &str = "internal-canary-0123456789abcdef0123456789abcdef";

fn plan() -> Plan {
    Stack::plan()
        .twice()
        .idp("OP_AT_TTL", "1")
        .bff("BFF_INTERNAL_TOKEN", TOKEN)
        .forwardauth("BFF_INTERNAL_TOKEN", TOKEN)
        .forwardauth("FORWARDAUTH_BFF_URL", "http://{bff_admin}")
}

#[tokio::test(flavor = "multi_thread")]
async fn c58_verify_lets_a_token_that_is_over_be_renewed_without_waiting_for_it() {
    let stack = plan().start().await;
    let agent = stack.agent();
    stack.sign_in_directly(&agent, "alice").await;
    stack.idp.access_token_lifetime(3600).await;
    clock::reach(clock::now() + 2).await;
    for verify in stack.verifies() {
        assert_eq!(stack.ask_verify_at(verify, &agent, "/app/").send().await.status, 200);
    }
    wait::until("the token is renewed", wait::START, async || {
        (stack.idp.count("grant refresh_token").await > 0).then_some(())
    })
    .await;
    for verify in stack.verifies() {
        for _ in 0..20 {
            assert_eq!(stack.ask_verify_at(verify, &agent, "/app/").send().await.status, 200);
        }
    }
    assert_eq!(stack.idp.count("grant refresh_token").await, 1);
    assert_eq!(stack.idp.spent_at_most().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn c49_verify_hands_on_one_fresh_token_however_many_ask() {
    let plan = plan().bff("OIDC_DPOP", "off").forwardauth("FORWARDAUTH_AUTHORIZATION", "access");
    let stack = plan.start().await;
    let agent = stack.agent();
    stack.sign_in_directly(&agent, "alice").await;
    stack.idp.access_token_lifetime(3600).await;
    clock::reach(clock::now() + 2).await;
    let asked = (0..50).flat_map(|_| stack.verifies()).map(|verify| {
        stack.ask_verify_at(verify, &agent, "/app/").header("authorization", "Bearer forged").send()
    });
    let mut tokens = BTreeSet::new();
    for reply in join_all(asked).await {
        assert_eq!(reply.status, 200, "{}", reply.text());
        tokens.insert(reply.header("authorization").to_owned());
    }
    assert_eq!(tokens.len(), 1);
    let token = tokens.pop_first().expect("one token");
    assert!(token.starts_with("Bearer ey"), "not an access token");
    assert_eq!(stack.idp.count("grant refresh_token").await, 1);

    // Traefik hands it to the service, in place of what the browser sent.
    stack.protected.take();
    let page = agent.visit(&stack.at("/app/")).header("authorization", "Bearer forged").send();
    assert_eq!(page.await.status, 200);
    assert_eq!(stack.protected.take()[0].all("authorization"), [token]);
}
