//! `examples/mfe-platform` with its own configuration, behind the real Traefik, verify and BFF: each role at each service,
//! at the gateway and past it, and its page in Chromium.

use std::fs::File;
use std::time::Duration;

use e2e::agent::Agent;
use e2e::place;
use e2e::stack::Stack;
use e2e::wait;
use http::Method;
use mfe_platform::{Audit, Gateway, Listeners};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// RFC 8037 appendix A.1: known to all the world.
const KEY: &str = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

const USERS: [(&str, &[&str]); 4] =
    [("alice", &["ADMIN"]), ("bob", &["CUSTOMER"]), ("carol", &["VENDOR"]), ("dave", &[])];

/// Each call of the platform: at the gateway, past it, for which service, and the roles that may.
const CALLS: [(&str, &str, &str, &str, &[&str]); 9] = [
    ("GET", "/api/payments", "/payments", "payments", &["ADMIN", "CUSTOMER"]),
    ("POST", "/api/payments", "/payments", "payments", &["CUSTOMER"]),
    ("GET", "/api/payouts", "/payouts", "payments", &["ADMIN", "VENDOR"]),
    ("GET", "/api/admin/blocked", "/blocked", "admin", &["ADMIN"]),
    ("POST", "/api/admin/blocked/mallory", "/blocked/mallory", "admin", &["ADMIN"]),
    ("GET", "/api/profile", "/profile", "profile", &["ADMIN", "CUSTOMER", "VENDOR"]),
    ("PUT", "/api/profile", "/profile", "profile", &["ADMIN", "CUSTOMER", "VENDOR"]),
    ("GET", "/api/me", "/me", "facade", &["ADMIN", "CUSTOMER", "VENDOR", ""]),
    ("GET", "/app/admins/x", "", "", &["ADMIN"]),
];

/// Policies that the example does not have: each hands out the token that the gateway mints for a service, to whoever
/// is signed in, so that services can be asked past the gateway.
const TAPS: &str = "
  tap-payments: { authorization: context, aud: 'https://payments.internal' }
  tap-admin: { authorization: context, aud: 'https://admin.internal' }
  tap-profile: { authorization: context, aud: 'https://profile.internal' }
  tap-facade: { authorization: context, aud: 'https://facade.internal' }
";

struct Platform {
    stack: Stack,
    /// Address of each service by its name.
    services: Vec<(&'static str, String)>,
    serving: JoinHandle<()>,
}

impl Drop for Platform {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn of_example(path: &str) -> String {
    let path = place::repository().join("examples/mfe-platform").join(path);
    std::fs::read_to_string(path).expect("a file of the example")
}

/// The settings of an env file of the example.
fn settings(name: &str) -> Vec<(&'static str, String)> {
    let text: &'static str = of_example(&format!("gateway/{name}")).leak();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let pairs = lines.map(|line| line.split_once('=').expect("NAME=value"));
    pairs.map(|(name, value)| (name, value.to_owned())).collect()
}

impl Platform {
    async fn start() -> Self {
        let bind = async || TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let listeners = Listeners {
            payments: bind().await,
            admin: bind().await,
            profile: bind().await,
            facade: bind().await,
            pages: bind().await,
        };
        let at = |listener: &TcpListener| {
            format!("http://{}", listener.local_addr().expect("an address"))
        };
        let services = vec![
            ("payments", at(&listeners.payments)),
            ("admin", at(&listeners.admin)),
            ("profile", at(&listeners.profile)),
            ("facade", at(&listeners.facade)),
        ];
        let pages = at(&listeners.pages);

        let policies = format!("{}{TAPS}", of_example("gateway/forwardauth.yaml"));
        let mut plan = Stack::plan()
            .routes_file(&of_example("gateway/routes.yaml"))
            .policies(policies.leak())
            .both("BFF_CONTEXT_KEYS", KEY);
        let both = settings("both.env");
        let issuer = both.iter().find(|(name, _)| *name == "BFF_CONTEXT_ISSUER");
        let issuer = issuer.expect("an issuer").1.clone();
        for (name, value) in both {
            plan = plan.both(name, value);
        }
        for (name, value) in settings("bff.env") {
            // Addresses and files are those of the test.
            let service = name.strip_suffix("_URL").map(str::to_lowercase);
            let service =
                service.and_then(|name| services.iter().find(|(known, _)| *known == name));
            let value = match (service, name) {
                (Some((_, address)), _) => address.clone(),
                (None, "BFF_AUDIT_FILE") => "{scratch}/audit.log".to_owned(),
                (None, _) => value,
            };
            plan = plan.bff(name, value);
        }
        for (name, value) in settings("traefik.env") {
            let value = match name {
                "WICKETGATE_SPA_URL" => pages.clone(),
                "WICKETGATE_POLICIES" => {
                    format!("{value},tap-payments,tap-admin,tap-profile,tap-facade")
                }
                _ => value,
            };
            plan = plan.edge(name, value);
        }
        let stack = plan.start().await;
        for (user, roles) in USERS {
            stack.idp.control("account", &json!({ "sub": user, "set": { "roles": roles } })).await;
        }
        let keys = format!("http://{}/.well-known/jwks.json", stack.bff_address);
        let audit = File::create(stack.scratch.path().join("admin.log")).expect("a file");
        let serving = tokio::spawn(async move {
            let gateway = Gateway { issuer, keys };
            let ended = mfe_platform::serve(&gateway, listeners, Audit::new(audit)).await;
            panic!("the services have ended: {ended:?}");
        });
        Self { stack, services, serving }
    }

