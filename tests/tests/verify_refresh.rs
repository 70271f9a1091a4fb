//! Verify has the BFF refresh: in time, so that roles stay fresh, and at once where it hands on the
//! access token.

use std::collections::BTreeSet;

use e2e::clock;
use e2e::scratch::Scratch;
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

/// As an operator writes a mounted secret anew, for `bff` first.
#[tokio::test(flavor = "multi_thread")]
async fn the_token_between_the_programs_is_exchanged_without_a_restart_and_without_a_refusal() {
    const FILE: &str = "BFF_INTERNAL_TOKEN_FILE";
    let scratch = Scratch::new();
    let write = |name: &str, token: &str| scratch.write(name, format!("{token}\n"));
    let (of_bff, of_verify) = (write("bff", TOKEN), write("verify", TOKEN));
    let stack = plan()
        .bff("OIDC_DPOP", "off")
        .bff("BFF_INTERNAL_TOKEN", "")
        .forwardauth("BFF_INTERNAL_TOKEN", "")
        .bff(FILE, of_bff.display())
        .forwardauth(FILE, of_verify.display())
        .forwardauth("FORWARDAUTH_AUTHORIZATION", "access")
        .start()
        .await;
    let operator = stack.agent();
    let read = async |program: &e2e::program::Program, times: f64| {
        let labels = format!("file=\"{FILE}\",result=\"ok\"");
        wait::until("the program has the new token", wait::START, async || {
            (program.metric(&operator, "config_reloads_total", &labels).await >= times)
                .then_some(())
        })
        .await;
    };
    // Whoever has just come has no token that is kept, so that it is asked for.
    let handed_on = async || {
        let agent = stack.agent();
        stack.sign_in_directly(&agent, "alice").await;
        for verify in stack.verifies() {
            let reply = stack.ask_verify_at(verify, &agent, "/app/").send().await;
            assert_eq!(reply.status, 200, "{}", reply.text());
            assert!(reply.header("authorization").starts_with("Bearer ey"), "not handed on");
        }
    };
    for (times, token) in [(1.0, "next-0123456789abcdef0123456789abcdef"), (2.0, TOKEN)] {
        handed_on().await;
        write("bff", token);
        read(&stack.bff, times).await;
        handed_on().await;
        write("verify", token);
        read(&stack.forwardauth, times).await;
        read(&stack.second_verify.as_ref().expect("a second verify").program, times).await;
        handed_on().await;
    }
    let refused = "outcome=\"refused\"";
    for program in [&stack.forwardauth, &stack.second_verify.as_ref().expect("another").program] {
        let refused = program.metric(&operator, "forwardauth_bff_requests_total", refused).await;
        assert!(refused < 0.5, "the BFF refused {refused} times");
        assert!(
            program.metric(&operator, "forwardauth_bff_requests_total", "outcome=\"ok\"").await
                > 4.5
        );
    }
}
