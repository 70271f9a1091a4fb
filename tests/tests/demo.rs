//! The demo, started by the very command of the README and driven in a real browser.

use std::process::Command;

use e2e::agent::Agent;
use e2e::browser::{Browser, Page};
use e2e::place;
use e2e::ports;
use e2e::process::Process;
use e2e::scratch::Scratch;
use e2e::tls::Ca;
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

/// Two free ports in a row: the demo takes the next one for its provider.
fn two_ports() -> u16 {
    (0..100)
        .map(|_| ports::free().port())
        .find(|port| std::net::TcpListener::bind(("127.0.0.1", port + 1)).is_ok())
        .expect("two free ports in a row")
}

async fn start() -> Demo {
    let readme = std::fs::read_to_string(place::repository().join("README.md")).expect("README.md");
    assert!(
        readme.lines().any(|line| line.trim().trim_start_matches("$ ") == COMMAND),
        "README.md does not say `{COMMAND}` on a line of its own"
    );
    let scratch = Scratch::new();
    let ca = Ca::new(scratch.path().to_owned());
    let port = two_ports();
    let mut words = COMMAND.split(' ');
    let mut cargo = Command::new("setpriv");
    cargo
        .args(["--pdeathsig", "KILL", "--"])
        .args(words.by_ref())
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
    page.open(&format!("{}/", demo.origin)).await;
    page.click("#sign-in").await;
    page.arrives(&demo.idp).await;
    page.fill("input[name=username]", user).await;
    page.fill("input[name=password]", user).await;
    page.click("#submit").await;
    page.arrives(&format!("{}/", demo.origin)).await;
    page.text("#signed-in").await;
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
