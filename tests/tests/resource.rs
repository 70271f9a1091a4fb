//! Tokens for services by the session's refresh token (RFC 8707), at a provider that offers no token exchange
//! for it, rotates refresh tokens, and ends the whole grant where one is used twice.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use e2e::agent::Agent;
use e2e::clock;
use e2e::service::{Service, echo};
use e2e::stack::{Plan, Stack, to_bff};
use http::Method;
use serde_json::{Value, json};

/// A resource of the provider beside that of the login.
const API: &str = "https://api.example.test";
/// One whose tokens are opaque.
const OPAQUE: &str = "https://opaque.example.test";

fn plan(service: &Service) -> Plan {
    Stack::plan()
        .bff("OIDC_EXCHANGE", "resource")
        .bff(
            "OIDC_SCOPES",
            "openid profile email roles tenant offline_access orders:read orders:write api:read",
        )
        .service(&format!(
            "api: {{ base_url: \"{0}\", token: exchange, audience: \"{API}\", scope: \"api:read\" }}\n  \
             opaque: {{ base_url: \"{0}\", token: exchange, audience: \"{OPAQUE}\" }}",
            service.origin()
        ))
        .route("{ path: '/api/narrow/*', target_service: api, methods: [GET], auth: session }")
        .route("{ path: '/api/opaque/*', target_service: opaque, methods: [GET], auth: session }")
}

/// The claims of a token, as a service was shown it.
fn claims(authorization: &str) -> Value {
    let (_, token) = authorization.split_once(' ').expect("a scheme");
    let payload = token.split('.').nth(1).expect("three parts");
    let payload = URL_SAFE_NO_PAD.decode(payload).expect("base64url");
    serde_json::from_slice(&payload).expect("JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn t07_each_service_gets_a_token_for_itself_by_the_refresh_token() {
    for dpop in ["off", "required"] {
        let service = Service::start(None, async |seen| echo(&seen)).await;
        let stack = plan(&service).bff("OIDC_DPOP", dpop).start().await;
        let alice = stack.signed_in("alice").await;
        let get = async |path: &str| {
            let reply = alice.fetch(Method::GET, &stack.at(path)).send().await;
            assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        };
        for _ in 0..3 {
            get("/api/narrow/x").await;
        }
        let shown = service.take();
        let narrow = claims(shown[2].header("authorization"));
        assert_eq!(
            (&narrow["aud"], &narrow["scope"], &narrow["sub"]),
            (&json!(API), &json!("api:read"), &json!("alice")),
            "{dpop}"
        );
        assert_eq!(narrow["cnf"]["jkt"].is_string(), dpop == "required");
        assert_eq!(shown[2].header("dpop").is_empty(), dpop == "off");
        get("/api/opaque/x").await;
        assert!(!service.take()[0].header("authorization").contains('.'));
        get("/api/echo/x").await;
        let broad = stack.upstream.take();
        assert_eq!(claims(broad[0].header("authorization"))["aud"], e2e::idp::AUDIENCE);
        assert_eq!(stack.idp.spent_at_most().await, 1, "{dpop}");
        // The provider still knows the refresh token that the session has.
        let csrf = stack.session(&alice).await["csrf_token"].as_str().expect("in").to_owned();
        let logout = alice.fetch(Method::POST, &stack.at("/auth/logout"));
        assert!(logout.header("x-csrf-token", &csrf).send().await.status.is_success());
        e2e::wait::until("the grant is revoked", e2e::wait::START, async || {
            (stack.idp.refresh_tokens().await == 0).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c49_two_hundred_calls_to_three_services_with_a_dead_token_spend_no_refresh_token_twice() {
    let service = Service::start(None, async |seen| echo(&seen)).await;
    let stack = plan(&service).idp("OP_AT_TTL", "1").twice().start().await;
    for _ in 0..5 {
        let agent = stack.agent();
        stack.idp.access_token_lifetime(1).await;
        stack.sign_in_directly(&agent, "alice").await;
        stack.idp.access_token_lifetime(3600).await;
        clock::reach(clock::now() + 2).await;
        let before = stack.idp.count("grant refresh_token").await;
        let (bffs, origin) = (stack.bffs(), stack.origin.clone());
        let calls = (0..200).map(|number| {
            let bff = bffs[number % bffs.len()];
            let path = ["/api/echo/x", "/api/narrow/x", "/api/opaque/x"][number % 3];
            let (origin, agent) = (origin.clone(), agent.tab());
            tokio::spawn(
                async move { to_bff(&origin, bff, &agent, Method::GET, path).send().await },
            )
        });
        let calls: Vec<_> = calls.collect();
        for call in calls {
            let reply = call.await.expect("an answer");
            assert_eq!(reply.status, 200, "{}", reply.text());
        }
        let refreshes = stack.idp.count("grant refresh_token").await - before;
        // One for the session, and for each of two services at each of two replicas at least one: a process
        // forgets what it had when it hears that the session was refreshed, and when it begins to hear.
        assert!((5..=13).contains(&refreshes), "{refreshes}");
        assert_eq!(stack.idp.spent_at_most().await, 1);
    }
}

/// The first replica dies while the provider holds its request for a service. What the second says of that
/// service then, and of one that is shown the session's own token.
async fn killed(plan: Plan, how: Value) -> (Stack, Agent, [u16; 2]) {
    let mut stack = plan.twice().start().await;
    let agent = stack.agent();
    stack.sign_in_directly(&agent, "alice").await;
    stack.idp.fault("/token", 1, how).await;
    let (origin, first, tab) = (stack.origin.clone(), stack.bff_address, agent.tab());
    let call = tokio::spawn(async move {
        // It ends with its replica.
        drop(to_bff(&origin, first, &tab, Method::GET, "/api/narrow/x").try_send().await);
    });
    stack.idp.holds().await;
    stack.bff.process().kill();
    stack.idp.release().await;
    call.await.expect("the call ended with its replica");
    let second = stack.bffs()[1];
    let mut answers = [0; 2];
    for (answer, path) in answers.iter_mut().zip(["/api/narrow/x", "/api/echo/x"]) {
        let reply = stack.to_bff(second, &agent, Method::GET, path).send().await;
        *answer = reply.status.as_u16();
    }
    (stack, agent, answers)
}

#[tokio::test(flavor = "multi_thread")]
async fn c52_a_replica_killed_while_it_asks_for_a_service_costs_nothing_within_the_grace() {
    for how in [json!({"hold": true, "drop": true}), json!({"hold": true, "after": true})] {
        let service = Service::start(None, async |seen| echo(&seen)).await;
        let plan = plan(&service).idp("OP_REFRESH_GRACE", "60").bff("OIDC_REFRESH_GRACE", "60");
        let (stack, agent, answers) = killed(plan, how.clone()).await;
        assert_eq!(answers, [200, 200], "{how}");
        // The refresh token that came is good for the next.
        let reply =
            stack.to_bff(stack.bffs()[1], &agent, Method::GET, "/api/opaque/x").send().await;
        assert_eq!(reply.status, 200, "{how}: {}", reply.text());
        assert!(stack.idp.spent_at_most().await <= 2, "{how}");
        assert!(stack.audit("session.refresh_lost").is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c52_a_replica_killed_while_it_asks_for_a_service_leaves_the_session_its_access_token() {
    let service = Service::start(None, async |seen| echo(&seen)).await;
    let (stack, _, answers) = killed(plan(&service), json!({"hold": true, "after": true})).await;
    assert_eq!(answers, [503, 200]);
    assert_eq!(stack.idp.spent_at_most().await, 1, "nobody sends it again");
    assert!(stack.audit("session.revoked").is_empty());
}
