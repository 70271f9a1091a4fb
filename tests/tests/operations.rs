//! The programs as an operator meets them: help, health, metrics, drain.

use std::ops::Not as _;
use std::sync::Arc;
use std::time::Duration;

use e2e::ports;
use e2e::program::{self, Environment};
use e2e::service::{Service, answer};
use e2e::stack::{Plan, Stack};
use e2e::wait;
use http::Method;
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

#[test]
fn each_program_says_what_it_is() {
    for name in ["forwardauth", "bff"] {
        let nothing = Environment::default();
        let help = program::once(name, &["--help"], &nothing);
        assert!(help.status.success());
        let help = String::from_utf8_lossy(&help.stdout).into_owned();
        for command in ["check-config", "healthcheck", "explain"] {
            assert!(help.contains(command), "{name}: {command}: {help}");
        }
        let version = program::once(name, &["--version"], &nothing);
        let version = String::from_utf8_lossy(&version.stdout).into_owned();
        assert!(version.contains(env!("CARGO_PKG_VERSION")), "{name}: {version}");
        let unknown = program::once(name, &["--no-such-option"], &nothing);
        assert!(!unknown.status.success());
    }
}

#[test]
fn each_program_lists_its_settings() {
    for (name, own, other) in [
        ("forwardauth", "FORWARDAUTH_LISTEN", "BFF_LISTEN"),
        ("bff", "BFF_LISTEN", "FORWARDAUTH_LISTEN"),
    ] {
        let nothing = Environment::default();
        let table = program::once(name, &["settings"], &nothing);
        let table = String::from_utf8_lossy(&table.stdout).into_owned();
        assert!(table.contains(&format!("| `{own}` | `0.0.0.0:")), "{name}: {table}");
        assert!(!table.contains(&format!("| `{other}`")), "{name}: {table}");
        let list = program::once(name, &["settings", "--json"], &nothing);
        let list: Value = serde_json::from_slice(&list.stdout).expect("JSON");
        let named = |wanted: &str| {
            list.as_array().into_iter().flatten().find(|one| one["name"] == wanted).cloned()
        };
        assert_eq!(named("REDIS_URL").expect("a setting")["kind"], "secret");
        assert!(named(own).is_some() && named(other).is_none(), "{name}: {list}");
    }
}

