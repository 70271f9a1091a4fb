//! Limits hold over two replicas, and over an outage of Redis nobody is refused because of it.

use std::collections::BTreeMap;
use std::time::Duration;

use e2e::agent::{Agent, Reply};
use e2e::resp::Value;
use e2e::stack::Stack;
use e2e::wait;
use futures_util::{StreamExt as _, stream};
use http::Method;

const LIMIT: usize = 200;

fn count(replies: &[Reply]) -> BTreeMap<u16, usize> {
    replies.iter().fold(BTreeMap::new(), |mut all, reply| {
        *all.entry(reply.status.as_u16()).or_default() += 1;
        all
    })
}

/// Calls of one session, some through Traefik and the first `bff`, most to the second.
async fn storm(stack: &Stack, agent: &Agent) -> Vec<Reply> {
    let second = stack.bffs()[1];
    let calls = (0..300).map(|number| async move {
        let path = format!("/api/echo/{number}");
        if number % 4 == 0 {
            agent.fetch(Method::GET, &stack.at(&path)).send().await
        } else {
            stack.to_bff(second, agent, Method::GET, &path).send().await
        }
    });
    stream::iter(calls).buffer_unordered(16).collect().await
}

#[tokio::test(flavor = "multi_thread")]
async fn c85_a_session_has_one_limit_over_all_replicas() {
    let plan = Stack::plan().twice().limits("{ login: off, proxy: { limit: 200, window: 1m } }");
    let stack = plan.start().await;
    let (agent, other) = (stack.signed_in("alice").await, stack.signed_in("bob").await);
    let replies = storm(&stack, &agent).await;

    let counted = count(&replies);
    let (allowed, seen) = (counted[&200], stack.upstream.take().len());
    assert_eq!((allowed, counted[&429]), (LIMIT, 300 - LIMIT), "{counted:?}");
    assert_eq!(seen, LIMIT, "what the service saw");
    let refused = replies.iter().find(|reply| reply.status == 429).expect("one was refused");
    assert_eq!(refused.problem(), "rate_limited");
    let wait: u64 = refused.header("retry-after").parse().expect("seconds");
    assert!((50..=66).contains(&wait), "{wait}");
    assert_eq!(refused.header("ratelimit"), format!("\"proxy\";r=0;t={wait}"));
    assert_eq!(refused.header("ratelimit-policy"), "\"proxy\";q=200;w=60");
    let free = other.fetch(Method::GET, &stack.at("/api/echo/x")).send().await;
    assert_eq!(free.status, 200, "another session");

    let cookie = stack.cookie(&agent);
    for key in stack.keys("bff:rl:").await {
        let stored = stack.redis.ask(&[b"GET", key.as_bytes()]).await.bytes();
        let text = format!("{key} {}", String::from_utf8_lossy(&stored));
        assert!(!text.contains(&cookie) && !text.contains("127.0.0.1"), "{text}");
        let left = stack.redis.ask(&[b"PTTL", key.as_bytes()]).await;
        let ends = matches!(left, Value::Integer(1..=66_000));
        assert!(ends, "{key} lives for {left:?} ms");
    }
    let refusals = stack.counted_by_bffs("bff_rate_limited_total", "rule=\"proxy\"").await;
    assert_eq!(refusals, 100);
    let lines = stack.audit("rate.limited").len();
    assert!((1..=60).contains(&lines), "{lines} lines for a hundred refusals");
}

#[tokio::test(flavor = "multi_thread")]
async fn c85_while_redis_is_away_each_replica_counts_alone_and_afterwards_all_together() {
    let route = "{ id: open, path: /api/open, target_service: echo, methods: [GET], auth: none, \
                 rate_limit: { limit: 5, window: 1m, key: ip } }";
    let mut stack = Stack::plan().twice().route(route).start().await;
    let agent = stack.agent();
    let ask = async |stack: &Stack, replica: usize, address: &str| {
        let bff = stack.bffs()[replica];
        let call = stack.to_bff(bff, &agent, Method::GET, "/api/open").without("x-forwarded-for");
        call.header("x-forwarded-for", address).send().await.status.as_u16()
    };
    let here = async |stack: &Stack| {
        agent.fetch(Method::GET, &stack.at("/api/open")).send().await.status.as_u16()
    };
    assert_eq!([here(&stack).await, ask(&stack, 1, "127.0.0.1").await], [200, 200]);

    stack.redis.kill();
    for expected in [200, 200, 200, 200, 200, 429, 429] {
        assert_eq!(here(&stack).await, expected, "through Traefik, at the first");
        assert_eq!(ask(&stack, 1, "127.0.0.1").await, expected, "at the second");
    }
    let alone = stack.bff.metric(&agent, "bff_rate_limit_local_total", "").await;
    assert!(alone >= 7.0, "{alone}");

    stack.redis.restart().await;
    // An address of its own for each look: what was counted alone is of no matter for it.
    for replica in [0, 1] {
        let mut number = 0;
        wait::until("counting in Redis", Duration::from_secs(10), async || {
            number += 1;
            let address = format!("198.51.{replica}.{number}");
            let before = stack.keys("bff:rl:").await.len();
            assert_eq!(ask(&stack, replica, &address).await, 200);
            (stack.keys("bff:rl:").await.len() > before).then_some(())
        })
        .await;
    }
    let mut answers = Vec::new();
    for _ in 0..4 {
        answers.push(ask(&stack, 0, "192.0.2.9").await);
        answers.push(ask(&stack, 1, "192.0.2.9").await);
    }
    assert_eq!(answers, [200, 200, 200, 200, 200, 429, 429, 429]);
}
