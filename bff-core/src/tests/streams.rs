//! Long answers and long requests: they pass as they come, and end with their session.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
use futures_util::stream;
use http::Method;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use crate::app::App;
use crate::testing::{Browser, RawService, Talk, World, ask_admin};

const EVENTS: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
const CHUNKED: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: application/zip\r\ntransfer-encoding: chunked\r\n\r\n";

/// The promise: a stream ends this soon after its session.
const PROMISE: Duration = Duration::from_secs(2);

struct Stage {
    world: World,
    service: RawService,
    app: Arc<App>,
    _directory: TempDir,
}

impl Stage {
    async fn set(changes: &[(&str, &str)]) -> Self {
        let world = World::administered(&[]).await;
        let service = RawService::start().await;
        let routes = format!(
            "services:\n  s: {{ base_url: \"{}\", timeout: 5s }}\nroutes:\n\
             - {{ path: /api/s, target_service: s, methods: [GET, POST], auth: session }}\n\
             - {{ path: /api/quick, target_service: s, methods: [GET, POST], auth: session, timeout: 3s, idle_timeout: 1s }}\n",
            service.url
        );
        let (app, directory) = world.replica_routed(&routes, changes);
        Self { world, service, app, _directory: directory }
    }

    async fn bob(&self) -> Browser {
        let browser = Browser::new();
        let login = self.world.begin(&browser, "/auth/login").await;
        let answer = self.world.finish_as(&browser, &login, &json!({ "sub": "bob" })).await;
        assert_eq!(answer.status, 303);
        browser
    }

    /// A stream that `browser` has open, of which `begin` has passed.
    async fn open(&mut self, browser: &Browser, begin: &str) -> (Talk, Response) {
        let ask = browser.get("/api/s").by_our_page().response(&self.app);
        let (mut talk, response) = tokio::join!(
            async {
                let mut talk = self.service.talk().await;
                talk.say(begin).await;
                talk
            },
            ask
        );
        assert_eq!(response.status(), 200);
        talk.chunk("first").await;
        (talk, response)
    }
}

/// A body that is sent in parts.
fn parts() -> (mpsc::UnboundedSender<&'static str>, Body) {
    let (sender, parts) = mpsc::unbounded_channel::<&'static str>();
    let parts = stream::unfold(parts, async |mut parts| {
        let part = parts.recv().await?;
        Some((Ok::<_, std::io::Error>(Bytes::from_static(part.as_bytes())), parts))
    });
    (sender, Body::from_stream(parts))
}

async fn next(body: &mut Body) -> Option<Result<Bytes, axum::Error>> {
    let frame = timeout(Duration::from_secs(24 * 3600), body.frame()).await.unwrap()?;
    Some(frame.map(|frame| frame.into_data().unwrap()))
}

async fn expect(body: &mut Body, text: &str) {
    assert_eq!(next(body).await.unwrap().unwrap(), text);
}

#[tokio::test]
async fn c67_what_a_service_says_is_passed_on_as_it_says_it() {
    let mut stage = Stage::set(&[]).await;
    let browser = stage.world.signed_in().await;
    let (mut talk, response) = stage.open(&browser, EVENTS).await;
    let mut body = response.into_body();
    expect(&mut body, "first").await;
    for event in ["data: 1\n\n", ": still here\n\n", "data: 2\n\n"] {
        talk.chunk(event).await;
        expect(&mut body, event).await;
    }
    talk.say("0\r\n\r\n").await;
    assert!(next(&mut body).await.is_none(), "a clean end stays one");
    assert!(format!("{:?}", stage.app.streams).contains("open: 0"));
}

