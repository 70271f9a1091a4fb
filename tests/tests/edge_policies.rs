//! Named policies as a deployment has them: a middleware of Traefik for each, the real programs behind
//! it, and what services see of it.

use e2e::agent::{Agent, CHROME};
use e2e::identity::spellings;
use e2e::load::{Load, Sample, histogram};
use e2e::program::once;
use e2e::raw;
use e2e::service::Service;
use e2e::stack::{COOKIE, Stack};
use e2e::traefik::HOST;
use e2e::wait;
use http::Method;
use rustix::process::Signal;
use serde_json::json;
use tokio::time::Instant;

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
                     acr,no-acr,age,apps,gone";

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
async fn a_step_up_leads_through_the_login_to_a_session_that_passes() {
    let stack = start().await;
    // The provider has forgotten her, and asks again for what the login asks for.
    let cookie = stack.cookie(&stack.signed_in("alice").await);
    let agent = stack.agent();
    agent.edit_cookies(|jar| jar.plant(HOST, COOKIE, &cookie));
    let page = stack.at("/app/no-acr/x?a=b");
    let refused = agent.fetch(Method::GET, &page).send().await;
    let challenge = refused.header("www-authenticate").to_owned();
    assert!(challenge.contains(r#"acr_values="urn:test:mfa""#), "{challenge}");
    let form = agent.navigate(&page).await;
    assert!(form.url.as_str().starts_with(&stack.idp.issuer), "{}", form.url);
    let landed = e2e::idp::submit_login(&agent, &form, "alice").await;
    assert_eq!((landed.status.as_u16(), landed.url.as_str()), (200, page.as_str()));
}

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

/// Lets alice in, or not.
fn switched(on: bool) -> String {
    let role = if on { "admin" } else { "owner" };
    format!("policies: {{ switch: {{ roles: {{ all: [{role}] }} }}, other: {{}} }}")
}

async fn reloads(stack: &Stack, agent: &Agent, result: &str) -> f64 {
    stack.forwardauth.metric(agent, "config_reloads_total", result).await
}

/// Writes `file` and waits until verify has decided on it. Answers when it was written, and when that
/// was known.
async fn exchange(stack: &Stack, agent: &Agent, file: &str, result: &str) -> (Instant, Instant) {
    let before = reloads(stack, agent, result).await;
    let written = Instant::now();
    stack.write_policies(file);
    wait::until("verify has decided on the new file", wait::START, async || {
        (reloads(stack, agent, result).await > before).then_some(())
    })
    .await;
    (written, Instant::now())
}

/// All that were answered before `from` and sent after `until` have these statuses, and none any other.
fn assert_switched(samples: &[Sample], steps: &[(Instant, Instant, u16)], first: u16) {
    for sample in samples {
        let answered = sample.sent + sample.elapsed;
        // The last step that was over when the request was sent, and those under way since.
        let before = steps.iter().rev().find(|(_, known, _)| *known <= sample.sent);
        let mut possible = vec![before.map_or(first, |(_, _, status)| *status)];
        possible.extend(
            steps
                .iter()
                .filter(|(written, known, _)| *known > sample.sent && *written <= answered)
                .map(|(_, _, status)| *status),
        );
        assert!(possible.contains(&sample.status), "{} and not {possible:?}", sample.status);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t09_policies_are_exchanged_under_load_without_a_wrong_answer() {
    let mut stack =
        Stack::plan().policies("policies: { switch: { roles: { all: [admin] } } }").start().await;
    let agent = stack.signed_in("alice").await;
    let load = Load::start_at(&stack, &agent, 4, "/auth/verify?policy=switch");
    let successful = async |stack: &Stack| {
        stack.forwardauth.metric(&agent, "config_last_reload_successful", "").await
    };

    let mut steps = Vec::new();
    let mut step =
        |(written, known): (Instant, Instant), status| steps.push((written, known, status));
    step(exchange(&stack, &agent, &switched(false), "ok").await, 403);
    // What is broken changes nothing, in whatever way it is broken.
    for broken in
        ["policies: { switch: {}, other: { roles: { any: [] } } }", "policies: { switch: {", ""]
    {
        step(exchange(&stack, &agent, broken, "refused").await, 403);
        assert!(successful(&stack).await.abs() < f64::EPSILON, "{broken}");
    }
    step(exchange(&stack, &agent, &switched(true), "ok").await, 200);
    assert!((successful(&stack).await - 1.0).abs() < f64::EPSILON);
    // A policy that went is not "no policy".
    step(exchange(&stack, &agent, "policies: { other: {} }", "ok").await, 500);

    // SIGHUP has the file read at once.
    let written = Instant::now();
    stack.write_policies(&switched(true));
    stack.forwardauth.process().signal(Signal::HUP);
    let url = format!("https://localhost:{}/auth/verify?policy=switch", stack.verify.port());
    let cookie = format!("{COOKIE}={}", stack.cookie(&agent));
    wait::until("SIGHUP has the file read", wait::START, async || {
        let reply = agent.get(&url).header("cookie", &cookie).send().await;
        (reply.status == 200).then_some(())
    })
    .await;
    step((written, Instant::now()), 200);

    let samples = load.stop().await;
    assert!(samples.len() > 100, "{}", histogram(&samples));
    assert_switched(&samples, &steps, 200);
    let log = stack.forwardauth.log();
    assert!(log.contains("new configuration refused, the old one stays"), "{log}");
    assert!(log.contains("forwardauth.yaml: policy other: roles.any: is an empty list"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bff_does_not_look_at_forwardauth_yaml() {
    let stack = Stack::plan().bff("BFF_CONFIG_DIR", "{scratch}/bff-config").start().await;
    stack.scratch.write("bff-config/forwardauth.yaml", "[ this is no file of policies");
    let checked = once("bff", &["check-config"], &stack.bff.environment);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    let environment = stack
        .forwardauth
        .environment
        .clone()
        .set("BFF_CONFIG_DIR", stack.bff.environment.get("BFF_CONFIG_DIR"));
    let checked = once("forwardauth", &["check-config"], &environment);
    assert_eq!(checked.status.code(), Some(2));
    assert!(
        String::from_utf8_lossy(&checked.stderr).starts_with("forwardauth.yaml"),
        "{checked:?}"
    );
}
