//! The shipped Traefik configuration in the real Traefik: too many requests, services that are away, and
//! what a client is told about it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use e2e::agent::{Agent, Call};
use e2e::edge::{Edge, Form, IDENTITY, allowed, refused};
use e2e::identity::spellings;
use e2e::service::{Service, answer};
use e2e::wire::Wire;
use e2e::{ports, wait};
use http::Method;
use tokio::task::JoinSet;

e2e::in_both_forms!(
    c85_a_flood_from_one_address_does_not_reach_verify,
    c85_a_flood_of_one_user_from_many_addresses_does_not_reach_the_service,
    a_replica_that_is_away_costs_no_request_and_no_second_question,
    a_service_that_is_away_is_left_alone_and_found_again,
    a_service_that_is_away_is_told_as_a_page_or_a_problem,
    t04_identity_that_a_client_claims_reaches_the_error_pages_in_no_spelling,
    t08_without_verify_nobody_passes_and_is_told_as_a_page_or_a_problem,
    an_outage_that_verify_tells_of_reaches_the_client_as_it_is,
);

/// Asks `count` times at once from each address of the loopback network that ends so, and counts answers
/// with 429 and others.
async fn flood(edge: &Edge, path: &str, from: &[u8], count: usize) -> (usize, usize) {
    let url = edge.at(path);
    let mut load = JoinSet::new();
    for last in from {
        let agent = Arc::new(Agent::from_address(&edge.ca, Ipv4Addr::new(127, 0, 0, *last)));
        // One connection for all of them, and not one for each that finds none yet.
        assert_eq!(agent.get(&edge.at("/")).send().await.status, 200);
        for _ in 0..count {
            let (agent, url) = (Arc::clone(&agent), url.clone());
            load.spawn(async move { agent.get(&url).send().await });
        }
    }
    let replies = load.join_all().await;
    let slowed: Vec<_> = replies.iter().filter(|reply| reply.status == 429).collect();
    assert!(slowed.iter().all(|reply| !reply.header("retry-after").is_empty()), "429 says when");
    (slowed.len(), replies.len() - slowed.len())
}

async fn c85_a_flood_from_one_address_does_not_reach_verify(form: Form) {
    let edge = Edge::start(form).await;
    edge.verify_says(refused);
    let (slowed, others) = flood(&edge, "/app/x", &[9], 600).await;
    assert!(slowed > 0, "600 requests at once passed");
    assert_eq!(edge.verify.take().len(), others, "verify was asked about what was refused");
    // The others pay nothing for it.
    assert_eq!(edge.agent.get(&edge.at("/app/x")).send().await.status, 401);
}

async fn c85_a_flood_of_one_user_from_many_addresses_does_not_reach_the_service(form: Form) {
    let edge = Edge::start(form).await;
    let (slowed, others) = flood(&edge, "/app/x", &[9, 10, 11, 12], 150).await;
    assert!(slowed > 0, "600 requests of one user at once passed");
    assert_eq!(edge.verify.take().len(), slowed + others, "the user is known after verify alone");
    assert_eq!(edge.protected.take().len(), others);
    // Nor do other users pay for it, whom a client cannot name.
    edge.verify_says(|| {
        let mut answer = allowed();
        answer.headers_mut().insert("x-user-id", "u-43".parse().expect("a value"));
        answer
    });
    let other = edge.agent.get(&edge.at("/app/x")).header("x-user-id", "u-42").send().await;
    assert_eq!(other.status, 200);
}

async fn a_replica_that_is_away_costs_no_request_and_no_second_question(form: Form) {
    let service = Service::echo().await;
    let gone = ports::free();
    let edge = Edge::plan(form).protected_at(service.address).protected_at(gone).start().await;
    for number in 0..20 {
        let method = if number % 2 == 0 { Method::GET } else { Method::POST };
        let reply = edge.agent.request(method, &edge.at("/app/x")).body("content").send().await;
        assert_eq!(reply.status, 200, "{number}: {}", reply.text());
    }
    assert_eq!(edge.verify.take().len(), 20, "verify was asked again for a retry");
    assert_eq!(service.take().len(), 20);
}