#[tokio::test]
async fn c67_what_a_browser_says_is_passed_on_as_it_says_it() {
    let mut stage = Stage::set(&[]).await;
    let browser = stage.world.signed_in().await;
    let token = stage.world.csrf(&browser).await;
    let (sender, parts) = parts();
    let ask = browser.ask(Method::POST, "/api/s").with_csrf(&token).form(parts);
    let (app, ask) = (Arc::clone(&stage.app), ask);
    let answer = tokio::spawn(async move { ask.send(&app).await });
    sender.send("one").unwrap();
    let mut talk = stage.service.talk().await;
    talk.until(b"one\r\n").await;
    sender.send("two").unwrap();
    talk.until(b"two\r\n").await;
    drop(sender);
    talk.until(b"0\r\n\r\n").await;
    talk.answer(200, "thanks").await;
    assert_eq!(answer.await.unwrap().body, "thanks");
}

#[tokio::test]
async fn c66_an_upload_ends_with_its_session() {
    let mut stage = Stage::set(&[]).await;
    let browser = stage.world.signed_in().await;
    let token = stage.world.csrf(&browser).await;
    let (sender, parts) = parts();
    let ask = browser.ask(Method::POST, "/api/s").with_csrf(&token).form(parts);
    let app = Arc::clone(&stage.app);
    let answer = tokio::spawn(async move { ask.send(&app).await });
    sender.send("one").unwrap();
    let mut talk = stage.service.talk().await;
    talk.until(b"one\r\n").await;
    let all = "/admin/users/alice/sessions";
    let ended = ask_admin(&stage.world.app, Method::DELETE, all, &Value::Null).await;
    assert_eq!(ended.status, 200);
    let answer = timeout(PROMISE, answer).await.expect("it goes on without its session").unwrap();
    assert_eq!((answer.status, &*answer.code()), (401, "unauthenticated"));
    assert!(format!("{:?}", stage.app.streams).contains("open: 0"));
    drop(sender);
}

#[tokio::test]
async fn c66_every_way_to_end_a_session_cuts_its_streams() {
    for way in ["logout", "admin", "suspended"] {
        let mut stage = Stage::set(&[]).await;
        let browser = stage.world.signed_in().await;
        let bystander = stage.bob().await;
        let (_events, events) = stage.open(&browser, EVENTS).await;
        let (_zip, zip) = stage.open(&browser, CHUNKED).await;
        let (mut other, others) = stage.open(&bystander, EVENTS).await;
        let mut bodies = [events, zip, others].map(Response::into_body);
        for body in &mut bodies {
            expect(body, "first").await;
        }
        let [events, zip, others] = &mut bodies;
        // At another replica than the one that has the streams.
        let there = &stage.world.app;
        match way {
            "logout" => {
                let token = stage.world.csrf(&browser).await;
                let answer = browser.post("/auth/logout").with_csrf(&token).send(there).await;
                assert_eq!(answer.status, 200);
            }
            "admin" => {
                let all = "/admin/users/alice/sessions";
                assert_eq!(ask_admin(there, Method::DELETE, all, &Value::Null).await.status, 200);
            }
            _ => {
                let flags = json!({ "suspended": true });
                let answer =
                    ask_admin(there, Method::PUT, "/admin/users/alice/flags", &flags).await;
                assert_eq!(answer.status, 200);
            }
        }
        let begun = Instant::now();
        let error = next(events).await.unwrap().unwrap_err();
        assert!(error.to_string().contains("session"), "{error}");
        // What has not been waiting ends, too: here the guard had no place among the streams so far.
        assert!(next(zip).await.unwrap().is_err(), "{way}");
        assert!(begun.elapsed() < PROMISE, "{way}: {:?}", begun.elapsed());
        other.chunk("on and on").await;
        expect(others, "on and on").await;
    }
}

#[tokio::test]
async fn c66_a_session_that_expires_takes_its_streams_along() {
    let mut stage = Stage::set(&[]).await;
    let browser = stage.world.signed_in().await;
    let (_talk, response) = stage.open(&browser, EVENTS).await;
    let mut body = response.into_body();
    expect(&mut body, "first").await;
    tokio::time::pause();
    stage.world.clock.advance(3_601);
    assert!(next(&mut body).await.unwrap().is_err());
}

