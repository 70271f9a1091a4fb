//! The programs as an operator meets them: help, health, metrics, drain.

use std::ops::Not as _;
use std::sync::Arc;
use std::time::Duration;

use e2e::program::{self, Environment};
use e2e::service::{Service, answer};
use e2e::stack::{Plan, Stack};
use e2e::wait;
use http::Method;
use rustix::process::Signal;
use serde_json::json;
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
