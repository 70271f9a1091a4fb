//! Two login providers: each session belongs to the one it came from.

use e2e::agent::Agent;
use e2e::clock;
use e2e::idp;
use e2e::stack::Stack;
use http::Method;
use serde_json::json;

async fn sign_in_with_the_partner(stack: &Stack, agent: &Agent, user: &str) {
    let form = agent.navigate(&stack.at("/auth/login?idp=partner&return_to=/app/")).await;
    let partner = stack.second_idp.as_ref().expect("two providers");
    assert!(form.url.as_str().starts_with(&partner.issuer), "{}", form.url);
    let landed = idp::submit_login(agent, &form, user).await;
    assert_eq!(landed.url.as_str(), stack.at("/app/"), "{} {}", landed.status, landed.text());
    assert_eq!(landed.status, 200, "{}", landed.text());
}

async fn call(stack: &Stack, agent: &Agent) -> u16 {
    agent.fetch(Method::GET, &stack.at("/api/echo/x")).send().await.status.as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn c03_a_session_is_made_refreshed_and_ended_by_the_provider_it_came_from() {
    let stack = Stack::plan().second_idp().idp("OP_AT_TTL", "1").start().await;
    let partner = stack.second_idp.as_ref().expect("two providers");
    let (ours, theirs) = (stack.agent(), stack.agent());
    stack.sign_in(&ours, "alice", "/app/").await;
    sign_in_with_the_partner(&stack, &theirs, "alice").await;

    for provider in [&stack.idp, partner] {
        provider.access_token_lifetime(3600).await;
        assert_eq!(provider.count("grant authorization_code").await, 1);
    }
    clock::reach(clock::now() + 2).await;
    assert_eq!(call(&stack, &theirs).await, 200);
    assert_eq!(stack.idp.count("grant refresh_token").await, 0);
    assert_eq!(partner.count("grant refresh_token").await, 1);
    assert_eq!(call(&stack, &ours).await, 200);
    assert_eq!(stack.idp.count("grant refresh_token").await, 1);
    assert_eq!(partner.count("grant refresh_token").await, 1);

    // The same name at another provider is another user.
    stack.idp.control("logout", &json!({"sub": "alice"})).await;
    assert_eq!(call(&stack, &ours).await, 401);
    assert_eq!(call(&stack, &theirs).await, 200);
    partner.control("logout", &json!({"sub": "alice"})).await;
    assert_eq!(call(&stack, &theirs).await, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn c03_logout_goes_to_the_provider_of_the_session() {
    let stack = Stack::plan().second_idp().start().await;
    let partner = stack.second_idp.as_ref().expect("two providers");
    let agent = stack.agent();
    sign_in_with_the_partner(&stack, &agent, "bob").await;
    let reply = stack.post(&agent, "/auth/logout", &json!({})).await;
    assert!(reply.status.is_success(), "{}", reply.text());
    assert!(reply.text().contains(&partner.issuer), "{}", reply.text());
    e2e::wait::until("the partner has its refresh token back", e2e::wait::START, async || {
        (partner.refresh_tokens().await == 0).then_some(())
    })
    .await;
    assert_eq!(stack.idp.count("POST /token/revocation").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn c22_a_provider_that_nobody_knows_or_that_is_named_twice_is_refused() {
    let stack = Stack::plan().second_idp().start().await;
    for query in ["idp=nobody", "idp=", "idp=partner&idp=partner", "idp=..%2fpartner"] {
        let reply = stack.agent().visit(&stack.at(&format!("/auth/login?{query}"))).send().await;
        assert_eq!(reply.status, 400, "{query}: {}", reply.text());
    }
    for provider in [&stack.idp, stack.second_idp.as_ref().expect("two providers")] {
        assert_eq!(provider.count("POST /request").await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c08_an_answer_in_the_name_of_one_provider_finishes_no_login_of_the_other() {
    let stack = Stack::plan().second_idp().start().await;
    let partner = stack.second_idp.as_ref().expect("two providers");
    let agent = stack.agent();
    let callback = stack.up_to_the_callback(&agent, "mallory", stack.bff_address).await;
    let spelled =
        |issuer: &str| url::form_urlencoded::byte_serialize(issuer.as_bytes()).collect::<String>();
    let forged = callback.replacen(&spelled(&stack.idp.issuer), &spelled(&partner.issuer), 1);
    assert_ne!(forged, callback, "the callback names no issuer");
    let landed = stack.visit_bff(stack.bff_address, &agent, &forged).send().await;
    assert_eq!(stack.cookie(&agent), "", "{} {}", landed.status, landed.text());
    for provider in [&stack.idp, partner] {
        assert_eq!(provider.count("POST /token").await, 0, "a code was spent");
    }
}