async fn a_service_that_is_away_is_left_alone_and_found_again(form: Form) {
    let service = Service::echo().await;
    let wire = Wire::to(service.address);
    let edge = Edge::plan(form).protected_at(wire.address).start().await;
    // The limits slow this test down as well.
    let get = async || {
        wait::until("an answer", wait::START, async || {
            let reply = edge.agent.get(&edge.at("/app/x")).send().await;
            (reply.status != 429).then_some(reply.status.as_u16())
        })
        .await
    };
    assert_eq!(get().await, 200);
    wait::until("the breaker opens", wait::START, async || {
        wire.cut();
        for _ in 0..20 {
            get().await;
        }
        // With the line whole again, these come from the breaker alone.
        wire.mend();
        service.take();
        for _ in 0..5 {
            if get().await != 502 {
                return None;
            }
        }
        service.take().is_empty().then_some(())
    })
    .await;
    wait::until("every request passes again", wait::START, async || {
        for _ in 0..20 {
            if get().await != 200 {
                return None;
            }
        }
        Some(())
    })
    .await;
}

fn secretive(call: Call<'_>) -> Call<'_> {
    let call = call.header("cookie", "bff_session=secret").header("authorization", "secret");
    call.header("x-csrf-token", "secret").header("x-request-id", "r-1")
}

/// What people and programs are told, and that the one who tells them hears of no secret.
async fn told(edge: &Edge, status: u16) {
    let page = secretive(edge.agent.visit(&edge.at("/app/x?token=secret"))).send().await;
    assert_eq!(
        (page.status.as_u16(), page.header("content-type")),
        (status, "text/html; charset=utf-8")
    );
    assert!(page.text().contains("Something went wrong"));
    assert_eq!(page.header("x-frame-options"), "DENY");
    assert!(page.header("content-security-policy").contains("script-src 'self'"));
    let problem = secretive(edge.agent.fetch(Method::POST, &edge.at("/app/x?token=secret")));
    let problem = problem.header("origin", "https://spa.wicket.test").send().await;
    assert_eq!((problem.status.as_u16(), problem.problem()), (status, "edge_error".to_owned()));
    assert_eq!(problem.header("access-control-allow-origin"), "https://spa.wicket.test");
    let seen = edge.errors.take();
    assert_eq!(seen.len(), 2);
    for seen in seen {
        assert_eq!(seen.target(), format!("/errors/{status}"));
        assert_eq!(seen.header("x-request-id"), "r-1");
        assert!(!format!("{:?}", seen.headers).contains("secret"), "{:?}", seen.headers);
    }
}

async fn a_service_that_is_away_is_told_as_a_page_or_a_problem(form: Form) {
    let edge = Edge::plan(form).protected_at(ports::free()).start().await;
    told(&edge, 502).await;
    assert_eq!(edge.agent.get(&edge.at("/")).send().await.status, 200);
}

async fn t04_identity_that_a_client_claims_reaches_the_error_pages_in_no_spelling(form: Form) {
    let edge = Edge::plan(form).protected_at(ports::free()).start().await;
    let lines: Vec<_> = IDENTITY
        .iter()
        .flat_map(|(name, _)| spellings(name))
        .map(|name| format!("\r\n{name}: evil"))
        .collect();
    for method in ["GET", "POST", "OPTIONS"] {
        let reply = edge.raw(&format!("{method} /app/x HTTP/1.1{}", lines.concat())).await;
        assert_eq!(reply.status, Some(502), "{method}: {}", reply.text);
        let seen = edge.errors.take();
        assert_eq!(seen.len(), 1, "{method}");
        assert!(!format!("{:?}", seen[0].headers).contains("evil"), "{:?}", seen[0].headers);
    }
}

async fn t08_without_verify_nobody_passes_and_is_told_as_a_page_or_a_problem(form: Form) {
    let mut edge = Edge::start(form).await;
    // Nobody listens there any more.
    let address: SocketAddr = edge.verify.address;
    edge.verify = Service::echo().await;
    wait::until("verify is gone", wait::START, async || {
        std::net::TcpListener::bind(address).is_ok().then_some(())
    })
    .await;
    told(&edge, 500).await;
    assert!(edge.protected.take().is_empty(), "a request passed without verify");
}

async fn an_outage_that_verify_tells_of_reaches_the_client_as_it_is(form: Form) {
    let edge = Edge::start(form).await;
    edge.verify_says(|| {
        let mut answer = answer(503, "application/problem+json", r#"{"code":"store_unavailable"}"#);
        answer.headers_mut().insert("retry-after", "1".parse().expect("a value"));
        answer
    });
    let reply = edge.agent.get(&edge.at("/app/x")).send().await;
    assert_eq!((reply.status.as_u16(), reply.header("retry-after")), (503, "1"));
    assert_eq!(reply.problem(), "store_unavailable");
    assert!(edge.errors.take().is_empty() && edge.protected.take().is_empty());
}
