//! What ends a session at a user's wish, and what does not.

use e2e::stack::Stack;
use http::Method;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn c72_logout_needs_proof_that_the_user_meant_it() {
    let stack = Stack::start().await;
    let agent = stack.signed_in("alice").await;
    let alive = async || stack.session(&agent).await["authenticated"] == true;

    let bare = agent.visit(&stack.at("/auth/logout")).send().await;
    assert_eq!(bare.status, 200, "a bare GET shows a page that asks: {}", bare.text());
    assert!(alive().await, "a bare GET signed the user out");

    for url in ["/auth/logout?lt=wrong", "/auth/logout?lt=", "/auth/logout?lt=%3Cscript%3E"] {
        let reply = agent.visit(&stack.at(url)).send().await;
        assert!(alive().await, "{url} signed the user out");
        assert!(
            !reply.status.is_server_error() && !reply.text().contains("<script>"),
            "{url}: {}",
            reply.text()
        );
    }
    for (origin, token) in [("https://evil.test", true), (stack.origin.as_str(), false)] {
        let csrf = stack.session(&agent).await["csrf_token"].as_str().expect("a token").to_owned();
        let mut call =
            agent.fetch(Method::POST, &stack.at("/auth/logout")).header("origin", origin);
        if token {
            call = call.header("x-csrf-token", &csrf);
        }
        let reply = call.send().await;
        assert_eq!(reply.status, 403, "{origin}: {}", reply.text());
        assert!(alive().await, "{origin} signed the user out");
    }

    let reply = stack.post(&agent, "/auth/logout", &json!({})).await;
    assert!(
        reply.status.is_success() || reply.status.is_redirection(),
        "{} {}",
        reply.status,
        reply.text()
    );
    assert_eq!(stack.cookie(&agent), "");
    assert!(!alive().await);
}
