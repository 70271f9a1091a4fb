//! Two tenants at one provider, each with a client of its own: who meets whom, which is nobody.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use e2e::agent::{Agent, Reply};
use e2e::idp;
use e2e::stack::Stack;
use e2e::wait;
use http::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use url::Url;

const A: &str = "app.wicket.test";
const B: &str = "b.wicket.test";
/// Traefik routes it, and it is no tenant's.
const NOBODY: &str = "nobody.wicket.test";

const TENANTS: &str = r#"
tenants:
  - id: a
    slug: a-corp
    hosts: ["app.wicket.test:{port}"]
  - id: b
    hosts: ["b.wicket.test:{port}"]
    client: { id: bff-post, auth: client_secret_post, secret: "${B_SECRET}" }
"#;

async fn two() -> Stack {
    let plan = Stack::plan().host(B).host(NOBODY).tenants(TENANTS);
    plan.bff("B_SECRET", idp::POST_SECRET).start().await
}

/// An address at one of the hosts.
fn at(stack: &Stack, host: &str, path: &str) -> String {
    let origin = stack.origin.replacen(A, host, 1);
    format!("{origin}{path}")
}

/// The provider's form for a login at `host`.
async fn form(stack: &Stack, agent: &Agent, host: &str) -> Reply {
    agent.navigate(&at(stack, host, "/auth/login?return_to=/app/")).await
}

/// Through the form, up to the callback, which is not called.
async fn callback(agent: &Agent, form: &Reply, user: &str) -> Url {
    let mut reply = idp::post_login(agent, form, user).await;
    loop {
        let next = reply.location();
        if next.path() == "/auth/callback" {
            return next;
        }
        reply = agent.visit(next.as_str()).send().await;
    }
}

async fn sign_in(stack: &Stack, agent: &Agent, host: &str, user: &str) {
    let form = form(stack, agent, host).await;
    let callback = callback(agent, &form, user).await;
    let landed = agent.visit(callback.as_str()).send().await;
    assert_eq!(landed.status, 303, "{}", landed.text());
}

/// The same path and query at another host.
fn moved(stack: &Stack, url: &Url, host: &str) -> String {
    let path = &url[url::Position::BeforePath..];
    at(stack, host, path)
}

