//! The example of docs/USER-CONTEXT.md with real parts: account ids that the browser never learns, in no
//! answer, no log, and nowhere in Redis. And what the provider itself knows, by its userinfo endpoint.

use std::sync::Arc;

use e2e::agent::{Agent, Reply};
use e2e::canary::Canaries;
use e2e::service::{Answer, Seen, Service, answer};
use e2e::stack::Stack;
use e2e::wait;
use http::Method;
use serde_json::json;

const BFF: &str = include_str!("../../docs/examples/user-context/bff.yaml");
const ROUTES: &str = include_str!("../../docs/examples/user-context/routes.yaml");

/// Whose account is whose.
fn account(user: &str) -> String {
    format!("account-of-{user}-9d41c7e2")
}

/// Who knows the accounts, by the user's id in the address.
fn accounts(seen: &Seen) -> Answer {
    let user = seen.target().split('/').nth(2).unwrap_or_default().to_owned();
    let told = json!({ "items": [{ "id": account(&user), "kind": "cash" }] });
    answer(200, "application/json", told.to_string())
}

/// A service that tells the account back in every way that it has.
fn ledger(seen: &Seen) -> Answer {
    let query = seen.uri.query().unwrap_or_default();
    let named = url::form_urlencoded::parse(query.as_bytes());
    let account =
        named.filter(|(name, _)| name == "account_id").map(|(_, value)| value.into_owned());
    let account = account.last().unwrap_or_else(|| seen.header("x-account").to_owned());
    let told = json!({
        "total": 1, "id": "t-1", "state": "done", "account": account,
        "items": [{ "id": 7, "amount": "1.50", "account": account }],
        "target": seen.target(), "body": String::from_utf8_lossy(&seen.body),
    });
    let status = if query.contains("fail") { 409 } else { 200 };
    let mut reply = answer(status, "application/json", told.to_string());
    for name in ["location", "etag", "x-account"] {
        reply.headers_mut().insert(name, account.parse().expect("a header value"));
    }
    reply
}

/// The stack with the files of the example, the services it speaks of, and the routes of the tests away.
async fn start() -> (Stack, Service, Service) {
    let accounts = Service::start(None, async |seen: Arc<Seen>| accounts(&seen)).await;
    let ledger = Service::start(None, async |seen: Arc<Seen>| ledger(&seen)).await;
    let (_, services) = ROUTES.split_once("services:\n").expect("services");
    let (services, routes) = services.split_once("routes:\n").expect("routes");
    let mut plan = Stack::plan()
        .both("RUST_LOG", "trace")
        .bff("ACCOUNTS_URL", accounts.origin())
        .bff("LEDGER_URL", ledger.origin())
        .service(services.trim())
        .bff_yaml(BFF);
    for route in routes.trim_end().split("  - ").filter(|route| !route.trim().is_empty()) {
        plan = plan.route(route.trim_end());
    }
    (plan.start().await, accounts, ledger)
}

async fn get(stack: &Stack, agent: &Agent, path: &str) -> Reply {
    agent.fetch(Method::GET, &stack.at(path)).send().await
}

