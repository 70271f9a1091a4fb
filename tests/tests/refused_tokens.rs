//! Services that refuse a token, want a nonce in its proof, or a stronger login, behind the real edge and
//! with tokens of a real provider.

use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use e2e::agent::{Agent, Reply};
use e2e::service::{Answer, Seen, Service, answer};
use e2e::stack::{COOKIE, Plan, Stack};
use e2e::traefik::HOST;
use http::Method;
use serde_json::Value;

const PATH: &str = "/api/bank/x";

/// What a service is told to think, and may change its mind about.
type Mind = Arc<Mutex<String>>;

fn plan(service: &Service) -> Plan {
    Stack::plan()
        .service(&format!("bank: {{ base_url: \"{}\" }}", service.origin()))
        .route("{ path: \"/api/bank/*\", target_service: bank, upstream_path: \"/{path}\", methods: [GET, POST], auth: session }")
}

fn refused(challenge: &str) -> Answer {
    let mut refused = answer(401, "text/plain", "no");
    refused.headers_mut().insert("www-authenticate", challenge.parse().expect("a field value"));
    refused
}

/// The claims of a token that the service has no reason to check here.
fn claims(jwt: &str) -> Value {
    let part = jwt.split('.').nth(1).unwrap_or_default();
    let bytes = URL_SAFE_NO_PAD.decode(part).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}