/// What the single-page application at `host` learns.
async fn session(stack: &Stack, agent: &Agent, host: &str) -> Value {
    let reply = agent.fetch(Method::GET, &at(stack, host, "/api/auth/session?slide=false"));
    let reply = reply.send().await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

async fn app(stack: &Stack, agent: &Agent, host: &str) -> Reply {
    agent.fetch(Method::GET, &at(stack, host, "/app/")).send().await
}

/// What the service behind verify was told.
fn told(reply: &Reply, header: &str) -> String {
    let headers = reply.json()["headers"].clone();
    let pairs = headers.as_array().expect("a list of headers");
    let found = pairs.iter().find(|pair| pair[0] == header);
    found.and_then(|pair| pair[1].as_str()).unwrap_or_default().to_owned()
}

/// A browser that sends one tenant's cookies to the other.
fn with_swapped_cookies(agent: &Agent) -> Agent {
    let swapped = agent.tab();
    swapped.edit_cookies(|jar| jar.swap_hosts(A, B));
    swapped
}

/// Who should be whom: a host, its tenant, and the user who signs in there.
const SIDES: [(&str, &str, &str); 2] = [(A, "a", "alice"), (B, "b", "bob")];

/// Two interleaved logins, one at each tenant. Returns how often something of one tenant was taken at the
/// other. Two browsers, because the provider takes one person in each.
async fn interleaved(stack: &Stack, network: &Agent, number: usize) -> usize {
    let browsers = [network.another(), network.another()];
    let mut callbacks = Vec::new();
    let forms = [form(stack, &browsers[0], A).await, form(stack, &browsers[1], B).await];
    // Traefik counts requests by user as well.
    let users = SIDES.map(|(.., user)| format!("{user}-{}", number % 50));
    for ((browser, form), user) in browsers.iter().zip(&forms).zip(&users) {
        callbacks.push(callback(browser, form, user).await);
    }
    let mut mixed = 0;
    for (which, (host, ..)) in SIDES.into_iter().enumerate() {
        let (mine, theirs) = (&browsers[which], &browsers[1 - which]);
        let (url, elsewhere) = (&callbacks[which], SIDES[1 - which].0);
        for (browser, host) in [
            (&with_swapped_cookies(mine), elsewhere),
            (theirs, elsewhere),
            (&with_swapped_cookies(theirs), host),
        ] {
            let reply = browser.visit(&moved(stack, url, host)).send().await;
            assert_eq!(reply.status, 400, "{}", reply.text());
            mixed += usize::from(!stack.cookie(browser).is_empty());
        }
    }
    for which in if number.is_multiple_of(2) { [0, 1] } else { [1, 0] } {
        let landed = browsers[which].visit(callbacks[which].as_str()).send().await;
        assert_eq!(landed.status, 303, "{}", landed.text());
    }
    for ((browser, (host, tenant, _)), user) in browsers.iter().zip(SIDES).zip(&users) {
        let elsewhere = if host == A { B } else { A };
        let swapped = with_swapped_cookies(browser);
        let signed_in = session(stack, browser, host).await;
        mixed += usize::from(signed_in["tenant"] != tenant || signed_in["user"]["id"] != **user);
        mixed += usize::from(session(stack, &swapped, elsewhere).await["authenticated"] != false);
        let seen = app(stack, browser, host).await;
        assert_eq!(seen.status, 200, "{}", seen.text());
        let identity = (told(&seen, "x-tenant-id"), told(&seen, "x-user-id"));
        mixed += usize::from(identity != (tenant.to_owned(), user.clone()));
        mixed += usize::from(app(stack, &swapped, elsewhere).await.status != 401);
    }
    mixed
}

#[tokio::test(flavor = "multi_thread")]
async fn c79_t13_a_thousand_interleaved_logins_with_swapped_callbacks_and_cookies_never_mix() {
    const LOGINS: usize = 1_000;
    const AT_ONCE: u8 = 12;
    let stack = Arc::new(two().await);
    let (next, mixed) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut browsers = JoinSet::new();
    for address in 1..=AT_ONCE {
        let (stack, next, mixed) = (Arc::clone(&stack), Arc::clone(&next), Arc::clone(&mixed));
        browsers.spawn(async move {
            // Traefik counts requests by address.
            let network = Agent::from_address(&stack.ca, Ipv4Addr::new(127, 0, 1, address));
            loop {
                let number = next.fetch_add(2, Ordering::Relaxed);
                if number >= LOGINS {
                    return;
                }
                let found = interleaved(&stack, &network, number / 2).await;
                mixed.fetch_add(found, Ordering::Relaxed);
            }
        });
    }
    browsers.join_all().await;
    assert_eq!(mixed.load(Ordering::Relaxed), 0);
    assert_eq!(
        stack.idp.count("grant authorization_code").await,
        LOGINS as u64,
        "no code was lost"
    );
    assert_eq!(stack.keys("bff:session:").await.len(), LOGINS, "nor any session ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn c79_t13_a_session_is_401_at_the_other_tenant_in_both_programs_and_goes_on() {
    let stack = two().await;
    let agent = stack.agent();
    sign_in(&stack, &agent, A, "alice").await;
    let seen = app(&stack, &agent, A).await;
    assert_eq!(seen.status, 200, "{}", seen.text());
    assert_eq!(told(&seen, "x-tenant-slug"), "a-corp");

    let swapped = with_swapped_cookies(&agent);
    let by_verify = app(&stack, &swapped, B).await;
    assert_eq!((by_verify.status.as_u16(), by_verify.problem().as_str()), (401, "unauthenticated"));
    assert_eq!(by_verify.header("set-cookie"), "");
    let by_bff = swapped.fetch(Method::GET, &at(&stack, B, "/api/echo/x")).send().await;
    assert_eq!((by_bff.status.as_u16(), by_bff.problem().as_str()), (401, "unauthenticated"));
    for program in ["forwardauth.log", "bff.log"] {
        wait::until("both audit it", wait::START, async || {
            let logs = stack.logs();
            let (_, log) = logs.iter().find(|(name, _)| *name == program)?;
            log.contains("\"tenant.mismatch\"").then_some(())
        })
        .await;
    }
    assert_eq!(app(&stack, &agent, A).await.status, 200);
    assert_eq!(session(&stack, &agent, A).await["tenant"], "a");
}

#[tokio::test(flavor = "multi_thread")]
async fn c79_t01_an_unknown_host_is_421_and_a_spoofed_one_ignored() {
    let stack = two().await;
    let agent = stack.agent();
    for path in ["/auth/login", "/api/auth/session", "/api/public/x", "/app/"] {
        assert_eq!(agent.navigate(&at(&stack, NOBODY, path)).await.status, 421, "{path}");
        let reply = agent.fetch(Method::GET, &at(&stack, NOBODY, path)).send().await;
        assert_eq!(reply.status, 421, "{path}: {}", reply.text());
        assert_eq!(reply.problem(), "host_unknown", "{path}");
        // Whatever a browser says of another host, Traefik says its own.
        let spoofed = agent.visit(&at(&stack, NOBODY, path)).header("x-forwarded-host", B);
        assert_eq!(spoofed.send().await.status, 421, "{path}");
    }
    // And who passes by Traefik is believed nothing, from an address that is nobody's proxy.
    let outside = Agent::from_address(&stack.ca, Ipv4Addr::new(127, 0, 0, 2));
    let direct = format!("http://{}/auth/login", stack.bff_address);
    let port = stack.origin.rsplit(':').next().expect("a port");
    let spoofed = outside.get(&direct).header("x-forwarded-host", &format!("{B}:{port}"));
    assert_eq!(spoofed.send().await.status, 421);
}

#[tokio::test(flavor = "multi_thread")]
async fn c76_c79_a_logout_at_the_provider_is_told_to_each_client_and_ends_its_sessions() {
    let stack = two().await;
    let [at_a, at_b, bob] =
        [(A, "alice"), (B, "alice"), (B, "bob")].map(|who| (stack.agent(), who));
    for (agent, (host, user)) in [&at_a, &at_b, &bob] {
        sign_in(&stack, agent, host, user).await;
    }
    let told = stack.idp.control("logout", &json!({ "sub": "alice" })).await;
    assert!(
        told.as_array().is_some_and(|told| told.iter().all(|told| told["ok"] == true)),
        "{told}"
    );
    for ((agent, (host, _)), lives) in [(&at_a, false), (&at_b, false), (&bob, true)] {
        assert_eq!(session(&stack, agent, host).await["authenticated"], lives, "{host}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c79_a_new_tenant_needs_no_restart_and_a_broken_file_changes_nothing() {
    let stack = two().await;
    let agent = stack.agent();
    sign_in(&stack, &agent, A, "alice").await;
    let port = stack.origin.rsplit(':').next().expect("a port");
    let write = |yaml: &str| {
        for directory in ["bff-config", "forwardauth-config"] {
            stack.scratch.write(&format!("{directory}/tenants.yaml"), yaml);
        }
    };
    let reloaded = async |value: f64| {
        wait::until("both programs have looked", wait::START, async || {
            let agent = stack.agent();
            let (bff, verify) = tokio::join!(
                stack.bff.metric(&agent, "config_last_reload_successful", ""),
                stack.forwardauth.metric(&agent, "config_last_reload_successful", ""),
            );
            ((bff - value).abs() < 0.5 && (verify - value).abs() < 0.5).then_some(())
        })
        .await;
    };
    write("tenants: [");
    reloaded(0.0).await;
    assert_eq!(app(&stack, &agent, A).await.status, 200);
    let more = format!("  - {{ id: c, hosts: [\"{NOBODY}:{port}\"] }}\n");
    write(&format!("{}{more}", TENANTS.replace("{port}", port)));
    reloaded(1.0).await;
    assert_eq!(app(&stack, &agent, A).await.status, 200);
    let new = stack.agent();
    sign_in(&stack, &new, NOBODY, "bob").await;
    assert_eq!(session(&stack, &new, NOBODY).await["tenant"], "c");
    assert_eq!(told(&app(&stack, &new, NOBODY).await, "x-tenant-id"), "c");
}

/// The hosts of two tenants, of whom one has a route that the other has not, and fewer logins.
#[tokio::test(flavor = "multi_thread")]
async fn c79_routes_and_limits_are_each_tenants_own() {
    const OWN: &str = r#"
tenants:
  - id: a
    hosts: ["app.wicket.test:{port}"]
    rate_limits: { login: { limit: 2, window: 1m } }
  - { id: b, hosts: ["b.wicket.test:{port}"] }
"#;
    let plan = Stack::plan().host(B).tenants(OWN).route(
        "{ id: lab, path: /api/public/lab, target_service: echo, upstream_path: /lab, methods: [GET], auth: none, tenants: [a] }",
    );
    let stack = plan.limits("{ login: { limit: 4, window: 1m } }").start().await;
    let agent = stack.agent();
    for (host, path) in [(A, "/lab"), (B, "/public/lab")] {
        let reply = agent.fetch(Method::GET, &at(&stack, host, "/api/public/lab")).send().await;
        assert_eq!(reply.status, 200, "{host}: {}", reply.text());
        let seen = stack.upstream.take();
        assert_eq!(seen.iter().map(|seen| seen.target()).collect::<Vec<_>>(), [path], "{host}");
    }
    for (host, limit) in [(A, 2), (B, 4)] {
        for number in 0..6 {
            let login = stack.agent().visit(&at(&stack, host, "/auth/login")).send().await;
            let expected = if number < limit { 303 } else { 429 };
            assert_eq!(login.status, expected, "{host} {number}: {}", login.text());
        }
    }
}
