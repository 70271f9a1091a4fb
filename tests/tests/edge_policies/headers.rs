//! What services get of a session by their policy, and of a client nothing.

use e2e::agent::CHROME;
use e2e::identity::spellings;
use e2e::raw;
use e2e::service::Service;
use e2e::stack::{COOKIE, Stack};
use e2e::traefik::HOST;
use http::Method;

use crate::start;

/// What `headers` of [`POLICIES`] maps, in lower case.
const MAPPED: [&str; 9] = [
    "remote-user",
    "remote-email",
    "remote-groups",
    "remote-name",
    "x-auth-request-user",
    "x-auth-request-email",
    "x-department",
    "x-forwarded-groups",
    "x-auth-request-groups",
];

#[tokio::test(flavor = "multi_thread")]
async fn an_unverified_address_is_in_no_domain_and_in_no_header_that_says_so() {
    let stack = start().await;
    let mallory = stack.signed_in("mallory").await;
    let at = |name: &str| stack.at(&format!("/app/{name}/x"));
    assert_eq!(mallory.fetch(Method::GET, &at("email")).send().await.status, 403);
    assert_eq!(mallory.fetch(Method::GET, &at("apps")).send().await.status, 200);
    let seen = stack.protected.take().remove(0);
    assert_eq!(seen.header("remote-email"), "");
    assert_eq!(seen.header("x-auth-request-email"), "mallory@example.test");
}

#[tokio::test(flavor = "multi_thread")]
async fn t04_services_see_the_mapped_headers_and_nothing_that_a_client_sent_under_their_names() {
    let stack = start().await;
    let agent = stack.signed_in("alice").await;
    let lines = MAPPED.iter().flat_map(|name| spellings(name));
    let spoofed: Vec<_> = lines.map(|name| format!("{name}: evil\r\n{name}: evil\r\n")).collect();
    let head = format!(
        "Host: {HOST}:{}\r\nUser-Agent: {CHROME}\r\nCookie: {COOKIE}={}\r\n\
         Sec-Fetch-Site: same-origin\r\n{}Connection: close, Remote-User, X-Department\r\n\r\n",
        stack.traefik.secure.port(),
        stack.cookie(&agent),
        spoofed.concat(),
    );
    let mapped = [
        "alice",
        "alice@example.test",
        "staff,on%20call",
        "Alice M%C3%BCller",
        "alice",
        "alice@example.test",
        "",
        "admin,user",
        "",
    ];
    for service in [&stack.protected, &stack.upstream, &stack.pages] {
        service.take();
    }
    // A route with the map, one without, one without ForwardAuth, and pages.
    for (path, is_mapped) in [
        ("/app/apps/x", true),
        ("/app/open/x", false),
        ("/app/x", false),
        ("/api/public/x", false),
        ("/x", false),
    ] {
        let request = format!("GET {path} HTTP/1.1\r\n{head}");
        let reply = raw::tls(stack.traefik.secure, &stack.ca, HOST, request.as_bytes()).await;
        assert_eq!(reply.status, Some(200), "{path}: {}", reply.text);
        let services = [&stack.protected, &stack.upstream, &stack.pages];
        let reached: Vec<_> = services.into_iter().flat_map(Service::take).collect();
        assert_eq!(reached.len(), 1, "{path}");
        for (name, expected) in MAPPED.iter().zip(mapped) {
            // All of them where there is a map, empty where unknown; none at all elsewhere.
            let expected: &[&str] = if is_mapped { &[expected] } else { &[] };
            assert_eq!(reached[0].all(name), expected, "{path}: {name}");
        }
        for (name, value) in &reached[0].headers {
            let value = String::from_utf8_lossy(value.as_bytes());
            assert!(!value.contains("evil"), "{path}: {name}: {value}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_says_whether_its_service_gets_the_access_token() {
    const TOKEN: &str = "internal-canary-0123456789abcdef0123456789abcdef";
    let stack = Stack::plan()
        .policies(
            "policies: { token: { authorization: access }, plain: { authorization: none }, unsaid: {} }",
        )
        .edge("WICKETGATE_POLICIES", "token,plain,unsaid")
        .both("BFF_INTERNAL_TOKEN", TOKEN)
        .bff("OIDC_DPOP", "off")
        .forwardauth("FORWARDAUTH_BFF_URL", "http://{bff_admin}")
        .start()
        .await;
    let agent = stack.signed_in("alice").await;
    for (name, given) in [("token", true), ("plain", false), ("unsaid", false)] {
        let url = stack.at(&format!("/app/{name}/x"));
        let call = agent.fetch(Method::GET, &url).header("authorization", "Bearer evil");
        assert_eq!(call.send().await.status, 200, "{name}");
        let seen = stack.protected.take().remove(0);
        let shown = seen.header("authorization");
        assert_eq!(shown.starts_with("Bearer ey"), given, "{name}: {shown}");
        assert!(given || shown.is_empty(), "{name}: {shown}");
    }
}
