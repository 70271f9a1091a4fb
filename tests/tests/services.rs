//! The services of the proxy: how they know us, and how they come and go.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use e2e::resp::Value;
use e2e::scratch::Scratch;
use e2e::service::{Seen, Service, answer, echo};
use e2e::stack::Stack;
use e2e::tls::Ca;
use e2e::wait;
use http::{HeaderValue, Method};
use serde_json::json;
use validator_lib::signature::{self, Content, HeaderNames, Verifier, Version};

const SECRET: &str = "canary-signature-secret-0123456789";
const OWN: &str = "canary-signature-secret-of-one-service";

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_takes_nobody_without_a_certificate_takes_ours() {
    let scratch = Scratch::new();
    let ca = Ca::new(scratch.directory("services"));
    let leaf = ca.issue("service", &["crud.internal"]);
    ca.issue("caller", &["bff"]);
    let service = Service::start(Some(leaf.demanding_server(&ca)), async |seen| echo(&seen)).await;
    let files = scratch.directory("services").display().to_string();
    let stack = Stack::plan()
        .bff("FILES", files)
        .service(&format!(
            "known: {{ base_url: \"https://{0}\", tls: {{ ca: \"${{FILES}}/ca.pem\", server_name: crud.internal, \
             client_cert: \"${{FILES}}/caller.pem\", client_key: \"${{FILES}}/caller.key\" }} }}\n  \
             nameless: {{ base_url: \"https://{0}\", tls: {{ ca: \"${{FILES}}/ca.pem\", \
             client_cert: \"${{FILES}}/caller.pem\", client_key: \"${{FILES}}/caller.key\" }} }}\n  \
             anonymous: {{ base_url: \"https://{0}\", tls: {{ ca: \"${{FILES}}/ca.pem\", server_name: crud.internal }} }}\n  \
             trusting: {{ base_url: \"https://{0}\", tls: {{ server_name: crud.internal }} }}",
            service.address,
        ))
        .route("{ path: \"/api/known\", target_service: known, methods: [GET], auth: session }")
        .route("{ path: \"/api/nameless\", target_service: nameless, methods: [GET], auth: session }")
        .route("{ path: \"/api/anonymous\", target_service: anonymous, methods: [GET], auth: session }")
        .route("{ path: \"/api/trusting\", target_service: trusting, methods: [GET], auth: session }")
        .start()
        .await;
    let agent = stack.signed_in("alice").await;
    let reply = agent.fetch(Method::GET, &stack.at("/api/known")).send().await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(service.take().len(), 1);
    // Another name than the certificate's, no certificate of ours, and an authority that nobody knows.
    for path in ["/api/nameless", "/api/anonymous", "/api/trusting"] {
        let reply = agent.fetch(Method::GET, &stack.at(path)).send().await;
        assert_eq!((reply.status.as_u16(), &*reply.problem()), (502, "upstream_unreachable"));
        assert!(service.take().is_empty(), "{path}");
    }
}

/// The version, and whether the body is covered; or why not.
type Verdict = Result<(Version, bool), String>;