/// The table "Exit statuses" of docs/CONFIGURATION.md, but for those of a stop (below), of `--online`
/// (`check_online.rs`) and of `doctor` (`doctor/`).
#[tokio::test(flavor = "multi_thread")]
async fn exit_statuses_are_those_of_the_documentation() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().expect("an address");
    let stack = Stack::start().await;
    for (name, program, listen) in [
        ("forwardauth", &stack.forwardauth, "FORWARDAUTH_ADMIN_LISTEN"),
        ("bff", &stack.bff, "BFF_ADMIN_LISTEN"),
    ] {
        let status = |arguments: &[&str], environment: &Environment| {
            program::once(name, arguments, environment).status.code()
        };
        let good = program.environment.clone();
        let bad = good.clone().set("BFF_EDGE_KEYS", "nonsense");
        assert_eq!(status(&["check-config"], &good), Some(0), "{name}");
        assert_eq!(status(&["check-config"], &bad), Some(2), "{name}");
        assert_eq!(status(&["explain", "GET", "/x"], &bad), Some(2), "{name}");
        assert_eq!(status(&["no-such-command"], &good), Some(2), "{name}");
        assert_eq!(program::start_and_look(name, &bad).status.code(), Some(2), "{name}");
        // Somebody else has the port.
        let elsewhere = good.clone().set(listen, taken);
        assert_eq!(program::start_and_look(name, &elsewhere).status.code(), Some(1), "{name}");
        let nobody = good.set(listen, ports::free());
        assert_eq!(status(&["healthcheck"], &nobody), Some(1), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c07_c17_a_start_against_an_issuer_whose_metadata_can_never_fit_ends() {
    let stack = Stack::plan().idp("OP_REQUIRE_PAR", "true").start().await;
    let good = &stack.bff.environment;
    // It answers there, and says that it is called otherwise.
    let another = good.clone().set("OIDC_ISSUER", format!("{}/", stack.idp.issuer));
    let without_par = good.clone().set("OIDC_PAR", "off");
    for (environment, reason) in
        [(another, "discovery_issuer_mismatch"), (without_par, "par_required_by_issuer")]
    {
        let listen = |setting| (setting, ports::free());
        let own = [listen("BFF_LISTEN"), listen("BFF_ADMIN_LISTEN")];
        let own = own.into_iter().fold(environment, |all, (name, port)| all.set(name, port));
        let ended = program::start_and_look("bff", &own);
        let said = String::from_utf8_lossy(&[ended.stdout, ended.stderr].concat()).into_owned();
        assert_eq!(ended.status.code(), Some(1), "{reason}: {said}");
        assert!(said.contains(reason), "{reason}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn probe_idp_tells_what_a_real_provider_offers_and_what_follows() {
    let stack = Stack::start().await;
    let (issuer, ca) = (&stack.idp.issuer, stack.bff.environment.get("OIDC_TLS_CA"));
    let probe = |more: &[&str]| {
        let arguments: Vec<&str> = ["probe-idp", issuer].iter().chain(more).copied().collect();
        program::once("bff", &arguments, &Environment::default())
    };
    let told = probe(&["--ca", ca]);
    assert!(told.status.success(), "{told:?}");
    let text = String::from_utf8_lossy(&told.stdout).into_owned();
    for wanted in [
        format!("  OIDC_ISSUER={issuer}\n"),
        "  PAR (RFC 9126)            offered\n".to_owned(),
        "  PKCE methods              S256\n".to_owned(),
        "  iss in answers (RFC 9207) yes\n".to_owned(),
        "ES256".to_owned(),
    ] {
        assert!(text.contains(&wanted), "{wanted}: {text}");
    }
    let unknown_authority = probe(&[]);
    assert_eq!(unknown_authority.status.code(), Some(1), "{unknown_authority:?}");
    assert!(unknown_authority.stdout.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn health_and_metrics_are_on_the_admin_listener_alone() {
    let stack = Stack::start().await;
    let agent = stack.signed_in("alice").await;
    assert_eq!(stack.ask_verify(&agent, "/app/").send().await.status, 200);
    assert_eq!(stack.post(&agent, "/api/orders", &json!({})).await.status, 200);
    for (program, metrics) in [
        (
            &stack.forwardauth,
            vec![
                "forwardauth_requests_total",
                "forwardauth_request_duration_seconds_bucket",
                "build_info",
            ],
        ),
        (
            &stack.bff,
            vec![
                "bff_proxy_request_duration_seconds_bucket",
                "bff_oauth_flow_duration_seconds_bucket",
                "build_info",
            ],
        ),
    ] {
        for path in ["/health/live", "/health/ready"] {
            let reply = agent.get(&format!("http://{}{path}", program.admin)).send().await;
            assert_eq!(reply.status, 200, "{path}");
        }
        for name in metrics {
            assert!(program.metric(&agent, name, "").await > 0.0, "{name}");
        }
    }
    for origin in [
        format!("https://localhost:{}", stack.verify.port()),
        format!("http://{}", stack.bff_address),
    ] {
        for path in ["/metrics", "/health/ready", "/admin/config", "/internal/refresh"] {
            let reply = agent.get(&format!("{origin}{path}")).send().await;
            assert!(matches!(reply.status.as_u16(), 401 | 404), "{origin}{path}: {}", reply.status);
            assert!(!reply.text().contains("_total"), "{origin}{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn healthcheck_says_by_its_exit_status_whether_the_program_is_ready() {
    let mut stack = Stack::start().await;
    for (name, environment) in [
        ("forwardauth", stack.forwardauth.environment.clone()),
        ("bff", stack.bff.environment.clone()),
    ] {
        let output = program::once(name, &["healthcheck"], &environment);
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    }
    stack.forwardauth.process().kill();
    stack.bff.process().kill();
    for (name, environment) in
        [("forwardauth", &stack.forwardauth.environment), ("bff", &stack.bff.environment)]
    {
        assert!(!program::once(name, &["healthcheck"], environment).status.success(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_told_to_stop_finishes_what_it_has_begun() {
    finishes(Stack::plan()).await;
}

/// There `bff` serves on one thread.
#[tokio::test(flavor = "multi_thread")]
async fn on_one_cpu_many_are_served_at_once_and_what_has_begun_is_finished() {
    let plan = || Stack::plan().bff(program::CPU, "0");
    let stack = plan().start().await;
    let agent = stack.signed_in("alice").await;
    let url = stack.at("/api/echo/x");
    let calls = (0..40).map(|_| agent.fetch(Method::GET, &url).send());
    for reply in futures_util::future::join_all(calls).await {
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
    drop(stack);
    finishes(plan()).await;
}

async fn finishes(plan: Plan) {
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    let slow = Service::start(None, move |_| {
        let held = Arc::clone(&held);
        async move {
            held.acquire().await.expect("never closed").forget();
            answer(200, "text/plain", "finished")
        }
    })
    .await;
    let mut stack = plan
        .service(&format!("slow: {{ base_url: \"{}\", timeout: 30s }}", slow.origin()))
        .route("{ id: slow, path: /api/slow, target_service: slow, upstream_path: /x, methods: [GET], auth: session }")
        .start()
        .await;
    let agent = stack.signed_in("alice").await;
    let ready = format!("http://{}/health/ready", stack.bff.admin);
    let call = agent.fetch(Method::GET, &stack.at("/api/slow"));
    let (reply, ()) = tokio::join!(call.send(), async {
        wait::until("the request is with the service", wait::START, async || {
            (!slow.seen().is_empty()).then_some(())
        })
        .await;
        stack.bff.process().signal(Signal::TERM);
        wait::until("readiness is withdrawn", wait::START, async || {
            let reply = agent.get(&ready).try_send().await;
            reply.is_ok_and(|reply| reply.status == 200).not().then_some(())
        })
        .await;
        gate.add_permits(1);
    });
    assert_eq!((reply.status.as_u16(), reply.text().as_str()), (200, "finished"));
    stack.forwardauth.process().signal(Signal::TERM);
    let limit = Duration::from_secs(30);
    for (name, program) in [("forwardauth", &mut stack.forwardauth), ("bff", &mut stack.bff)] {
        let status = program.process().end(limit).await;
        assert!(status.success(), "{name}: {status}: {}", program.log());
    }
}

/// A process that stands still keeps its connections, so that Traefik cannot know.
#[tokio::test(flavor = "multi_thread")]
async fn t08_while_verify_stands_still_nobody_passes() {
    let mut stack = Stack::start().await;
    let agent = stack.signed_in("alice").await;
    let page = stack.at("/app/");
    assert_eq!(agent.fetch(Method::GET, &page).send().await.status, 200);
    stack.protected.take();
    stack.forwardauth.process().signal(Signal::STOP);
    let asked = agent.fetch(Method::GET, &page).send();
    let waited = tokio::time::timeout(Duration::from_secs(3), asked).await;
    assert!(waited.is_err(), "an answer without verify");
    assert!(stack.protected.seen().is_empty(), "a service was asked without verify");
    stack.forwardauth.process().signal(Signal::CONT);
    assert_eq!(agent.fetch(Method::GET, &page).send().await.status, 200);
}
