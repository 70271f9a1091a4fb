//! Where a login may lead.

use e2e::stack::Stack;

#[tokio::test(flavor = "multi_thread")]
async fn t13_c16_return_to_never_leaves_the_site() {
    let stack = Stack::start().await;
    let agent = stack.signed_in("alice").await;
    for hostile in [
        "//evil.test",
        "///evil.test",
        "/\\evil.test",
        "\\\\evil.test",
        "/%5cevil.test",
        "/%2fevil.test",
        "/%09/evil.test",
        "/\t/evil.test",
        "https:evil.test",
        "https:/evil.test",
        "https://evil.test",
        "https://app.wicket.test@evil.test",
        "https://app.wicket.test.evil.test",
        "http:evil.test",
        "javascript:alert(1)",
        "data:text/html,x",
        "/%0d%0aX: y",
        "/\r\nX: y",
        "@evil.test",
        ".evil.test",
        "/..//evil.test",
        "/.//evil.test",
        "/%2e%2e//evil.test",
        "",
        " //evil.test",
        "/x\u{202e}",
        "/\u{0}",
        "//app.wicket.test:1/",
        "/%E3%80%82",
        "?x",
        "#x",
        "evil.test",
    ] {
        // Another address for each: the limit of logins is not the subject.
        stack.redis.ask(&[b"FLUSHALL"]).await;
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("return_to", hostile)
            .finish();
        let reply = agent.visit(&stack.at(&format!("/auth/login?{query}"))).send().await;
        if reply.status.is_client_error() {
            continue;
        }
        assert!(reply.status.is_redirection(), "{hostile:?}: {} {}", reply.status, reply.text());
        let landed = agent.follow(reply).await;
        assert!(
            landed.url.as_str().starts_with(&format!("{}/", stack.origin)),
            "{hostile:?} led to {}",
            landed.url
        );
        // A session that nobody uses, again and again, would be a login loop.
        assert_eq!(stack.session(&agent).await["authenticated"], true, "{hostile:?}");
    }
    for good in ["/app/x?a=b&c=%2F%2Fd", "/app/%C3%A4", "/app/#part"] {
        stack.redis.ask(&[b"FLUSHALL"]).await;
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("return_to", good)
            .finish();
        let landed = agent.navigate(&stack.at(&format!("/auth/login?{query}"))).await;
        assert_eq!(landed.url.as_str(), stack.at(good));
        assert_eq!(stack.session(&agent).await["authenticated"], true, "{good:?}");
    }
}
