//! The demo, started by the very command of the README and driven in a real browser.

mod chaos;
mod magic_link;

use std::process::Command;

use e2e::agent::Agent;
use e2e::browser::{Browser, Page};
use e2e::place;
use e2e::ports;
use e2e::process::Process;
use e2e::redis::{self, Redis};
use e2e::scratch::Scratch;
use e2e::tls::Ca;
use e2e::wait;
use http::Method;
use serde_json::json;

const COMMAND: &str = "cargo run --release";

struct Demo {
    origin: String,
    idp: String,
    agent: Agent,
    browser: Browser,
    process: Process,
    _scratch: Scratch,
}

async fn start() -> Demo {
    start_by(COMMAND).await
}

async fn start_by(command: &str) -> Demo {
    let readme = std::fs::read_to_string(place::repository().join("README.md")).expect("README.md");
    assert!(
        readme.lines().any(|line| line.trim().trim_start_matches("$ ") == command),
        "README.md does not say `{command}` on a line of its own"
    );
    run(command.split(' ')).await
}

async fn run(words: impl Iterator<Item = &str>) -> Demo {
    let scratch = Scratch::new();
    let ca = Ca::new(scratch.path().to_owned());
    let port = ports::two();
    let mut cargo = Command::new("setpriv");
    cargo
        .args(["--pdeathsig", "KILL", "--"])
        .args(words)
        .env_clear()
        .envs(place::inherited())
        .env("DEMO_PORT", port.to_string())
        .current_dir(place::repository());
    let mut process = Process::start("demo", cargo, scratch.path());
    let agent = Agent::new(&ca);
    let origin = format!("http://localhost:{port}");
    let page = format!("{origin}/");
    process
        .ready_within(std::time::Duration::from_mins(20), async || {
            agent.get(&page).try_send().await.ok().filter(|reply| reply.status == 200)
        })
        .await;
    let browser = Browser::start(&scratch, &ca).await;
    let idp = format!("http://localhost:{}", port + 1);
    Demo { origin, idp, agent, browser, process, _scratch: scratch }
}

async fn sign_in(demo: &Demo, page: &Page<'_>, user: &str) {
    sign_in_at(demo, page, user, "/").await;
    page.text("#signed-in").await;
}

