//! Verify: what a session is bound to, when it is over, and that no other record is one.

use e2e::agent::{Agent, CHROME};
use e2e::clock;
use e2e::stack::{COOKIE, Stack};
use e2e::traefik::HOST;
use serde_json::json;

const FIREFOX: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0";

#[tokio::test(flavor = "multi_thread")]
async fn c64_c66_an_unsafe_request_or_a_websocket_needs_an_origin_of_ours() {
    let stack =
        Stack::plan().forwardauth("BFF_CORS_ORIGINS", "https://spa.wicket.test").start().await;
    let agent = stack.signed_in("alice").await;
    let own = stack.origin.clone();
    let ask = async |headers: &[(&str, &str)]| {
        let call = stack.ask_verify(&agent, "/app/x");
        let reply =
            headers.iter().fold(call, |call, (name, value)| call.header(name, value)).send().await;
        (reply.status.as_u16(), reply.problem())
    };
    let method = |name| ("x-forwarded-method", name);
    for unsafe_method in ["POST", "PUT", "PATCH", "DELETE"] {
        for foreign in [
            "https://evil.test",
            "null",
            "http://app.wicket.test",
            "https://app.wicket.test",
            "https://app.wicket.test.evil.test",
        ] {
            let (status, code) = ask(&[method(unsafe_method), ("origin", foreign)]).await;
            assert_eq!((status, code.as_str()), (403, "csrf"), "{unsafe_method} {foreign}");
        }
        for site in ["cross-site", "same-site"] {
            let (status, code) = ask(&[method(unsafe_method), ("sec-fetch-site", site)]).await;
            assert_eq!((status, code.as_str()), (403, "csrf"), "{unsafe_method} {site}");
        }
        assert_eq!(ask(&[method(unsafe_method), ("origin", &own)]).await.0, 200, "{unsafe_method}");
        assert_eq!(
            ask(&[method(unsafe_method), ("origin", "https://spa.wicket.test")]).await.0,
            200
        );
        assert_eq!(ask(&[method(unsafe_method), ("sec-fetch-site", "same-origin")]).await.0, 200);
        assert_eq!(ask(&[method(unsafe_method), ("sec-fetch-site", "none")]).await.0, 200);
        assert_eq!(ask(&[method(unsafe_method)]).await.0, 200, "no browser sent it");
    }
    for socket in [("x-forwarded-proto", "wss"), ("sec-fetch-mode", "websocket")] {
        assert_eq!(
            ask(&[socket, ("origin", "https://evil.test")]).await,
            (403, "csrf".to_owned()),
            "{socket:?}"
        );
        assert_eq!(ask(&[socket, ("origin", &own)]).await.0, 200, "{socket:?}");
    }
    assert_eq!(
        ask(&[method("GET"), ("origin", "https://evil.test")]).await.0,
        200,
        "a safe request"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn c37_two_session_cookies_are_none_and_both_are_cleared() {
    let stack = Stack::start().await;
    let agent = stack.signed_in("alice").await;
    let value = stack.cookie(&agent);
    let url = format!("https://localhost:{}/auth/verify", stack.verify.port());
    let other = "B".repeat(43);
    for lines in [
        vec![format!("{COOKIE}={value}; {COOKIE}={other}")],
        vec![format!("{COOKIE}={other}"), format!("{COOKIE}={value}")],
        vec![format!("{COOKIE}={value}; x=y; {COOKIE}={value}")],
    ] {
        let call = agent.get(&url).without("cookie");
        let call = lines.iter().fold(call, |call, line| call.add("cookie", line.as_bytes()));
        let reply = call.send().await;
        assert_eq!(reply.status, 401, "{lines:?}");
        assert!(
            reply.headers.get_all("set-cookie").iter().count() >= 1,
            "{lines:?}: {:?}",
            reply.headers
        );
    }
    assert_eq!(
        stack.ask_verify(&agent, "/app/").send().await.status,
        200,
        "the session itself is untouched"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn c48_another_browser_ends_the_session_and_another_network_only_waits() {
    let stack = Stack::start().await;
    let agent = stack.signed_in("alice").await;
    let moved =
        stack.ask_verify(&agent, "/app/").header("x-forwarded-for", "203.0.113.7").send().await;
    assert_eq!(moved.status, 401, "binding `reauth`");
    let back = stack.ask_verify(&agent, "/app/").send().await;
    assert_eq!(back.status, 200, "the session waits: {}", back.text());
    let neighbour =
        stack.ask_verify(&agent, "/app/").header("x-forwarded-for", "127.0.0.77").send().await;
    assert_eq!(neighbour.status, 200, "the same /24");

    let newer = CHROME.replace("Chrome/140.0.0.0", "Chrome/141.0.1.2");
    let updated = stack.ask_verify(&agent, "/app/").header("user-agent", &newer).send().await;
    assert_eq!(updated.status, 200, "an update of the browser is no other browser");
    let other = stack.ask_verify(&agent, "/app/").header("user-agent", FIREFOX).send().await;
    assert_eq!(other.status, 401, "binding `deny`");
    let ended = stack.ask_verify(&agent, "/app/").send().await;
    assert_eq!(ended.status, 401, "the session ended");
    assert!(stack.redis.keys("bff:session:").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn c41_an_idle_session_ends_by_the_servers_clock() {
    let stack = Stack::plan().both("SESSION_IDLE_TTL", "2").start().await;
    let agent = stack.signed_in("alice").await;
    let key = stack.session_key(&stack.cookie(&agent));
    assert_eq!(stack.ask_verify(&agent, "/app/").send().await.status, 200);
    // Redis is made to keep it: the record itself must say that it is over.
    stack.redis.ask(&[b"PERSIST", key.as_bytes()]).await;
    clock::reach(clock::now() + 3).await;
    assert_eq!(stack.ask_verify(&agent, "/app/").send().await.status, 401);
    assert_eq!(stack.session(&agent).await, json!({"authenticated": false}));
}

#[tokio::test(flavor = "multi_thread")]
async fn t08_who_can_write_to_redis_still_cannot_become_somebody() {
    let stack = Stack::start().await;
    let alice = stack.signed_in("alice").await;
    let bob = stack.signed_in("bob").await;
    let (alices, bobs) =
        (stack.session_key(&stack.cookie(&alice)), stack.session_key(&stack.cookie(&bob)));

    // Alice's record under a key whose cookie the attacker knows.
    let known = "C".repeat(43);
    let thief = Agent::new(&stack.ca);
    thief.edit_cookies(|jar| jar.plant(HOST, COOKIE, &known));
    let target = stack.session_key(&known);
    stack.redis.ask(&[b"COPY", alices.as_bytes(), target.as_bytes()]).await;
    let reply = stack.ask_verify(&thief, "/app/").send().await;
    assert_eq!(
        reply.status,
        401,
        "a copied record let a stranger in as {}",
        reply.header("x-user-id")
    );

    // Alice's record in the place of Bob's.
    stack.redis.ask(&[b"COPY", alices.as_bytes(), bobs.as_bytes(), b"REPLACE"]).await;
    let reply = stack.ask_verify(&bob, "/app/").send().await;
    assert_eq!(reply.status, 401, "Bob became {}", reply.header("x-user-id"));

    // Any changed byte of Alice's own record.
    let kind = stack.redis.ask(&[b"TYPE", alices.as_bytes()]).await.bytes();
    let original = stack.redis.ask(&[b"DUMP", alices.as_bytes()]).await.bytes();
    let fields: Vec<_> = if kind == b"hash" {
        stack.redis.ask(&[b"HGETALL", alices.as_bytes()]).await.flatten()
    } else {
        vec![Vec::new(), stack.redis.ask(&[b"GET", alices.as_bytes()]).await.bytes()]
    };
    let mut refused = 0_usize;
    for pair in fields.chunks(2) {
        for at in (0..pair[1].len()).step_by(7) {
            let mut changed = pair[1].clone();
            changed[at] ^= 0x41;
            if kind == b"hash" {
                stack.redis.ask(&[b"HSET", alices.as_bytes(), &pair[0], &changed]).await;
            } else {
                stack.redis.ask(&[b"SET", alices.as_bytes(), &changed]).await;
            }
            let reply = stack.ask_verify(&alice, "/app/").send().await;
            assert!(
                reply.status == 401 || reply.header("x-user-id") == "alice",
                "{}",
                reply.status
            );
            assert!(!reply.status.is_server_error(), "{} {}", reply.status, reply.text());
            refused += usize::from(reply.status == 401);
            stack.redis.ask(&[b"RESTORE", alices.as_bytes(), b"0", &original, b"REPLACE"]).await;
        }
    }
    assert!(refused > 0, "no change of the record was noticed");
    assert_eq!(stack.ask_verify(&alice, "/app/").send().await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn t20_nothing_but_a_finished_login_is_a_session() {
    let stack = Stack::start().await;
    let agent = stack.agent();
    agent.navigate(&stack.at("/auth/login?return_to=/")).await;
    assert!(stack.redis.keys("bff:session:").await.is_empty());
    let mut candidates: Vec<String> =
        agent.cookies().all().iter().map(|cookie| cookie.value.clone()).collect();
    for key in stack.redis.keys("").await {
        candidates.extend(key.rsplit(':').next().map(str::to_owned));
    }
    assert!(!candidates.is_empty());
    for candidate in candidates {
        let thief = stack.agent();
        thief.edit_cookies(|jar| jar.plant(HOST, COOKIE, &candidate));
        assert_eq!(stack.ask_verify(&thief, "/app/").send().await.status, 401, "{candidate}");
        assert_eq!(stack.session(&thief).await, json!({"authenticated": false}));
    }
}
