//! The spans of `bff`: of which requests and calls there are some, and what they say. The store here is memory,
//! so those of Redis are seen in `tests/tests/traces.rs`.

use std::collections::BTreeSet;

use crate::testing::{Ask, Browser, FRESH_TOKEN, World};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const ON: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1");

fn spans(world: &World) -> Vec<String> {
    world.app.config.traces.as_ref().unwrap().recorded()
}

fn in_trace(ask: Ask) -> Ask {
    ask.header("traceparent", PARENT).header("tracestate", "vendor=1")
}

/// The spans that a proxied request leaves, and the `traceparent` and `tracestate` that its service saw.
async fn proxied(world: &World, ask: Ask) -> (Vec<String>, String, Option<String>) {
    drop(spans(world));
    assert_eq!(ask.by_our_page().send(&world.app).await.status, 200);
    let seen = world.service.last();
    let header = |name| seen.header(name).map(str::to_owned);
    (spans(world), header("traceparent").unwrap(), header("tracestate"))
}

#[tokio::test]
async fn a_proxied_request_is_of_the_proxys_trace_and_the_service_goes_on_from_the_call() {
    let world = World::with(&[ON]).await;
    let ask = in_trace(Browser::new().get("/api/public?canary=1"));
    let (spans, parent, state) = proxied(&world, ask).await;
    let [call, request] = &spans[..] else { panic!("{spans:?}") };
    assert_eq!(
        *request,
        format!(
            "Server GET /api/public {TRACE}/00f067aa0ba902b7 http.request.method=GET \
             http.route=/api/public http.response.status_code=200"
        )
    );
    let about_call = format!("Client GET api {TRACE}/");
    assert!(call.starts_with(&about_call), "{call}");
    assert!(call.contains(" server.address=127.0.0.1 server.port="), "{call}");
    assert!(call.ends_with(" http.response.status_code=200"), "{call}");
    assert!(parent.starts_with(&format!("00-{TRACE}-")) && parent.ends_with("-01"), "{parent}");
    let of_request = call.strip_prefix(&about_call).unwrap().split(' ').next().unwrap();
    for other in [of_request, "00f067aa0ba902b7"] {
        assert!(!parent.contains(other), "the service goes on from the call: {parent}");
    }
    assert_eq!(state.as_deref(), Some("vendor=1"));
}

#[tokio::test]
async fn a_trace_that_nobody_keeps_goes_on_as_it_was_and_leaves_no_span() {
    let world = World::with(&[ON]).await;
    let unsampled = PARENT.replace("-01", "-00");
    let ask = Browser::new().get("/api/public").header("traceparent", &unsampled);
    let (spans, parent, _) = proxied(&world, ask).await;
    assert_eq!((spans, parent), (Vec::new(), unsampled));

    let world = World::with(&[ON, ("OTEL_TRACES_SAMPLER", "traceidratio"), ARG]).await;
    let (spans, parent, _) = proxied(&world, in_trace(Browser::new().get("/api/public"))).await;
    assert_eq!((spans, parent), (Vec::new(), PARENT.replace("-01", "-00")), "we keep none");
    let (spans, parent, _) = proxied(&world, Browser::new().get("/api/public")).await;
    assert!(spans.is_empty() && parent.ends_with("-00") && !parent.contains(TRACE), "{parent}");
}

const ARG: (&str, &str) = ("OTEL_TRACES_SAMPLER_ARG", "0");

#[tokio::test]
async fn t01_a_browser_has_no_say_in_which_trace_is_kept() {
    let world = World::with(&[ON, ("BFF_TRUSTED_PROXIES", ""), ("BFF_BINDING_IP", "off")]).await;
    let ask = in_trace(Browser::new().get("/api/public")).instead("host", "app.example");
    drop(spans(&world));
    ask.by_our_page().send(&world.app).await;
    let spans = spans(&world);
    assert!(!spans.is_empty() && spans.iter().all(|span| !span.contains(TRACE)), "{spans:?}");
}

#[tokio::test]
async fn a_login_and_a_refresh_show_what_was_asked_of_the_provider() {
    let world = World::with(&[ON]).await;
    let browser = Browser::new();
    world.sign_in(&browser).await;
    let told = spans(&world);
    let names: BTreeSet<_> = told
        .iter()
        .filter_map(|span| span.rsplit_once(" wicketgate.call=")?.1.split(' ').next())
        .collect();
    for call in ["discovery", "token", "jwks"] {
        assert!(names.contains(call), "{call}: {told:#?}");
    }
    let callback = told.iter().find(|span| span.contains("http.route=/auth/callback")).unwrap();
    assert!(callback.starts_with("Server GET /auth/callback "), "{callback}");
    let trace = callback.split(' ').nth(3).unwrap().split('/').next().unwrap();
    let token = told.iter().find(|span| span.contains("wicketgate.call=token")).unwrap();
    assert!(token.contains(trace), "{token} is of {trace}");

    world.idp.once("/token", world.fresh_tokens());
    world.clock.advance(301);
    assert_eq!(world.call(&world.app, &browser).await.status, 200);
    let told = spans(&world);
    assert!(told.iter().any(|span| span.contains("wicketgate.call=token")), "{told:#?}");
}

#[tokio::test]
async fn a_failure_says_why_and_is_an_error_where_it_is_ours() {
    let world = World::with(&[ON]).await;
    drop(spans(&world));
    for (path, status, ending) in [
        (
            "/api/gone",
            502,
            "wicketgate.reason=upstream_unreachable error.type=upstream_unreachable failed",
        ),
        ("/api/orders/1", 401, "http.response.status_code=401 wicketgate.reason=no_session"),
        ("/api/canary", 404, "http.response.status_code=404 wicketgate.reason=not_found"),
    ] {
        let answer = in_trace(Browser::new().get(path)).by_our_page().send(&world.app).await;
        assert_eq!(answer.status, status, "{path}");
        let told = spans(&world);
        assert!(told.last().unwrap().ends_with(ending), "{path}: {told:#?}");
        let failed = told.iter().filter(|span| span.starts_with("Client"));
        assert!(
            failed.clone().all(|span| span.ends_with("error.type=connect failed")),
            "{told:#?}"
        );
    }
}

#[tokio::test]
async fn t18_c83_no_token_no_code_no_query_and_no_user_is_in_a_span() {
    let world = World::with(&[ON]).await;
    let browser = Browser::new();
    world.sign_in(&browser).await;
    let token = world.csrf(&browser).await;
    world.idp.once("/token", world.fresh_tokens());
    world.clock.advance(301);
    browser.get("/api/orders/canary-id?canary=query").by_our_page().send(&world.app).await;
    browser.get("/auth/callback?code=canary-code&state=canary").send(&world.app).await;
    browser.ask("CANARY".parse().unwrap(), "/api/orders/1").send(&world.app).await;
    let reference = browser.reference();
    let path = format!("/api/auth/sessions/{reference}");
    browser.ask("DELETE".parse().unwrap(), &path).with_csrf(&token).send(&world.app).await;
    let told = spans(&world).join("\n");
    assert!(told.contains("http.route=/api/auth/sessions/{reference}"), "{told}");
    assert!(told.contains("http.route=/api/orders/*"), "{told}");
    for secret in ["canary", "alice", FRESH_TOKEN, &*token, &*reference] {
        assert!(!told.to_lowercase().contains(&secret.to_lowercase()), "{secret}: {told}");
    }
}