async fn sign_in_at(demo: &Demo, page: &Page<'_>, user: &str, path: &str) {
    page.open(&format!("{}{path}", demo.origin)).await;
    page.click("#sign-in").await;
    page.arrives(&demo.idp).await;
    page.fill("input[name=username]", user).await;
    page.fill("input[name=password]", user).await;
    page.click("#submit").await;
    page.arrives(&format!("{}{path}", demo.origin)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_does_what_the_readme_says() {
    let demo = start().await;
    let page = demo.browser.page("alice");
    sign_in(&demo, &page, "alice").await;
    assert!(page.text("#user-name").await.to_lowercase().contains("alice"));

    // The panel shows what script can read: no cookie, no token.
    let visible =
        [page.text("#visible-cookie").await, page.text("#visible-storage").await].concat();
    assert!(!visible.contains("bff_session") && !visible.contains("eyJ"), "{visible}");
    assert_eq!(page.script("return document.cookie.includes('bff_session')").await, json!(false));

    // The API behind the BFF, the service behind verify, and a request forged by script.
    let outcome = page
        .script(
            r"
            const session = await (await fetch('/api/auth/session')).json();
            const post = async (headers) => (await fetch('/api/orders', { method: 'POST',
                headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify({ item: 'lamp', quantity: 2 }) })).status;
            const whoami = await (await fetch('/whoami/', { headers: { accept: 'application/json', 'x-user-id': 'mallory' } })).text();
            return { with: await post({ 'x-csrf-token': session.csrf_token }), without: await post({}), whoami,
                orders: await (await fetch('/api/orders')).json() };",
        )
        .await;
    assert_eq!((&outcome["with"], &outcome["without"]), (&json!(201), &json!(403)), "{outcome}");
    assert!(outcome["orders"].to_string().contains("lamp"), "{outcome}");
    let whoami = outcome["whoami"].as_str().unwrap_or_default();
    assert!(whoami.contains("alice") && !whoami.contains("mallory"), "{whoami}");
    assert!(!whoami.contains("bff_session"), "the session cookie reached the service: {whoami}");

    let errors: Vec<_> = page
        .console()
        .await
        .into_iter()
        .filter(|line| {
            line.as_str().is_some_and(|line| {
                line.starts_with("uncaught") || line.contains("Content Security Policy")
            })
        })
        .collect();
    assert!(errors.is_empty(), "{errors:?}");

    page.open(&format!("{}/", demo.origin)).await;
    page.click("#sign-out").await;
    // By way of the provider, which ends its own session too, to wherever one can sign in again.
    page.text("#sign-in, input[name=username]").await;
    page.open(&format!("{}/", demo.origin)).await;
    page.text("#sign-in").await;
    let session = page.script("return await (await fetch('/api/auth/session')).json()").await;
    assert_eq!(session, json!({"authenticated": false}));
    page.open(&format!("{}/whoami/", demo.origin)).await;
    page.arrives(&demo.idp).await;

    // Carol's role carries no right to write.
    let carol = demo.browser.page("carol");
    sign_in(&demo, &carol, "carol").await;
    let status = carol
        .script(
            r"
            const session = await (await fetch('/api/auth/session')).json();
            return (await fetch('/api/orders', { method: 'POST', headers: { 'content-type': 'application/json', 'x-csrf-token': session.csrf_token },
                body: JSON.stringify({ item: 'lamp', quantity: 1 }) })).status;",
        )
        .await;
    assert_eq!(status, json!(403));

    // The edge of the demo says that it is none, and hides verify as Traefik does.
    let edge = demo.agent.get(&format!("{}/whoami/", demo.origin)).send().await;
    assert_eq!(edge.status, 401);
    assert!(
        edge.headers.keys().any(|name| name.as_str().starts_with("x-demo")),
        "{:?}",
        edge.headers
    );
    for path in ["/auth/verify", "/auth/forward", "/auth/verify/x"] {
        assert_eq!(
            demo.agent.get(&format!("{}{path}", demo.origin)).send().await.status,
            404,
            "{path}"
        );
    }
    // Nor are there buttons that nobody asked for.
    let state = demo.agent.get(&format!("{}/chaos/state", demo.origin)).send().await;
    assert_eq!(state.status, 404);
    let anonymous =
        demo.agent.request(Method::POST, &format!("{}/api/orders", demo.origin)).send().await;
    assert!(matches!(anonymous.status.as_u16(), 401 | 403), "{}", anonymous.status);
    let printed = demo.process.log();
    assert!(
        printed.contains(&demo.origin) && printed.contains("curl"),
        "it does not say what to try: {printed}"
    );
    assert!(!printed.contains("panicked"), "{printed}");
}

/// The value of a series in the metrics that the demo says are there.
async fn metric(demo: &Demo, series: &str) -> u64 {
    let log = demo.process.log();
    let mut words = log.split_whitespace();
    let url = words.find(|word| word.ends_with("/metrics")).expect("it says where they are");
    let text = demo.agent.get(url).send().await.text();
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.map_or(0, |value| value.parse().expect("a count"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sessions_of_the_demo_are_in_the_redis_that_it_is_given() {
    let scratch = Scratch::new();
    let redis = Redis::start(&scratch, &Ca::new(scratch.path().to_owned())).await;
    let url = redis.plain_url();
    let demo = run(COMMAND.split(' ').chain(["--", "--redis", url.as_str()])).await;
    let page = demo.browser.page("alice");
    sign_in(&demo, &page, "alice").await;
    assert_eq!(redis.keys("bff:session:").await.len(), 1);
    // What cargo was asked for it says itself.
    let log = demo.process.log();
    let mut ours = log.lines().filter(|line| !line.trim_start().starts_with("Running `"));
    assert!(ours.all(|line| !line.contains(redis::PASSWORD)), "a password was printed: {log}");
    page.click("#sign-out").await;
    page.text("#sign-in, input[name=username]").await;
    assert!(redis.keys("bff:session:").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_reports_how_it_fares_and_what_went_wrong_and_not_whose_it_was() {
    let demo = start().await;
    let page = demo.browser.page("alice");
    let home = format!("{}/", demo.origin);
    let until = async |series: &str, expected: u64| {
        wait::until(series, wait::START, async || {
            (metric(&demo, series).await == expected).then_some(())
        })
        .await;
    };
    let vital =
        |name: &str| format!("bff_spa_vital_seconds_count{{vital=\"{name}\",page=\"home\"}}");
    let errors = "bff_spa_errors_total{page=\"home\"}";

    page.open(&home).await;
    page.text("#sign-in").await;
    for name in ["ttfb", "fcp", "lcp"] {
        assert_eq!(metric(&demo, &vital(name)).await, 0, "{name}");
    }
    // Whoever leaves has seen the page.
    page.open(&format!("{}/auth/logout", demo.origin)).await;
    for name in ["ttfb", "fcp", "lcp"] {
        until(&vital(name), 1).await;
    }
    assert_eq!(metric(&demo, errors).await, 0);

    page.open(&home).await;
    page.text("#sign-in").await;
    page.script(
        r"
        const heard = (kind) => new Promise((done) => addEventListener(kind, done, { once: true }));
        const both = Promise.all([heard('error'), heard('unhandledrejection')]);
        setTimeout(() => { throw new Error('canary-text'); });
        Promise.reject(new Error('canary-text'));
        await both;
        ",
    )
    .await;
    page.open(&home).await;
    until(errors, 2).await;
    until(&vital("fcp"), 2).await;
    assert_eq!(metric(&demo, "bff_spa_rejected_total{reason=\"name\"}").await, 0);
    assert!(!demo.process.log().contains("canary"));
}
