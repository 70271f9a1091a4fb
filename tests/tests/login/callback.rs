//! The way back from the provider: in the browser that went, exact, and once.

use e2e::agent::{Agent, Reply};
use e2e::stack::Stack;
use url::Url;

use crate::{parameter, up_to_the_callback};

fn with_parameter(url: &Url, name: &str, value: Option<&str>) -> String {
    let mut changed = url.clone();
    let kept: Vec<_> = url
        .query_pairs()
        .filter(|(key, _)| key != name)
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .collect();
    changed.query_pairs_mut().clear().extend_pairs(kept);
    if let Some(value) = value {
        changed.query_pairs_mut().append_pair(name, value);
    }
    changed.into()
}

fn assert_no_session(stack: &Stack, agent: &Agent, reply: &Reply, what: &str) {
    assert!(
        !reply.status.is_success() || reply.header("content-type").starts_with("text/html"),
        "{what}: {}",
        reply.status
    );
    assert!(!reply.status.is_server_error(), "{what}: {} {}", reply.status, reply.text());
    assert_eq!(stack.cookie(agent), "", "{what} made a session");
}

#[tokio::test(flavor = "multi_thread")]
async fn t14_c03_a_callback_in_another_browser_is_refused_before_the_code_is_spent() {
    let stack = Stack::start().await;
    let (victim, attacker) = (stack.agent(), stack.agent());
    let callback = up_to_the_callback(&stack, &attacker, "mallory", "/").await;
    let reply = victim.visit(callback.as_str()).send().await;
    assert_no_session(&stack, &victim, &reply, "a foreign callback");
    assert_eq!(stack.idp.count("POST /token").await, 0);

    // Neither does another login in progress lend its binding.
    victim.visit(&stack.at("/auth/login")).send().await;
    let reply = victim.visit(callback.as_str()).send().await;
    assert_no_session(&stack, &victim, &reply, "a foreign callback beside an own login");
    assert_eq!(stack.idp.count("POST /token").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn c08_c09_c10_c11_a_callback_that_is_not_exact_is_refused_before_the_code_is_spent() {
    let stack = Stack::start().await;
    let issuer = stack.idp.issuer.clone();
    let port = issuer.rsplit(':').next().expect("a port").to_owned();
    let other = [
        "https://evil.test".to_owned(),
        format!("{issuer}/"),
        format!("https://LOCALHOST:{port}"),
        String::new(),
    ];
    let wrong_issuers = other.iter().map(|issuer| ("iss", Some(issuer.as_str())));
    for (name, value) in wrong_issuers.chain([
        ("iss", None),
        ("state", Some("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")),
        ("state", Some("")),
        ("state", None),
        ("code", None),
        ("error", Some("access_denied<script>alert(1)</script>")),
    ]) {
        let agent = Agent::from_address(&stack.ca, std::net::Ipv4Addr::new(127, 0, 0, 7));
        let callback = up_to_the_callback(&stack, &agent, "alice", "/").await;
        let url = with_parameter(&callback, name, value);
        let reply = agent.visit(&url).send().await;
        assert_no_session(&stack, &agent, &reply, &format!("{name}={value:?}"));
        assert!(!reply.text().contains("<script>alert"), "{name}: {}", reply.text());
        // Ten logins a minute are the limit of one address; this test needs more than its share.
        stack.redis.ask(&[b"FLUSHALL"]).await;
    }
    for name in ["state", "code", "iss"] {
        let agent = Agent::from_address(&stack.ca, std::net::Ipv4Addr::new(127, 0, 0, 8));
        let callback = up_to_the_callback(&stack, &agent, "alice", "/").await;
        let value = parameter(&callback, name).expect("the callback has it");
        let mut doubled = callback.clone();
        doubled.query_pairs_mut().append_pair(name, &value);
        let reply = agent.visit(doubled.as_str()).send().await;
        assert_no_session(&stack, &agent, &reply, &format!("two of {name}"));
    }
    assert_eq!(stack.idp.count("POST /token").await, 0, "a code was spent");
}

#[tokio::test(flavor = "multi_thread")]
async fn c12_a_replayed_callback_makes_no_second_session_and_no_dead_end() {
    let stack = Stack::start().await;
    let agent = stack.agent();
    let callback = up_to_the_callback(&stack, &agent, "alice", "/app/x").await;
    assert_eq!(agent.visit(callback.as_str()).send().await.status, 303);
    let session = stack.cookie(&agent);
    let spent = stack.idp.count("POST /token").await;

    let again = agent.visit(callback.as_str()).send().await;
    assert!(again.status.is_redirection(), "{} {}", again.status, again.text());
    let landed = agent.follow(again).await;
    assert!(landed.url.as_str().starts_with(&stack.origin), "{}", landed.url);
    assert_eq!(stack.cookie(&agent), session, "a replay changed the session");
    assert_eq!(stack.redis.keys("bff:session:").await.len(), 1);
    assert_eq!(stack.idp.count("POST /token").await, spent);
}