    fn past(&self, service: &str, path: &str) -> String {
        let found = self.services.iter().find(|(name, _)| *name == service);
        format!("{}{path}", found.expect("a service").1)
    }

    /// The token that the gateway shows `service` of the user of `agent`.
    async fn token(&self, agent: &Agent, service: &str) -> String {
        self.stack.protected.take();
        let page = agent.visit(&self.stack.at(&format!("/app/tap-{service}/x"))).send().await;
        assert_eq!(page.status, 200, "{service}: {}", page.text());
        let token = self.stack.protected.take().remove(0).header("authorization").to_owned();
        assert!(token.starts_with("Bearer ey"), "{service}: no token");
        token
    }
}

fn body(method: &str, path: &str) -> Option<Value> {
    match (method, path) {
        ("POST", "/api/payments") => Some(json!({ "vendor": "carol", "cents": 500 })),
        ("PUT", _) => Some(json!({ "nickname": "Ace" })),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_may_what_the_table_says_at_the_gateway_and_again_in_the_service() {
    let platform = Platform::start().await;
    let stack = &platform.stack;
    for (user, roles) in USERS {
        let role = roles.first().copied().unwrap_or_default();
        let agent = stack.signed_in(user).await;
        let csrf = stack.session(&agent).await["csrf_token"].as_str().expect("a token").to_owned();
        for (method, path, inside, service, may) in CALLS {
            let what = format!("{role} {method} {path}");
            let verb = Method::from_bytes(method.as_bytes()).expect("a method");
            let mut call = agent.fetch(verb.clone(), &stack.at(path)).header("x-csrf-token", &csrf);
            if let Some(body) = body(method, path) {
                call = call.json(&body);
            }
            let reply = call.send().await;
            if may.contains(&role) {
                assert!(reply.status.is_success(), "{what}: {} {}", reply.status, reply.text());
            } else {
                assert_eq!(
                    (reply.status.as_u16(), &*reply.problem()),
                    (403, "insufficient_scope"),
                    "{what}"
                );
                // It is the gateway that says so.
                assert!(reply.json()["request_id"].is_string(), "{what}: {}", reply.text());
            }
            if service.is_empty() {
                continue;
            }
            // Past the gateway, with the very token that it gives the service.
            let token = platform.token(&agent, service).await;
            let call = stack.agent();
            let mut call =
                call.request(verb, &platform.past(service, inside)).header("authorization", &token);
            if let Some(body) = body(method, path) {
                call = call.json(&body);
            }
            let reply = call.send().await;
            if may.contains(&role) {
                assert!(reply.status.is_success(), "{what}: {} {}", reply.status, reply.text());
            } else {
                assert_eq!(reply.status, 403, "{what}");
                assert!(reply.header("www-authenticate").starts_with("Bearer "), "{what}");
            }
        }
    }
    let nobody = stack.agent();
    for (method, path, inside, service, _) in CALLS {
        let verb = Method::from_bytes(method.as_bytes()).expect("a method");
        assert_eq!(nobody.fetch(verb.clone(), &stack.at(path)).send().await.status, 401, "{path}");
        if !service.is_empty() {
            let past = nobody.request(verb, &platform.past(service, inside)).send().await;
            assert_eq!(past.status, 401, "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t04_a_role_that_a_client_writes_into_a_header_is_nobodys_role() {
    let platform = Platform::start().await;
    let stack = &platform.stack;
    let bob = stack.signed_in("bob").await;
    let csrf = stack.session(&bob).await["csrf_token"].as_str().expect("a token").to_owned();
    let token = platform.token(&bob, "admin").await;
    for name in [
        "X-User-Roles",
        "X_User_Roles",
        "x-user-role",
        "X-Forwarded-Groups",
        "Remote-Groups",
        "X-Auth-Request-Groups",
    ] {
        for (path, at_gateway) in
            [("/api/admin/blocked", true), ("/app/admins/x", true), ("/blocked", false)]
        {
            let reply = if at_gateway {
                let call = bob.fetch(Method::GET, &stack.at(path));
                call.header("x-csrf-token", &csrf).header(name, "ADMIN").send().await
            } else {
                let call = stack.agent();
                let call = call.get(&platform.past("admin", path));
                call.header("authorization", &token).header(name, "ADMIN").send().await
            };
            assert_eq!(reply.status, 403, "{name} {path}");
        }
    }
    // A token for one service opens no other.
    let agent = stack.signed_in("alice").await;
    let token = platform.token(&agent, "profile").await;
    let other = stack.agent();
    let other = other.get(&platform.past("admin", "/blocked")).header("authorization", &token);
    assert_eq!(other.send().await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_administrator_does_is_in_the_audit_log_with_user_session_and_request() {
    let platform = Platform::start().await;
    let stack = &platform.stack;
    let alice = stack.signed_in("alice").await;
    let done = stack.post(&alice, "/api/admin/blocked/mallory", &json!({})).await;
    assert_eq!(done.status, 204, "{}", done.text());
    let bob = stack.signed_in("bob").await;
    assert_eq!(stack.post(&bob, "/api/admin/blocked/mallory", &json!({})).await.status, 403);

    let lines = std::fs::read_to_string(stack.scratch.path().join("admin.log")).expect("a log");
    let lines: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!(
        (&line["event"], &line["actor"], &line["target"]),
        (&json!("user.blocked"), &json!("alice"), &json!("mallory"))
    );
    assert!(line["request_id"].as_str().is_some_and(|id| !id.is_empty()), "{line}");

    // The session is that of the gateway's own audit log, which tells when and from where it began.
    let session = line["session"].as_str().expect("a session");
    let chain = stack.scratch.path().join("audit.log");
    let begun = wait::until("the login in the audit log", Duration::from_secs(10), async || {
        let text = std::fs::read_to_string(&chain).ok()?;
        let records = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let is_login =
            |record: &Value| record["event"] == "session.created" && record["user_id"] == "alice";
        records.into_iter().find(is_login)
    })
    .await;
    let short = begun["session"].as_str().expect("a session");
    assert!(!short.is_empty() && session.starts_with(short), "{session}: {begun}");
}

#[tokio::test(flavor = "multi_thread")]
async fn c35_the_page_works_and_keeps_no_token_where_script_can_read() {
    let platform = Platform::start().await;
    let stack = &platform.stack;
    let browser = stack.browser().await;
    for (user, shown, button, result) in [
        ("bob", json!(["payments", "profile"]), "#pay", "pay 201"),
        ("carol", json!(["payouts", "profile"]), "#paid", "paid 200"),
        ("alice", json!(["payments", "payouts", "profile", "admin"]), "#block", "block 204"),
    ] {
        let page = browser.page(user);
        page.open(&stack.at("/")).await;
        page.click("#login").await;
        page.sign_in(user).await;
        page.arrives(&stack.at("/")).await;
        // The page shows the way out once it knows everything else.
        assert_eq!(page.text("#logout").await, "Sign out");
        let seen = "return [...document.querySelectorAll('section:not([hidden])')].map((part) => part.id);";
        assert_eq!(page.script(seen).await, shown, "{user}");
        assert_eq!(page.text("#who").await, user);
        page.click(button).await;
        let told = page.text("#result").await;
        assert!(told.starts_with(result), "{user}: {told}");

        let kept = page
            .script(
                "const dump = (store) => Object.fromEntries(Object.entries(store));
                 return { cookie: document.cookie, local: dump(localStorage),
                     session: dump(sessionStorage), databases: await indexedDB.databases() };",
            )
            .await;
        let nothing = json!({ "cookie": "", "local": {}, "session": {}, "databases": [] });
        assert_eq!(kept, nothing, "{user}");
        // Nor is one in anything that the page can ask for.
        let readable = page
            .script(
                "const read = async (path) => await (await fetch(path)).text();
                 return [await read('/api/auth/session'), await read('/api/me'),
                     document.documentElement.outerHTML];",
            )
            .await;
        let canaries = stack.canaries().await;
        let leaks = canaries.found("what script sees", readable.to_string().as_bytes());
        assert!(leaks.is_empty(), "{user}: {leaks:#?}");
    }
}
