//! TLS and HTTP/2 between Traefik and verify, as they are shipped: few connections, and certificates
//! that are exchanged while requests go on.

use std::net::Ipv4Addr;
use std::sync::Arc;

use e2e::agent::Agent;
use e2e::load::{Load, histogram};
use e2e::process::{Process, command};
use e2e::scratch::Scratch;
use e2e::stack::{COOKIE, Stack};
use e2e::tls::{Ca, Leaf};
use e2e::traefik::HOST;
use e2e::{place, ports, wait};
use http::Method;
use rustix::process::Signal;
use tokio::task::JoinSet;

const CONNECTIONS: &str = "forwardauth_connections_total";
const RELOADS: &str = "tls_certificate_reloads_total";
const SUCCESSFUL: &str = "config_last_reload_successful";

/// Puts a new certificate in the place of the one that verify serves, file by file.
fn renew(stack: &Stack) -> Leaf {
    stack.ca.issue("forwardauth", &["localhost", "127.0.0.1"])
}

/// The value of a metric of verify: a count, or a time in seconds.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "all of them are whole, small and positive"
)]
async fn metric(stack: &Stack, agent: &Agent, name: &str, labels: &str) -> u64 {
    stack.forwardauth.metric(agent, name, labels).await as u64
}

async fn shows(stack: &Stack, leaf: &Leaf) -> bool {
    leaf.is(&stack.ca.shown(stack.verify, "localhost").await)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_exchanged_under_load_and_no_request_fails() {
    let mut stack = Stack::start().await;
    let agent = stack.signed_in("alice").await;
    assert_eq!(agent.get(&stack.at("/app/x")).send().await.status, 200);
    let load = Load::start(&stack, &agent, 4);
    wait::until("the load is on its way", wait::START, async || {
        (metric(&stack, &agent, "forwardauth_requests_total", "allowed").await > 100).then_some(())
    })
    .await;
    let connections = metric(&stack, &agent, CONNECTIONS, "h2").await;

    let second = renew(&stack);
    wait::until("the new certificate is shown", wait::START, async || {
        shows(&stack, &second).await.then_some(())
    })
    .await;
    assert!(metric(&stack, &agent, RELOADS, "ok").await >= 1);

    std::fs::write(&second.certificate, "-----BEGIN CERTIFICATE-----\nbroken").expect("written");
    wait::until("the broken certificate is refused", wait::START, async || {
        (metric(&stack, &agent, SUCCESSFUL, "").await == 0).then_some(())
    })
    .await;
    assert!(shows(&stack, &second).await);
    assert_eq!(metric(&stack, &agent, RELOADS, "refused").await, 1);

    let third = renew(&stack);
    stack.forwardauth.process().signal(Signal::HUP);
    wait::until("SIGHUP has the files read", wait::START, async || {
        shows(&stack, &third).await.then_some(())
    })
    .await;
    assert_eq!(metric(&stack, &agent, SUCCESSFUL, "").await, 1);
    let expiry = "tls_certificate_expiry_timestamp_seconds";
    assert!(metric(&stack, &agent, expiry, "traffic").await > 2_000_000_000);

    assert_eq!(agent.get(&stack.at("/app/x")).send().await.status, 200);
    let samples = load.stop().await;
    assert!(
        samples.len() > 1_000 && samples.iter().all(|sample| sample.status == 200),
        "{}",
        histogram(&samples)
    );
    // The handshakes of this test itself speak HTTP/1.1.
    let more = metric(&stack, &agent, CONNECTIONS, "h2").await - connections;
    assert_eq!(more, 0, "connections were dropped and opened again");
    let log = stack.forwardauth.log();
    assert!(log.contains("new certificate refused") && !log.contains("PRIVATE KEY"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bff_exchanges_its_certificate_too() {
    let stack = Stack::plan()
        .bff("BFF_TLS_CERT", "{scratch}/edge.pem")
        .bff("BFF_TLS_KEY", "{scratch}/edge.key")
        .start()
        .await;
    let renewed = stack.ca.issue("edge", &[HOST]);
    wait::until("the new certificate is shown", wait::START, async || {
        renewed.is(&stack.ca.shown(stack.bff_address, HOST).await).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_requests_of_thirty_two_clients_take_a_handful_of_connections_to_verify() {
    const CLIENTS: u8 = 32;
    const EACH: u64 = 16;
    let stack = Stack::start().await;
    let agent = stack.signed_in("alice").await;
    let metric = async |name: &str, labels: &str| metric(&stack, &agent, name, labels).await;
    // Where Traefik has no connection at all, it opens one for each request and keeps the first.
    assert_eq!(agent.get(&stack.at("/app/x")).send().await.status, 200);
    let allowed = metric("forwardauth_requests_total", "allowed").await;
    let before = (metric(CONNECTIONS, "h1").await, metric(CONNECTIONS, "h2").await);

    let (url, cookie) = (stack.at("/app/x"), format!("{COOKIE}={}", stack.cookie(&agent)));
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        // An address each, in one network: for the limits of Traefik they are many.
        let address = Ipv4Addr::new(127, 0, 0, 100 + number);
        let client = Arc::new(Agent::from_address(&stack.ca, address));
        let (url, cookie) = (url.clone(), cookie.clone());
        clients.spawn(async move {
            for _ in 0..EACH {
                let reply = client.get(&url).header("cookie", &cookie).send().await;
                // One user is slowed down, but only after verify has said who it is.
                assert!(matches!(reply.status.as_u16(), 200 | 429), "{}", reply.status);
            }
        });
    }
    clients.join_all().await;

    let asked = metric("forwardauth_requests_total", "allowed").await - allowed;
    assert_eq!(asked, u64::from(CLIENTS) * EACH);
    let h1 = metric(CONNECTIONS, "h1").await - before.0;
    let h2 = metric(CONNECTIONS, "h2").await - before.1;
    assert!(h1 == 0 && h2 <= 4, "{h1} HTTP/1.1 and {h2} HTTP/2 connections");
}

#[tokio::test(flavor = "multi_thread")]
async fn verify_without_a_certificate_works_over_plain_http() {
    let stack = Stack::plan().plain_verify().start().await;
    let agent = stack.signed_in("alice").await;
    let page = agent.get(&stack.at("/app/x")).send().await;
    assert_eq!(page.status, 200);
    let seen = stack.protected.seen();
    assert!(seen.last().is_some_and(|seen| !seen.header("x-user-id").is_empty()));
    let refused = stack.agent().fetch(Method::GET, &stack.at("/app/x")).send().await;
    assert_eq!(refused.status, 401);
    let metric = async |name: &str, labels: &str| metric(&stack, &agent, name, labels).await;
    assert!(metric(CONNECTIONS, "h1").await >= 1);
    assert_eq!(metric(CONNECTIONS, "h2").await, 0);
    assert_eq!(metric("forwardauth_tls_handshakes_total", "").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_traefik_of_the_demo_asks_verify_over_tls() {
    let scratch = Scratch::new();
    let agent = Agent::new(&Ca::new(scratch.path().to_owned()));
    let port = ports::two();
    let mut demo = command(place::program("demo"));
    demo.arg("--traefik").arg(place::part("traefik/bin/traefik"));
    demo.env("DEMO_PORT", port.to_string()).env("TMPDIR", scratch.directory("demo"));
    let mut demo = Process::start("demo", demo, scratch.path());
    let url = format!("http://localhost:{port}/whoami/");
    // 404 until Traefik has read its routes; 500 if it could not ask verify.
    let asked = demo
        .ready(async || {
            let reply = agent.get(&url).try_send().await.ok()?;
            (reply.status != 404).then_some(reply)
        })
        .await;
    assert_eq!((asked.status.as_u16(), asked.problem().as_str()), (401, "unauthenticated"));
    demo.signal(Signal::TERM);
    assert!(demo.end(wait::START).await.success(), "{}", demo.log());
}
