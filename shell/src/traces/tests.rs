//! The whole way of a span, to a collector on loopback that answers as it is told.

use std::sync::Mutex;
use std::time::Instant;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span as Wire;
use prost::Message as _;
use tokio::net::TcpListener;

use super::*;
use crate::clock::ManualClock;
use crate::config::Settings;
use crate::random::{CountingRandom, SystemRandom};
use crate::shutdown::Shutdown;

/// A collector, and what it was sent.
struct Collector {
    settings: TraceSettings,
    seen: Arc<Mutex<Vec<ExportTraceServiceRequest>>>,
}

impl Collector {
    /// Answers with `statuses`, then with 200; a zero is no answer at all.
    async fn answering(statuses: &[u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let statuses = Arc::new(Mutex::new(statuses.to_vec()));
        let into = Arc::clone(&seen);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (into, statuses) = (Arc::clone(&into), Arc::clone(&statuses));
                let service = service_fn(move |request: Request<Incoming>| {
                    let (into, statuses) = (Arc::clone(&into), Arc::clone(&statuses));
                    async move {
                        assert_eq!(request.uri().path(), "/v1/traces");
                        assert_eq!(request.headers()["content-type"], "application/x-protobuf");
                        let body = request.into_body().collect().await?.to_bytes();
                        into.lock().unwrap().push(ExportTraceServiceRequest::decode(body).unwrap());
                        let status = {
                            let mut left = statuses.lock().unwrap();
                            if left.is_empty() { 200 } else { left.remove(0) }
                        };
                        if status == 0 {
                            std::future::pending::<()>().await;
                        }
                        let mut answer = Response::new(Full::new(Bytes::new()));
                        *answer.status_mut() = StatusCode::from_u16(status).unwrap();
                        Ok::<_, hyper::Error>(answer)
                    }
                });
                let builder = hyper::server::conn::http1::Builder::new();
                tokio::spawn(builder.serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { settings: settings(&endpoint), seen }
    }

    fn seen(&self) -> Vec<Wire> {
        let seen = self.seen.lock().unwrap();
        let scopes = seen.iter().flat_map(|request| &request.resource_spans);
        let spans =
            scopes.flat_map(|resource| &resource.scope_spans).flat_map(|scope| &scope.spans);
        spans.cloned().collect()
    }
}

fn settings(endpoint: &str) -> TraceSettings {
    let mut settings = Settings::from_pairs([
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
        ("OTEL_BSP_SCHEDULE_DELAY", "10"),
    ]);
    let read = TraceSettings::read(&mut settings, "bff");
    settings.finish(read).unwrap().0
}

fn tracer(settings: &TraceSettings) -> Tracer {
    let clock = ManualClock::at(1_700_000_000);
    Tracer::new(settings, Arc::new(clock), Arc::new(CountingRandom::default()))
}

/// The exporter of `settings`, and what it counts. It runs where it can be counted: on this thread.
async fn export(settings: &TraceSettings) -> PrometheusHandle {
    let recorder = PrometheusBuilder::new().build_recorder();
    let (handle, settings) = (recorder.handle(), settings.clone());
    let work = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        metrics::with_local_recorder(&recorder, || {
            runtime.block_on(exporter::run(settings, &SystemRandom));
        });
    };
    tokio::task::spawn_blocking(work).await.unwrap();
    handle
}

fn kept() -> Option<TraceContext> {
    TraceContext::parse(b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
}

#[tokio::test]
async fn a_request_and_its_calls_arrive_as_one_trace() {
    let collector = Collector::answering(&[]).await;
    let mut span = tracer(&collector.settings).begin(kept(), "GET /a").unwrap();
    span.set("http.response.status_code", 503_u16);
    span.fail("store_timeout");
    let child = span.call("HGET", Instant::now());
    let passed_on = child.context().header().unwrap();
    drop((child, span));
    collector.settings.queue.close();
    let counted = export(&collector.settings).await.render();
    assert!(counted.contains("otel_spans_exported_total 2"), "{counted}");

    let [child, span] = &collector.seen()[..] else { panic!("{:?}", collector.seen()) };
    let trace = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736_u128.to_be_bytes();
    assert_eq!((&span.trace_id[..], &child.trace_id[..]), (&trace[..], &trace[..]));
    assert_eq!(span.parent_span_id, 0x00f0_67aa_0ba9_02b7_u64.to_be_bytes());
    assert_eq!(child.parent_span_id, span.span_id);
    assert_eq!((span.kind, child.kind), (2, 3));
    assert_eq!((span.flags, child.flags), (0x301, 0x101));
    assert_eq!(span.start_time_unix_nano, 1_700_000_000_000_000_000);
    let within = child.start_time_unix_nano..=child.end_time_unix_nano;
    assert!(span.start_time_unix_nano <= *within.start(), "{within:?}");
    assert!(span.end_time_unix_nano >= *within.end(), "{within:?}");
    assert_eq!(span.status.as_ref().unwrap().code, 2);
    assert_eq!(child.status.as_ref().unwrap().code, 0);
    let names: Vec<_> = span.attributes.iter().map(|pair| pair.key.as_str()).collect();
    assert_eq!(names, ["http.response.status_code", "error.type"]);
    let id = u64::from_be_bytes(child.span_id.as_slice().try_into().unwrap());
    assert_eq!(passed_on, format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{id:016x}-01"));
}

#[test]
fn a_request_that_nobody_keeps_has_no_span() {
    let settings = settings("http://127.0.0.1:1");
    let parent = TraceContext { sampled: false, ..kept().unwrap() };
    let onwards = tracer(&settings).begin(Some(parent), "GET /a").unwrap_err();
    assert_eq!(onwards, parent);
    assert!(settings.queue.batch().is_empty());
}

#[test]
fn a_trace_that_begins_here_has_no_parent_and_a_name_of_its_own() {
    let settings = settings("http://127.0.0.1:1");
    let tracer = Tracer::new(&settings, Arc::new(ManualClock::at(0)), Arc::new(SystemRandom));
    let begin = || tracer.begin(None, "GET").unwrap();
    assert_ne!(begin().context().trace, begin().context().trace);
    assert!(settings.queue.batch().iter().all(|span| span.parent == 0));
}

#[tokio::test]
async fn what_a_task_calls_is_of_its_trace() {
    let settings = settings("http://127.0.0.1:1");
    let tracer = tracer(&settings);
    let shutdown = Shutdown::new();
    assert!(client(|| "nobody's".to_owned()).is_none() && current().is_none());
    let work = async {
        drop(client(|| "mine".to_owned()));
        current().unwrap().name_route(|| "/first".to_owned());
        current().unwrap().name_route(|| "/second".to_owned());
        shutdown.spawn(async { drop(client(|| "for me".to_owned())) });
        shutdown.drained(Duration::from_secs(5)).await;
    };
    let kept = kept().unwrap();
    let current = Current::new(&tracer, kept, true);
    current.scope(work).await;
    assert_eq!(current.route(), Some("/first"));
    let spans = settings.queue.batch();
    let names: Vec<_> = spans.iter().map(|span| (&*span.name, span.parent)).collect();
    assert_eq!(names, [("mine", kept.span), ("for me", kept.span)]);

    let unsampled = TraceContext { sampled: false, ..kept };
    let current = Current::new(&tracer, unsampled, true);
    current.scope(async { assert!(client(|| "not kept".to_owned()).is_none()) }).await;
    assert!(settings.queue.batch().is_empty());
}

#[tokio::test]
async fn a_collector_that_is_busy_is_asked_again_and_one_that_refuses_is_not() {
    let collector = Collector::answering(&[503, 200, 500]).await;
    drop(tracer(&collector.settings).begin(kept(), "GET /a"));
    let queue = Arc::clone(&collector.settings.queue);
    let end = async {
        while collector.seen().len() < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        drop(tracer(&collector.settings).begin(kept(), "GET /b"));
        while collector.seen().len() < 3 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        queue.close();
    };
    let (counted, ()) = tokio::join!(export(&collector.settings), end);
    let counted = counted.render();
    assert!(counted.contains("otel_spans_exported_total 1"), "{counted}");
    assert!(counted.contains("otel_spans_dropped_total{reason=\"failed\"} 1"), "{counted}");
    let names: Vec<_> = collector.seen().into_iter().map(|span| span.name).collect();
    assert_eq!(names, ["GET /a", "GET /a", "GET /b"]);
}

#[tokio::test]
async fn a_collector_that_never_answers_holds_nobody_at_the_end() {
    let collector = Collector::answering(&[0]).await;
    for _ in 0..600 {
        drop(tracer(&collector.settings).begin(kept(), "GET /a"));
    }
    let random = Arc::new(SystemRandom);
    let exporter = Exporter::start(&collector.settings, random).unwrap();
    while collector.seen().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let began = Instant::now();
    tokio::task::spawn_blocking(|| exporter.finish()).await.unwrap();
    let took = began.elapsed();
    assert!((FLUSH..FLUSH + Duration::from_secs(5)).contains(&took), "{took:?}");
    assert!(collector.settings.queue.batch().is_empty());
}

#[tokio::test]
async fn nobody_there_loses_the_spans_and_counts_them() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = settings(&format!("http://{}", listener.local_addr().unwrap()));
    drop(listener);
    drop(tracer(&settings).begin(kept(), "GET /a"));
    settings.queue.close();
    let counted = export(&settings).await.render();
    assert!(counted.contains("otel_spans_dropped_total{reason=\"failed\"} 1"), "{counted}");
}
