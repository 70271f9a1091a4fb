//! Logout that the real provider begins, and what a page that is open learns of it.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use e2e::agent::Agent;
use e2e::stack::Stack;
use http::Method;
use serde_json::json;

/// Well below the 15 s after which a stream looks for itself.
const SOON: Duration = Duration::from_secs(5);

async fn signed_out_everywhere(stack: &Stack, agent: &Agent) {
    for bff in stack.bffs() {
        let reply = stack.to_bff(bff, agent, Method::GET, "/api/echo/x").send().await;
        assert_eq!(reply.status, 401, "{}", reply.text());
    }
    for verify in stack.verifies() {
        assert_eq!(stack.ask_verify_at(verify, agent, "/app/").send().await.status, 401);
    }
}

async fn signed_in_everywhere(stack: &Stack, agent: &Agent) {
    for bff in stack.bffs() {
        let reply = stack.to_bff(bff, agent, Method::GET, "/api/echo/x").send().await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
    for verify in stack.verifies() {
        assert_eq!(stack.ask_verify_at(verify, agent, "/app/").send().await.status, 200);
    }
}

/// The provider ends its sessions of a user, and tells us.
async fn logout_at_the_provider(stack: &Stack, user: &str) {
    let told = stack.idp.control("logout", &json!({"sub": user})).await;
    let told = told.as_array().expect("a list");
    assert!(!told.is_empty() && told.iter().all(|told| told["ok"] == true), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn c75_c76_a_logout_at_the_provider_ends_the_session_of_that_sid_on_every_replica() {
    let stack = Stack::plan().twice().forwardauth("FORWARDAUTH_CACHE", "tracking").start().await;
    let (here, elsewhere, other) = (stack.agent(), stack.agent(), stack.agent());
    for (agent, user) in [(&here, "alice"), (&elsewhere, "carol"), (&other, "bob")] {
        stack.sign_in_directly(agent, user).await;
        signed_in_everywhere(&stack, agent).await;
    }
    logout_at_the_provider(&stack, "alice").await;
    signed_out_everywhere(&stack, &here).await;
    signed_in_everywhere(&stack, &elsewhere).await;
    signed_in_everywhere(&stack, &other).await;
    assert_eq!(stack.keys("bff:session:").await.len(), 2);
    let ends = stack.audit("session.revoked");
    assert_eq!(ends.len(), 1, "{ends:?}");
    assert_eq!(ends[0]["actor"], "idp", "{ends:?}");
    // The way back is a login.
    stack.sign_in_directly(&here, "alice").await;
    signed_in_everywhere(&stack, &here).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c76_a_logout_token_without_a_sid_ends_every_session_of_the_user() {
    let stack = Stack::plan().twice().idp("OP_BCL_SID", "false").start().await;
    let (one, two, other) = (stack.agent(), stack.agent(), stack.agent());
    for (agent, user) in [(&one, "alice"), (&two, "alice"), (&other, "bob")] {
        stack.sign_in_directly(agent, user).await;
    }
    logout_at_the_provider(&stack, "alice").await;
    signed_out_everywhere(&stack, &one).await;
    signed_out_everywhere(&stack, &two).await;
    signed_in_everywhere(&stack, &other).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c66_an_open_stream_of_events_is_told_of_the_logout_on_another_replica_and_closed() {
    let stack = Stack::plan().twice().start().await;
    for by_the_provider in [false, true] {
        let agent = stack.agent();
        stack.sign_in_directly(&agent, "alice").await;
        let mut streams = Vec::new();
        let path = "/api/auth/events";
        let direct =
            stack.bffs().into_iter().map(|bff| stack.to_bff(bff, &agent, Method::GET, path));
        let through_traefik = agent.fetch(Method::GET, &stack.at(path));
        for call in direct.chain([through_traefik]) {
            let mut stream = call.header("accept", "text/event-stream").open().await;
            assert_eq!(stream.status, 200);
            // The first bytes come at once.
            stream.until("\n", SOON).await;
            streams.push(stream);
        }
        if by_the_provider {
            logout_at_the_provider(&stack, "alice").await;
        } else {
            let bff = stack.bff_address;
            let session = stack.to_bff(bff, &agent, Method::GET, "/api/auth/session").send().await;
            let token = session.json()["csrf_token"].as_str().expect("signed in").to_owned();
            let logout = stack.to_bff(bff, &agent, Method::POST, "/auth/logout");
            assert!(logout.header("x-csrf-token", &token).send().await.status.is_success());
        }
        for mut stream in streams {
            stream.end(SOON).await;
            assert!(stream.text.contains("event: revoked"), "{}", stream.text);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c78_a_flood_of_junk_fetches_keys_once_more_and_keeps_no_logout_away() {
    const JUNK: usize = 300;
    // Three parts with a known issuer and an unknown key, no token at all, and one that is too long.
    let stack = Stack::plan().limits("{ backchannel: { limit: 1000, window: 1m } }").start().await;
    let agent = stack.signed_in("alice").await;
    let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let unknown = |number: usize| {
        let head =
            part(json!({"alg": "ES256", "kid": format!("invented-{number}"), "typ": "logout+jwt"}));
        let claims = part(json!({
            "iss": stack.idp.issuer, "aud": stack.bff.environment.get("OIDC_CLIENT_ID"), "sub": "alice",
            "iat": e2e::clock::now(), "exp": e2e::clock::now() + 60, "jti": number.to_string(),
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
        }));
        format!("{head}.{claims}.{}", "A".repeat(86))
    };
    let keys = stack.idp.count("GET /jwks").await;
    for number in 0..JUNK {
        // A connection of its own: one on which too much was sent is closed.
        let stranger = stack.agent();
        let token = match number % 3 {
            0 => unknown(number),
            1 => format!("junk-{number}"),
            _ => "A".repeat(100_000),
        };
        let call =
            stack.to_bff(stack.bff_address, &stranger, Method::POST, "/auth/backchannel-logout");
        match call.form(&[("logout_token", &token)]).try_send().await {
            // 503: keys were asked for just now, and an issuer whose key is new tries again.
            Ok(reply) => {
                assert!(matches!(reply.status.as_u16(), 400 | 413 | 503), "{}", reply.text());
            }
            // Whoever sends too much is not listened to any longer.
            Err(error) => assert_eq!(number % 3, 2, "{error}"),
        }
    }
    let fetched = stack.idp.count("GET /jwks").await - keys;
    // The first look at all, for logouts have one of their own, and one for newer keys.
    assert!(fetched <= 2, "{fetched} fetches of keys for {JUNK} pieces of junk");
    signed_in_everywhere(&stack, &agent).await;
    logout_at_the_provider(&stack, "alice").await;
    signed_out_everywhere(&stack, &agent).await;
}