fn now(mind: &Mind) -> String {
    mind.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn change(mind: &Mind, to: &str) {
    to.clone_into(&mut mind.lock().unwrap_or_else(PoisonError::into_inner));
}

async fn get(stack: &Stack, agent: &Agent) -> Reply {
    agent.fetch(Method::GET, &stack.at(PATH)).send().await
}

async fn post(stack: &Stack, agent: &Agent, body: Vec<u8>) -> Reply {
    let csrf = stack.session(agent).await["csrf_token"].as_str().expect("a token").to_owned();
    let call = agent.fetch(Method::POST, &stack.at(PATH)).header("x-csrf-token", &csrf);
    call.body(body).patient().send().await
}

/// Takes no request whose proof has not the nonce that it thinks of.
async fn nonces() -> (Service, Mind) {
    let mind = Mind::default();
    let thinks = Arc::clone(&mind);
    let service = Service::start(None, move |seen: Arc<Seen>| {
        let nonce = now(&thinks);
        let shown = claims(seen.header("dpop"))["nonce"].as_str().map(str::to_owned);
        let mut reply = if shown.as_deref() == Some(&nonce) {
            answer(200, "text/plain", seen.body.len().to_string())
        } else {
            refused("DPoP error=\"use_dpop_nonce\"")
        };
        reply.headers_mut().insert("dpop-nonce", nonce.parse().expect("a field value"));
        async { reply }
    })
    .await;
    (service, mind)
}

#[tokio::test(flavor = "multi_thread")]
async fn c29_c30_a_service_that_demands_nonces_costs_one_more_call_and_no_body_is_sent_twice() {
    const LONG: usize = 10 << 20;
    let (service, mind) = nonces().await;
    change(&mind, "first");
    let stack = plan(&service).start().await;
    let agent = stack.signed_in("alice").await;
    let reply = post(&stack, &agent, b"short".to_vec()).await;
    assert_eq!((reply.status.as_u16(), &*reply.text()), (200, "5"));
    let seen = service.take();
    assert_eq!(seen.len(), 2, "once without the nonce and once with it");
    assert_ne!(seen[0].header("dpop"), seen[1].header("dpop"));
    // It is known from now on, and a new one is taken from whatever answer brings it.
    assert_eq!(get(&stack, &agent).await.status, 200);
    assert_eq!(service.take().len(), 1);

    change(&mind, "second");
    let refused = post(&stack, &agent, vec![7; LONG]).await;
    assert_eq!((refused.status.as_u16(), &*refused.problem()), (503, "dpop_nonce_learned"));
    assert_ne!(refused.header("retry-after"), "");
    assert_eq!(service.take().len(), 1, "ten mebibytes are not kept to be sent once more");
    let again = post(&stack, &agent, vec![7; LONG]).await;
    assert_eq!((again.status.as_u16(), again.text()), (200, LONG.to_string()));
    assert_eq!(service.take().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn c31_a_service_that_thinks_of_another_nonce_each_time_is_called_twice() {
    let counter = Arc::new(Mutex::new(0_u32));
    let service = Service::start(None, move |_| {
        let mut number = counter.lock().unwrap_or_else(PoisonError::into_inner);
        *number += 1;
        let mut reply = refused("DPoP error=\"use_dpop_nonce\"");
        let nonce = format!("nonce-{number}").parse().expect("a field value");
        reply.headers_mut().insert("dpop-nonce", nonce);
        async { reply }
    })
    .await;
    let stack = plan(&service).start().await;
    let agent = stack.signed_in("alice").await;
    let reply = get(&stack, &agent).await;
    assert_eq!((reply.status.as_u16(), &*reply.problem()), (502, "dpop_nonce_loop"));
    assert_eq!(service.take().len(), 2);
    assert_eq!(stack.session(&agent).await["authenticated"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn c69_a_token_that_a_service_refuses_is_refreshed_once_and_nobody_is_signed_out() {
    let mind = Mind::default();
    let thinks = Arc::clone(&mind);
    let service = Service::start(None, move |seen: Arc<Seen>| {
        let dead = now(&thinks);
        let reply = match seen.header("authorization") {
            token if dead == "all" || token == dead => refused("DPoP error=\"invalid_token\""),
            _ => answer(200, "text/plain", seen.body.clone()),
        };
        async { reply }
    })
    .await;
    let stack = plan(&service).start().await;
    let agent = stack.signed_in("alice").await;
    assert_eq!(get(&stack, &agent).await.status, 200);
    let token = service.take().remove(0).header("authorization").to_owned();

    // Revoked where it was issued, say: our clock still calls it good.
    change(&mind, &token);
    let reply = post(&stack, &agent, b"written once".to_vec()).await;
    assert_eq!((reply.status.as_u16(), &*reply.text()), (200, "written once"));
    let shown: Vec<_> =
        service.take().iter().map(|seen| seen.header("authorization").to_owned()).collect();
    assert_eq!((shown.len(), &shown[0]), (2, &token));
    assert_ne!(shown[1], token);
    assert_eq!(stack.idp.count("grant refresh_token").await, 1);
    let spent = stack.idp.spent().await;
    assert!(spent.values().all(|times| *times == 1), "{spent:?}");

    // One that takes no token at all is no reason to refresh with every call.
    change(&mind, "all");
    for _ in 0..5 {
        let reply = get(&stack, &agent).await;
        assert_eq!((reply.status.as_u16(), &*reply.text()), (401, "no"), "as it came");
    }
    assert!(stack.idp.count("grant refresh_token").await <= 2);
    assert_eq!(stack.session(&agent).await["authenticated"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn c70_a_service_that_wants_a_stronger_login_is_content_after_the_one_that_it_led_to() {
    const MFA: &str = "urn:test:mfa";
    let service = Service::start(None, async |seen: Arc<Seen>| {
        let token = seen.header("authorization").rsplit(' ').next().unwrap_or_default().to_owned();
        if claims(&token)["acr"] == MFA {
            answer(200, "text/plain", "the vault")
        } else {
            refused(&format!(
                "DPoP error=\"insufficient_user_authentication\", acr_values=\"{MFA}\""
            ))
        }
    })
    .await;
    let stack = plan(&service).start().await;
    // The provider has forgotten her, and asks again for what the login asks for.
    let cookie = stack.cookie(&stack.signed_in("alice").await);
    let agent = stack.agent();
    agent.edit_cookies(|jar| jar.plant(HOST, COOKIE, &cookie));
    let told = get(&stack, &agent).await;
    assert_eq!(
        (told.status.as_u16(), &*told.problem()),
        (401, "insufficient_user_authentication"),
        "{}",
        told.text()
    );
    let login = told.json()["login_url"].as_str().expect("a way out").to_owned();
    let form = agent.navigate(&stack.at(&format!("{login}&return_to=/"))).await;
    assert!(form.url.as_str().starts_with(&stack.idp.issuer), "{}", form.url);
    let landed = e2e::idp::submit_login(&agent, &form, "alice").await;
    assert_eq!(landed.url.as_str(), stack.at("/"));
    let reply = get(&stack, &agent).await;
    assert_eq!((reply.status.as_u16(), &*reply.text()), (200, "the vault"));
}
