//! The spans of verify: of which requests there are some, and what they say.

use http::StatusCode;
use shell::captured::CapturedLog;
use tracing::instrument::WithSubscriber as _;

use super::backing;
use super::gate::{Gate, NOW, alice, ask_from, no_store, question};
use super::scripted::{CREDENTIAL, ScriptedBff, token, view};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const OF_PARENT: &str = "4bf92f3577b34da6a3ce929d0e0e4736/00f067aa0ba902b7";
const ON: [(&str, &str); 1] = [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")];

fn spans(gate: &Gate) -> Vec<String> {
    gate.traces.as_ref().unwrap().recorded()
}

#[tokio::test]
async fn an_allowed_request_and_its_look_up_are_spans_of_the_proxys_trace() {
    let gate = Gate::with(&ON).await;
    let session = gate.sign_in(&alice()).await;
    let asked = question("/auth/verify?policy").with("traceparent", PARENT).cookie(&session);
    assert_eq!(gate.ask(asked.request()).await.status, StatusCode::INTERNAL_SERVER_ERROR);
    drop(spans(&gate));
    let asked = question("/auth/verify").with("traceparent", PARENT).cookie(&session);
    assert_eq!(gate.ask(asked.request()).await.status, StatusCode::OK);
    let [look_up, request] = &spans(&gate)[..] else { panic!("two spans") };
    assert_eq!(
        *request,
        format!(
            "Server verify {OF_PARENT} http.request.method=GET http.route=/auth/verify \
             http.response.status_code=200 wicketgate.outcome=allowed"
        )
    );
    assert!(
        look_up.starts_with("Client redis HGET 4bf92f3577b34da6a3ce929d0e0e4736/"),
        "{look_up}"
    );
    assert!(look_up.ends_with(" db.system.name=redis db.operation.name=HGET"), "{look_up}");
}

#[tokio::test]
async fn a_request_that_nobody_keeps_or_that_is_not_to_be_kept_has_no_span() {
    let gate = Gate::with(&ON).await;
    let session = gate.sign_in(&alice()).await;
    let unsampled = PARENT.replace("-01", "-00");
    let asked = question("/auth/verify").with("traceparent", unsampled).cookie(&session);
    assert_eq!(gate.ask(asked.request()).await.status, StatusCode::OK);
    assert_eq!(spans(&gate), Vec::<String>::new());
    assert!(Gate::new().await.traces.is_none(), "off by default");
}

#[tokio::test]
async fn t01_only_a_trusted_proxy_says_which_trace_a_request_is_of() {
    let never = [ON[0], ("OTEL_TRACES_SAMPLER", "parentbased_always_off")];
    let gate = Gate::with(&never).await;
    let asked = || question("/auth/forward").with("traceparent", PARENT).request();
    ask_from("203.0.113.9", &gate.verify, asked()).await;
    assert_eq!(spans(&gate), Vec::<String>::new());
    ask_from("10.0.0.1", &gate.verify, asked()).await;
    assert_eq!(spans(&gate).len(), 1);
}

#[tokio::test]
async fn a_refusal_says_why_and_only_our_own_failures_are_errors() {
    let gate = Gate::with(&ON).await;
    let asked = question("/auth/forward").with("traceparent", PARENT).navigation();
    assert_eq!(gate.ask(asked.request()).await.status, StatusCode::FOUND);
    let [refused] = &spans(&gate)[..] else { panic!("one span") };
    let ending =
        "http.response.status_code=302 wicketgate.outcome=redirected wicketgate.reason=no_cookie";
    assert!(refused.ends_with(ending), "{refused}");

    let session = super::gate::id(1);
    let gate = Gate::over(no_store().await, &ON);
    let asked = question("/auth/verify").with("traceparent", PARENT).cookie(&session);
    assert_eq!(gate.ask(asked.request()).await.status, StatusCode::SERVICE_UNAVAILABLE);
    for failed in spans(&gate) {
        assert!(failed.ends_with(" error.type=store_unavailable failed"), "{failed}");
    }
}

#[tokio::test]
async fn a_wait_for_the_token_that_is_handed_on_is_a_span() {
    let bff = ScriptedBff::start();
    let settings = [
        ON[0],
        ("FORWARDAUTH_BFF_URL", &*bff.url),
        ("BFF_INTERNAL_TOKEN", CREDENTIAL),
        ("FORWARDAUTH_AUTHORIZATION", "access"),
    ];
    let gate = Gate::with(&settings).await;
    let session = gate.sign_in(&view(1, NOW + 300)).await;
    bff.answers(200, token("canary-token", NOW + 300));
    for waits in [1, 0] {
        let asked = question("/auth/verify").with("traceparent", PARENT).cookie(&session);
        assert_eq!(gate.ask(asked.request()).await.status, StatusCode::OK);
        let told = spans(&gate);
        let is_wait = |span: &&String| span.starts_with("Client bff token 4bf92f3577b34da6");
        assert_eq!(told.iter().filter(is_wait).count(), waits, "{told:?}");
        assert!(!told.concat().contains("canary"), "{told:?}");
    }
}

#[tokio::test]
async fn c83_no_word_of_a_client_is_in_a_span_and_the_log_names_the_trace() {
    let log = CapturedLog::default();
    let gate = Gate::over(backing::empty_store().await, &ON);
    let session = gate.sign_in(&alice()).await;
    let canary = |asked: super::gate::Question| {
        asked
            .with("traceparent", PARENT)
            .with("tracestate", "canary=1")
            .with("authorization", "Bearer canary-token")
            .with("x-request-id", "canary-request")
            .but("user-agent", "canary-agent")
            .but("x-forwarded-uri", "/canary-uri")
            .request()
    };
    async {
        for asked in [
            question("/auth/verify?canary-query").cookie(&session),
            question("/auth/verify/canary-path").with("cookie", "bff_session=canary-cookie"),
            question("/canary-path").cookie(&session),
            question("/auth/verify").method("CANARY"),
        ] {
            gate.ask(canary(asked)).await;
        }
    }
    .with_subscriber(log.subscriber("debug"))
    .await;
    let told = spans(&gate).join("\n");
    assert!(told.lines().count() >= 5, "{told}");
    assert!(!told.to_lowercase().contains("canary"), "{told}");
    assert!(!told.contains("alice") && !told.contains(session.expose()), "{told}");
    assert!(told.contains("_OTHER"), "{told}");
    let log = log.text();
    let refused: Vec<_> =
        log.lines().filter(|line| line.contains(r#""message":"refused""#)).collect();
    assert_eq!(refused.len(), 4, "{log}");
    let trace = r#""trace_id":"4bf92f3577b34da6a3ce929d0e0e4736""#;
    assert!(refused.iter().all(|line| line.contains(trace)), "{log}");
}
