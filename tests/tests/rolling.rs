//! Replicas of both programs are restarted one after the other, behind Traefik and what Kubernetes puts
//! between it and them, while requests arrive at a steady rate, whatever became of those before.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use e2e::agent::{Agent, Reply};
use e2e::balancer::Balancer;
use e2e::program::Program;
use e2e::stack::Stack;
use http::Method;
use rustix::process::Signal;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval_at, sleep_until};

const TIME: Duration = Duration::from_mins(1);
/// Each with a user, a session and an address of its own, for Traefik limits requests by both.
const CLIENTS: u8 = 20;
const PER_CLIENT: u32 = 25;
const DRAIN: Duration = Duration::from_secs(30);

/// A client that is signed in, and its CSRF token.
struct Client {
    agent: Agent,
    csrf: String,
    origin: String,
}

impl Client {
    async fn new(stack: &Stack, number: u8) -> Self {
        let agent = Agent::from_address(&stack.ca, Ipv4Addr::new(127, 0, 2, number));
        stack.sign_in(&agent, &format!("user-{number}"), "/").await;
        let session = stack.session(&agent).await;
        let csrf = session["csrf_token"].as_str().expect("a CSRF token").to_owned();
        Self { agent, csrf, origin: stack.origin.clone() }
    }

    /// One request in turn: to the service behind verify, and to the API behind `bff` by a method that may
    /// be repeated and one that may not. The error says what came in place of 200.
    async fn ask(&self, turn: u32) -> Result<(), String> {
        let at = |path: &str| format!("{}{path}", self.origin);
        let (call, request) = match turn % 4 {
            0 | 2 => ("verify", self.agent.fetch(Method::GET, &at("/app/"))),
            1 => ("GET", self.agent.fetch(Method::GET, &at("/api/echo/x"))),
            _ => ("POST", self.agent.fetch(Method::POST, &at("/api/echo/x"))),
        };
        let request = match call {
            "POST" => request.header("x-csrf-token", &self.csrf).body("a body"),
            _ => request,
        };
        match request.try_send().await {
            Ok(reply) if reply.status == 200 => Ok(()),
            Ok(reply) => Err(format!("{call}: {} {}", reply.status, code(&reply))),
            Err(error) => Err(format!("{call}: {error}")),
        }
    }

    /// Sends at a steady rate until `end`, and says what was answered, by outcome.
    async fn load(self, begin: Instant, end: Instant) -> Vec<Result<(), String>> {
        let client = Arc::new(self);
        let mut tick = interval_at(begin, Duration::from_secs(1) / PER_CLIENT);
        let mut requests = JoinSet::new();
        for turn in 0.. {
            let now = tick.tick().await;
            if now >= end {
                break;
            }
            let client = Arc::clone(&client);
            requests.spawn(async move {
                let outcome = client.ask(turn).await;
                outcome.map_err(|error| format!("at {:?}, {error}", now - begin))
            });
        }
        requests.join_all().await
    }
}

/// What a problem is called; nothing for an answer of Traefik's.
fn code(reply: &Reply) -> String {
    let problem = serde_json::from_slice::<serde_json::Value>(&reply.body).unwrap_or_default();
    problem["code"].as_str().unwrap_or_default().to_owned()
}

/// As a rollout does with a pod: no new connections, SIGTERM, the end, a new one, ready.
async fn roll(
    program: &mut Program,
    agent: &Agent,
    balancer: &Balancer,
    (all, one): (&[SocketAddr], SocketAddr),
) {
    balancer.set_ready_without(all, one).await;
    program.process().signal(Signal::TERM);
    let status = program.process().end(DRAIN).await;
    assert!(status.success(), "{status}: {}", program.log());
    program.restart(agent).await;
    balancer.set_ready(all);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_under_500_requests_a_second_for_a_minute_loses_none() {
    let (to_bff, to_verify) = tokio::join!(Balancer::start(), Balancer::start());
    let mut stack = Stack::plan()
        .twice()
        .both("RUST_LOG", "info")
        .edge("WICKETGATE_BFF_URL", format!("http://{}", to_bff.address))
        .edge(
            "WICKETGATE_FORWARDAUTH_URL",
            format!("https://localhost:{}", to_verify.address.port()),
        )
        .start()
        .await;
    let (bffs, verifies) = (stack.bffs(), stack.verifies());
    to_bff.set_ready(&bffs);
    to_verify.set_ready(&verifies);
    let mut clients = Vec::new();
    for number in 1..=CLIENTS {
        clients.push(Client::new(&stack, number).await);
    }

    let begin = Instant::now() + Duration::from_millis(100);
    let end = begin + TIME;
    let mut load = JoinSet::new();
    for (number, client) in (0..).zip(clients) {
        // Not all in the same moment.
        let offset = Duration::from_secs(1) / PER_CLIENT * number / u32::from(CLIENTS);
        load.spawn(client.load(begin + offset, end));
    }
    sleep_until(begin).await;
    let agent = stack.agent();
    let mut rolls = 0;
    let second = |replica: Option<e2e::stack::Replica>| replica.expect("two of each");
    let (mut second_bff, mut second_verify) =
        (second(stack.second_bff.take()), second(stack.second_verify.take()));
    while Instant::now() < end {
        for (program, balancer, which) in [
            (&mut stack.forwardauth, &to_verify, (&*verifies, verifies[0])),
            (&mut stack.bff, &to_bff, (&*bffs, bffs[0])),
            (&mut second_verify.program, &to_verify, (&*verifies, verifies[1])),
            (&mut second_bff.program, &to_bff, (&*bffs, bffs[1])),
        ] {
            roll(program, &agent, balancer, which).await;
            rolls += 1;
        }
    }
    let outcomes = load.join_all().await.concat();
    let lost: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).collect();
    let mut kinds = BTreeMap::<_, usize>::new();
    for error in &lost {
        *kinds.entry(error.split_once(", ").map_or("", |(_, what)| what)).or_default() += 1;
    }
    let some = &lost[..lost.len().min(20)];
    assert!(lost.is_empty(), "{} of {}: {kinds:#?}, {some:#?}", lost.len(), outcomes.len());
    assert!(outcomes.len() >= 29_900, "{}", outcomes.len());
    assert!(rolls >= 8, "each replica at least twice: {rolls}");
    println!("{} requests, {rolls} restarts", outcomes.len());
}