#[tokio::test]
async fn c66_a_stream_that_is_never_silent_ends_with_its_session_as_well() {
    let mut stage = Stage::set(&[]).await;
    let browser = stage.world.signed_in().await;
    let (mut talk, response) = stage.open(&browser, CHUNKED).await;
    let mut body = response.into_body();
    expect(&mut body, "first").await;
    let flood = tokio::spawn(async move {
        let chunk = "x".repeat(16 * 1024);
        loop {
            talk.chunk(&chunk).await;
        }
    });
    let mut passed = 0;
    while passed < 1 << 20 {
        passed += next(&mut body).await.unwrap().unwrap().len();
    }
    let token = stage.world.csrf(&browser).await;
    browser.post("/auth/logout").with_csrf(&token).send(&stage.world.app).await;
    let begun = Instant::now();
    while next(&mut body).await.unwrap().is_ok() {
        assert!(begun.elapsed() < PROMISE);
        tokio::task::yield_now().await;
    }
    drop(body);
    flood.abort();
}

#[tokio::test]
async fn t12_a_stream_too_many_is_refused_and_short_answers_are_none() {
    let mut stage = Stage::set(&[("BFF_MAX_STREAMS_PER_SESSION", "1")]).await;
    let browser = stage.world.signed_in().await;
    let (_first, _open) = stage.open(&browser, EVENTS).await;
    for (begin, status) in
        [(EVENTS, 429), ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nshort", 200)]
    {
        let ask = browser.get("/api/s").by_our_page().send(&stage.app);
        let service = async {
            let mut talk = stage.service.talk().await;
            talk.say(begin).await;
            talk
        };
        let (answer, _talk) = tokio::join!(ask, service);
        assert_eq!(answer.status, status, "{answer:?}");
    }
}

#[tokio::test]
async fn c67_silence_ends_what_would_go_on_for_ever() {
    let mut stage = Stage::set(&[]).await;
    let browser = stage.world.signed_in().await;
    let ask = browser.get("/api/quick").by_our_page().response(&stage.app);
    let service = async {
        let mut talk = stage.service.talk().await;
        talk.say(CHUNKED).await;
        talk.chunk("first").await;
        talk
    };
    let (response, talk) = tokio::join!(ask, service);
    let mut body = response.into_body();
    expect(&mut body, "first").await;
    let error = next(&mut body).await.unwrap().unwrap_err();
    assert!(error.to_string().contains("silent"), "{error}");
    drop(body);
    talk.end().await;
}

#[tokio::test]
async fn c67_a_body_that_stops_coming_is_408_and_a_service_that_says_nothing_504() {
    let mut stage = Stage::set(&[]).await;
    let browser = stage.world.signed_in().await;
    let token = stage.world.csrf(&browser).await;
    let stalled = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
    let ask = browser.ask(Method::POST, "/api/quick").with_csrf(&token).form(stalled);
    let answer = ask.send(&stage.app).await;
    assert_eq!((answer.status, &*answer.code()), (408, "request_timeout"));
    let ask = browser.get("/api/quick").by_our_page().send(&stage.app);
    let (answer, _talk) = tokio::join!(ask, async {
        stage.service.talk().await;
        stage.service.talk().await
    });
    assert_eq!((answer.status, &*answer.code()), (504, "upstream_timeout"));
}

#[tokio::test]
async fn c66_the_end_of_the_process_ends_events_and_lets_downloads_finish() {
    let mut stage = Stage::set(&[]).await;
    let browser = stage.world.signed_in().await;
    let (_events, events) = stage.open(&browser, EVENTS).await;
    let (mut zip, download) = stage.open(&browser, CHUNKED).await;
    let (mut events, mut download) = (events.into_body(), download.into_body());
    expect(&mut events, "first").await;
    expect(&mut download, "first").await;
    stage.app.shutdown.begin();
    assert!(next(&mut events).await.is_none());
    zip.chunk("last").await;
    zip.say("0\r\n\r\n").await;
    expect(&mut download, "last").await;
    assert!(next(&mut download).await.is_none());
}