#[tokio::test(flavor = "multi_thread")]
async fn t18_account_ids_reach_the_service_and_nobody_else() {
    let (stack, accounts, ledger) = start().await;
    let mut canaries = Canaries::default();
    for user in ["alice", "bob"] {
        canaries.plant(user, &account(user));
    }
    let (alice, bob) = (stack.signed_in("alice").await, stack.signed_in("bob").await);
    assert_eq!(accounts.seen().len(), 2);
    for seen in accounts.seen() {
        assert!(
            seen.header("authorization").starts_with("Bearer ") || !seen.header("dpop").is_empty()
        );
    }
    let mut told = Vec::new();
    for (user, agent) in [("alice", &alice), ("bob", &bob)] {
        let session = get(&stack, agent, "/api/auth/session").await;
        assert!(session.json()["context"].is_object(), "{}", session.text());
        told.push(session);
        let evil = "page=2&account_id=evil&ACCOUNT%5Fid=evil&account_id%5B%5D=evil";
        let reply = get(&stack, agent, &format!("/api/transactions?{evil}")).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!(reply.json(), json!({ "total": 1, "items": [{ "id": 7, "amount": "1.50" }] }));
        let seen = ledger.take().remove(0);
        assert_eq!(seen.target(), format!("/transactions?page=2&account_id={}", account(user)));
        told.push(reply);

        let body = json!({ "amount": "1.50", "from": { "account": "evil", "note": "x" } });
        let reply = stack.post(agent, "/api/transfers", &body).await;
        assert_eq!(reply.json(), json!({ "id": "t-1", "state": "done" }), "{}", reply.text());
        let seen = ledger.take().remove(0);
        let sent: serde_json::Value = serde_json::from_slice(&seen.body).expect("JSON");
        let from = json!({ "account": account(user), "note": "x" });
        assert_eq!(sent, json!({ "amount": "1.50", "from": from }));
        assert_eq!(seen.all("x-account"), [account(user)]);
        told.push(reply);

        let refused = get(&stack, agent, "/api/transactions?fail=1").await;
        assert_eq!(refused.status, 409);
        assert_eq!(refused.json()["code"], "upstream_error");
        ledger.take();
        told.push(refused);
    }
    for reply in &told {
        let shown = format!("{:?} {}", reply.headers, reply.text());
        assert_eq!(canaries.found("an answer", shown.as_bytes()), [""; 0]);
    }
    for (name, log) in stack.logs() {
        assert_eq!(canaries.found(name, log.as_bytes()), [""; 0]);
    }
    let dump = stack.redis.dump().await;
    assert!(dump.iter().any(|entry| entry.key.starts_with(b"bff:session:")));
    for bytes in dump.iter().flat_map(|entry| entry.values.iter().chain([&entry.key])) {
        assert_eq!(canaries.found("Redis", bytes), [""; 0]);
    }
}

/// What the provider tells at its userinfo endpoint alone, with a route that hands it to the service.
const USERINFO: &str = r"user_context:
  refresh: 1s
  browser: [full_name]
  sources:
    - { kind: userinfo, required: true, map: { full_name: name, team: groups.0 } }
";
const GREETINGS: &str = "{ path: /api/greetings, target_service: echo, upstream_path: /greetings, methods: [GET], \
                         auth: session, inject: { query: { name: user.full_name }, header: { X-Team: user.team } } }";

#[tokio::test(flavor = "multi_thread")]
async fn what_the_provider_tells_at_userinfo_reaches_the_service_and_is_asked_for_again() {
    for dpop in ["off", "required"] {
        let plan = Stack::plan()
            .idp("OP_ID_TOKEN_CLAIMS", "off")
            .idp("OP_DPOP_NONCE", "on")
            .bff("OIDC_DPOP", dpop)
            // A token for another resource is none for userinfo.
            .bff_without("OIDC_RESOURCE")
            .bff_yaml(USERINFO)
            .route(GREETINGS);
        let stack = plan.start().await;
        let account = async |name: &str, team: &str| {
            let set = json!({ "name": name, "groups": [team] });
            stack.idp.control("account", &json!({ "sub": "alice", "set": set })).await;
        };
        account("Alice Müller", "staff").await;
        let agent = stack.signed_in("alice").await;
        let greeted = async || {
            let reply = get(&stack, &agent, "/api/greetings?name=evil").await;
            assert_eq!(reply.status, 200, "{dpop}: {}", reply.text());
            let seen = stack.upstream.take().remove(0);
            let query = seen.uri.query().unwrap_or_default();
            let pairs = url::form_urlencoded::parse(query.as_bytes());
            let pairs: Vec<_> = pairs.map(|(name, value)| format!("{name}={value}")).collect();
            (pairs, seen.all("x-team"))
        };
        let as_told =
            |name: &str, team: &str| (vec![format!("name={name}")], vec![team.to_owned()]);
        assert_eq!(greeted().await, as_told("Alice Müller", "staff"), "{dpop}");
        let session = stack.session(&agent).await;
        assert_eq!(session["context"], json!({ "full_name": "Alice Müller" }), "{dpop}");

        account("Alice Smith", "board").await;
        wait::until("it is asked again", wait::START, async || {
            (greeted().await == as_told("Alice Smith", "board")).then_some(())
        })
        .await;
        let read = stack.bff.metric(&agent, "bff_user_context_reads_total", "ok").await;
        assert!(read >= 2.0, "{dpop}: {read}");
    }
}