/// What a service makes of the signature of a request.
fn check(verifier: &Verifier, seen: &Seen) -> Verdict {
    let mut request = http::Request::new(());
    *request.method_mut() = seen.method.clone();
    *request.uri_mut() = seen.uri.clone();
    *request.headers_mut() = seen.headers.clone();
    let (parts, ()) = request.into_parts();
    let now = e2e::clock::now();
    let (covered, presented) =
        signature::read(&parts, &HeaderNames::default()).map_err(|error| error.to_string())?;
    verifier
        .verify(&covered, &Content::of(&seen.body), &presented, now)
        .map(|verified| (verified.version, verified.body))
        .map_err(|error| error.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn services_know_the_requests_that_the_proxy_signed() {
    let verdicts: Arc<Mutex<Vec<Verdict>>> = Arc::default();
    let told = Arc::clone(&verdicts);
    let strict = Verifier::new([SECRET]).expect("a secret").remember(1000);
    let open = Verifier::new([OWN]).expect("a secret").accept_v0().accept_unsigned_body();
    let service = Service::start(None, move |seen| {
        let verifier = if seen.target().starts_with("/own") { &open } else { &strict };
        told.lock().expect("nobody panics").push(check(verifier, &seen));
        async { answer(200, "text/plain", "heard") }
    })
    .await;
    let address = service.address;
    let stack = Stack::plan()
        .bff("BFF_INTERNAL_HMAC_SECRET", SECRET)
        .service(&format!(
            "signed: {{ base_url: \"http://{address}\" }}\n  \
             own: {{ base_url: \"http://{address}/own\", signature: {{ secret: \"{OWN}\", max_body: 1KiB, unsigned_body: true }} }}\n  \
             old: {{ base_url: \"http://{address}/own\", signature: {{ secret: \"{OWN}\", version: v0, max_body: 1KiB }} }}",
        ))
        .route("{ path: \"/api/signed/*\", target_service: signed, methods: [GET, POST], auth: session }")
        .route("{ path: \"/api/own\", target_service: own, methods: [POST], auth: session }")
        .route("{ path: \"/api/old\", target_service: old, methods: [POST], auth: session }")
        .start()
        .await;
    let agent = stack.signed_in("alice").await;
    let all = |version, body| Ok((version, body));
    let take = || std::mem::take(&mut *verdicts.lock().expect("nobody panics"));

    for _ in 0..3 {
        let url = stack.at("/api/signed/caf%C3%A9?q=1&q=%20");
        let reply =
            agent.fetch(Method::GET, &url).header("x-wicket-signature", "v1=forged").send().await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!(stack.post(&agent, "/api/signed/x", &json!({ "a": 1 })).await.status, 200);
    }
    assert_eq!(take(), vec![all(Version::V1, true); 6]);

    let long = json!({ "a": "x".repeat(2000) });
    assert_eq!(stack.post(&agent, "/api/own", &json!({})).await.status, 200);
    assert_eq!(stack.post(&agent, "/api/own", &long).await.status, 200);
    assert_eq!(take(), [all(Version::V1, true), all(Version::V1, false)]);
    assert_eq!(stack.post(&agent, "/api/old", &json!({})).await.status, 200);
    assert_eq!(take(), [all(Version::V0, true)]);
    let refused = stack.post(&agent, "/api/old", &long).await;
    assert_eq!((refused.status.as_u16(), &*refused.problem()), (413, "body_too_large"));
    assert!(take().is_empty());
    for (name, log) in stack.logs() {
        assert!(!log.contains(SECRET) && !log.contains(OWN), "t18: a secret in {name}");
    }
}

/// How soon a stream says what has happened.
const SOON: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread")]
async fn c70_every_open_page_at_both_replicas_is_told_of_the_login_that_a_service_asks_for() {
    const ASKED: &str = "Bearer error=\"insufficient_user_authentication\", acr_values=\"gold\"";
    let bank = Service::start(None, async |_| {
        let mut refused = answer(401, "text/plain", "who is that again?");
        refused.headers_mut().insert("www-authenticate", HeaderValue::from_static(ASKED));
        refused
    })
    .await;
    let stack = Stack::plan()
        .twice()
        .service(&format!("bank: {{ base_url: \"http://{}\" }}", bank.address))
        .route("{ path: \"/api/pay\", target_service: bank, methods: [GET], auth: session }")
        .start()
        .await;
    let agent = stack.signed_in("alice").await;
    let path = "/api/auth/events";
    let direct = stack.bffs().into_iter().map(|bff| stack.to_bff(bff, &agent, Method::GET, path));
    let mut streams = Vec::new();
    for call in direct.chain([agent.fetch(Method::GET, &stack.at(path))]) {
        let mut stream = call.header("accept", "text/event-stream").open().await;
        stream.until("event: ready", SOON).await;
        streams.push(stream);
    }

    // The first stream of a process begins to follow the news; what was published before it never hears.
    let followed = async || {
        let answer = stack.redis.ask(&[b"PUBSUB", b"NUMSUB", b"bff:news"]).await;
        matches!(&*answer.members(), [_, Value::Integer(2)]).then_some(())
    };
    wait::until("both replicas follow the news", wait::START, followed).await;

    let mut login_url = String::new();
    for _ in 0..3 {
        let reply = agent.fetch(Method::GET, &stack.at("/api/pay")).send().await;
        let problem = (reply.status.as_u16(), &*reply.problem());
        assert_eq!(problem, (401, "insufficient_user_authentication"));
        login_url = reply.json()["login_url"].as_str().expect("where to go").to_owned();
    }
    let told = format!("\"login_url\":\"{login_url}\"");
    for stream in &mut streams {
        stream.until("event: step_up", SOON).await;
        stream.until(&told, SOON).await;
    }
    assert_eq!(stack.audit("step_up.required").len(), 1, "told once for three calls");
    let at_provider = agent.visit(&stack.at(&login_url)).send().await.location();
    assert!(at_provider.as_str().starts_with(&stack.idp.issuer), "{at_provider}");

    let logout = stack.post(&agent, "/auth/logout", &json!({})).await;
    assert!(logout.status.is_success());
    for mut stream in streams {
        stream.end(SOON).await;
        assert_eq!(stream.text.matches("event: step_up").count(), 1, "{}", stream.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_route_counts_without_a_restart() {
    let stack = Stack::start().await;
    let agent = stack.signed_in("alice").await;
    let path = stack.scratch.path().join("bff-config/routes.yaml");
    let before = std::fs::read_to_string(&path).expect("the routes of the tests");
    let ask =
        async || agent.fetch(Method::GET, &stack.at("/api/late/x")).send().await.status.as_u16();
    assert_eq!(ask().await, 404);

    let successful = async || stack.bff.metric(&agent, "config_last_reload_successful", "").await;
    std::fs::write(&path, format!("{before}  - {{ path: /api/late }}\n")).expect("written");
    let refused = async || (successful().await < 0.5).then_some(());
    wait::until("a broken file is noticed", wait::START, refused).await;
    assert_eq!(ask().await, 404);
    assert_eq!(agent.fetch(Method::GET, &stack.at("/api/echo/x")).send().await.status, 200);

    let route =
        "  - { path: \"/api/late/*\", target_service: echo, methods: [GET], auth: session }\n";
    std::fs::write(&path, before + route).expect("written");
    let taken = async || (ask().await == 200).then_some(());
    wait::until("the new route counts", wait::START, taken).await;
    assert!(successful().await > 0.5);
}
