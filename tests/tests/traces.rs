//! Traces over OTLP: one from Traefik through verify, the BFF, Redis, the provider and a service; and what
//! happens where nobody takes them.

use std::time::{Duration, Instant};

use e2e::collector::{Collector, Manner, Span};
use e2e::program::{self, Environment};
use e2e::stack::{Plan, Stack};
use e2e::traefik::COLLECTOR;
use e2e::wait;
use http::Method;
use rustix::process::Signal;

/// A deployment of which everybody tells `collector`.
fn traced(collector: &Collector) -> Plan {
    let plan = sending(collector);
    plan.edge(COLLECTOR, collector.origin()).edge("OTEL_BSP_SCHEDULE_DELAY", "50")
}

/// The same without Traefik.
fn sending(collector: &Collector) -> Plan {
    let told = collector.told(Environment::default());
    let plan = told.iter().fold(Stack::plan(), |plan, (name, value)| match name {
        "OTEL_EXPORTER_OTLP_ENDPOINT" => plan.both("OTEL_EXPORTER_OTLP_ENDPOINT", value),
        _ => plan.both("OTEL_BSP_SCHEDULE_DELAY", value),
    });
    plan.bff("OIDC_PAR", "required")
}

/// The span from which `span` was called, which is another service's.
async fn parent_of(collector: &Collector, span: &Span) -> Span {
    let (trace, parent) = (&span.trace, &span.parent);
    let what = format!("the parent of {} of {}", span.name, span.service);
    let found = collector.span(&what, |span| span.trace == *trace && span.id == *parent).await;
    assert!(found.began <= span.began, "{found:?} {span:?}");
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn one_trace_leads_from_traefik_through_verify_and_the_bff_to_redis_and_the_service() {
    let collector = Collector::start().await;
    let stack = traced(&collector).start().await;
    let agent = stack.signed_in("alice").await;
    assert_eq!(agent.get(&stack.at("/app/x?canary=1")).send().await.status, 200);
    let verify = collector
        .span("verify's", |span| {
            span.service == "forwardauth" && span.get("wicketgate.outcome") == "allowed"
        })
        .await;
    assert!(verify.is_server);
    assert_eq!(verify.get("http.route"), "/auth/forward");
    assert_eq!(verify.get("http.response.status_code"), "200");
    assert_eq!(parent_of(&collector, &verify).await.service, "traefik");
    let look_up = collector.span("verify's look-up", |span| span.parent == verify.id).await;
    assert_eq!(
        (look_up.get("db.system.name"), look_up.get("db.operation.name")),
        ("redis", "HGET")
    );
    assert!(look_up.ended <= verify.ended && !look_up.is_server);

    stack.upstream.take();
    let reply = agent.fetch(Method::GET, &stack.at("/api/echo/y?canary=2")).send().await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let request = collector
        .span("the proxied request", |span| {
            span.service == "bff" && span.get("http.route") == "/api/echo/*"
        })
        .await;
    assert_eq!(request.name, "GET /api/echo/*");
    assert_eq!(parent_of(&collector, &request).await.service, "traefik");
    let call = collector
        .span("the call", |span| span.parent == request.id && span.name == "GET echo")
        .await;
    let seen = stack.upstream.take().remove(0);
    let parent = format!("00-{}-{}-01", request.trace, call.id);
    assert_eq!(seen.header("traceparent"), parent, "the service goes on from the call");
    let of_redis = |span: &Span| span.parent == request.id && span.get("db.system.name") == "redis";
    collector.span("the session is read", of_redis).await;

    let answer = agent.fetch(Method::GET, &stack.at("/api/none")).send().await;
    assert_eq!(answer.status, 404);
    let refused =
        collector.span("a refusal", |span| span.get("wicketgate.reason") == "not_found").await;
    let log = wait::until("the refusal is logged", wait::START, async || {
        let log = stack.bff.log();
        log.contains(&format!("\"trace_id\":\"{}\"", refused.trace)).then_some(log)
    })
    .await;
    let line = log.lines().find(|line| line.contains(&refused.trace)).expect("it is there");
    let line: serde_json::Value = serde_json::from_str(line).expect("one object");
    assert!(line["request_id"].is_string(), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_shows_what_was_asked_of_the_provider_and_of_redis() {
    let collector = Collector::start().await;
    let stack = traced(&collector).start().await;
    stack.signed_in("alice").await;
    for (route, calls, stored) in [
        ("/auth/login", &["par"][..], "put_login"),
        ("/auth/callback", &["token", "jwks"], "take_login"),
    ] {
        let is_of = |span: &Span| span.service == "bff" && span.get("http.route") == route;
        let request = collector.span(route, is_of).await;
        assert_eq!(parent_of(&collector, &request).await.service, "traefik");
        for call in calls {
            let found = collector.span(call, |span| span.get("wicketgate.call") == *call).await;
            assert_eq!(found.trace, request.trace, "{call}");
            assert_eq!(found.get("server.address"), "localhost", "{found:?}");
        }
        let found = collector.span(stored, |span| span.get("db.operation.name") == stored).await;
        assert_eq!((found.trace, found.parent), (request.trace, request.id), "{stored}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t18_c83_no_cookie_no_token_no_code_and_no_query_is_in_what_is_exported() {
    let collector = Collector::start().await;
    // Traefik's own spans hold what they hold: the paths and queries of requests.
    let stack = sending(&collector).start().await;
    let agent = stack.agent();
    stack.sign_in(&agent, "alice", "/app/").await;
    let mut canaries = stack.canaries().await;
    canaries.plant("cookie", &stack.cookie(&agent));
    let session = stack.session(&agent).await;
    canaries.plant("CSRF token", session["csrf_token"].as_str().expect("a token"));
    for (kind, path) in [
        ("query", "/api/echo/z?query-canary-0123456789"),
        ("path", "/api/echo/path-canary-0123456789"),
        ("code", "/auth/callback?code=code-canary-0123456789&state=x"),
    ] {
        canaries.plant(kind, &format!("{kind}-canary-0123456789"));
        agent.fetch(Method::GET, &stack.at(path)).send().await;
    }
    stack.post(&agent, "/api/auth/refresh", &serde_json::json!({})).await;
    stack.post(&agent, "/auth/logout", &serde_json::json!({})).await;
    collector.span("the last of it", |span| span.get("http.route") == "/auth/logout").await;
    assert!(collector.spans().len() > 20, "{:#?}", collector.spans());
    assert!(canaries.len() > 20, "the provider told nothing");
    assert_eq!(canaries.found("export", &collector.bytes()), Vec::<String>::new());
    for span in collector.spans() {
        assert!(!format!("{span:?}").contains("alice"), "{span:?}");
    }
}

/// What an agent sees of a deployment that sends its spans to somebody who does not take them.
async fn seen_beside(endpoint: &str) -> Stack {
    let plan = Stack::plan()
        .both("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        .both("OTEL_BSP_SCHEDULE_DELAY", "10")
        .both("OTEL_BSP_MAX_QUEUE_SIZE", "512");
    let stack = plan.start().await;
    let agent = stack.signed_in("alice").await;
    for _ in 0..700 {
        let reply = stack.ask_verify(&agent, "/app/").send().await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
    for _ in 0..50 {
        let reply = agent.fetch(Method::GET, &stack.at("/api/echo/x")).send().await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
    for program in [&stack.forwardauth, &stack.bff] {
        let ready = format!("http://{}/health/ready", program.admin);
        assert_eq!(agent.get(&ready).send().await.status, 200);
    }
    stack
}

#[tokio::test(flavor = "multi_thread")]
async fn t17_a_collector_that_takes_nothing_changes_no_answer_and_its_spans_are_counted() {
    let hanging = Collector::with(Manner::Hangs).await;
    let failing = Collector::with(Manner::Answers(500)).await;
    for (endpoint, reason) in [
        (hanging.origin(), "reason=\"queue_full\""),
        (failing.origin(), "reason=\"failed\""),
        // Nobody listens at port 1.
        ("http://127.0.0.1:1".to_owned(), "reason=\"queue_full\""),
    ] {
        let mut stack = seen_beside(&endpoint).await;
        let agent = stack.agent();
        wait::until("spans are counted as dropped", wait::START, async || {
            let dropped = "otel_spans_dropped_total";
            (stack.forwardauth.metric(&agent, dropped, reason).await > 0.0).then_some(())
        })
        .await;
        let asked = Instant::now();
        for program in [&mut stack.forwardauth, &mut stack.bff] {
            program.process().signal(Signal::TERM);
        }
        for program in [&mut stack.forwardauth, &mut stack.bff] {
            let status = program.process().end(Duration::from_secs(30)).await;
            assert!(status.success(), "{}", program.log());
        }
        assert!(asked.elapsed() < Duration::from_secs(10), "{endpoint}: {:?}", asked.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_sent_when_a_program_is_told_to_stop() {
    let collector = Collector::start().await;
    let plan = Stack::plan()
        .both("OTEL_EXPORTER_OTLP_ENDPOINT", collector.origin())
        // Longer than the test: nothing is sent but at the end.
        .both("OTEL_BSP_SCHEDULE_DELAY", "60000");
    let mut stack = plan.start().await;
    let agent = stack.signed_in("alice").await;
    assert_eq!(stack.ask_verify(&agent, "/app/").send().await.status, 200);
    assert_eq!(collector.asked(), 0);
    for program in [&mut stack.forwardauth, &mut stack.bff] {
        program.process().signal(Signal::TERM);
        let status = program.process().end(Duration::from_secs(30)).await;
        assert!(status.success(), "{}", program.log());
    }
    let spans = collector.spans();
    let has = |service: &str, route: &str| {
        spans.iter().any(|span| span.service == service && span.get("http.route") == route)
    };
    assert!(has("forwardauth", "/auth/verify") && has("bff", "/auth/callback"), "{spans:#?}");
}

#[test]
fn t09_check_config_names_each_setting_of_traces_that_cannot_be_used() {
    let wrong = Environment::default()
        .set("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4317")
        .set("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
        .set("OTEL_EXPORTER_OTLP_HEADERS", "canary")
        .set("OTEL_TRACES_SAMPLER", "jaeger_remote");
    for name in ["forwardauth", "bff"] {
        let told = program::once(name, &["check-config"], &wrong);
        let text = String::from_utf8_lossy(&told.stderr).into_owned();
        assert_eq!(told.status.code(), Some(2), "{text}");
        for variable in
            ["OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_HEADERS", "OTEL_TRACES_SAMPLER"]
        {
            assert!(text.contains(&format!("{variable}: ")), "{variable}: {text}");
        }
        assert!(!text.contains("canary"), "{text}");
    }
}
