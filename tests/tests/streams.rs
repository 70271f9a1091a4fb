//! Streams and sockets through the real edge: in bounded memory, at once, and no longer than their session.

use std::net::Ipv4Addr;
use std::time::Duration;

use bytes::Bytes;
use e2e::agent::CHROME;
use e2e::raw;
use e2e::socket::Opener;
use e2e::stack::{COOKIE, Plan, Stack};
use e2e::streaming::Streaming;
use e2e::traefik::HOST;
use e2e::wait;
use futures_util::{StreamExt as _, stream};
use http::Method;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

const GIB: usize = 1 << 30;
const MIB: u64 = 1 << 20;
const GROWTH: u64 = 64 * MIB;
/// How soon streams end after their session.
const PROMISE: Duration = Duration::from_secs(2);
const TOKEN: &str = "admin-canary-0123456789abcdef0123456789abcdef";

async fn start() -> (Streaming, Stack) {
    let service = Streaming::start().await;
    let stack = plan(&service).start().await;
    (service, stack)
}

fn plan(service: &Streaming) -> Plan {
    Stack::plan()
        .bff("BFF_ADMIN_TOKENS", format!("ops:{TOKEN}"))
        .both("RUST_LOG", "info")
        .service(&format!("streaming: {{ base_url: \"http://{}\", timeout: 30s }}", service.address))
        .route("{ id: streaming, path: \"/api/streaming/*\", target_service: streaming, upstream_path: \"/{path}\", methods: [GET, POST], auth: session, websocket: true }")
}

/// The largest resident memory of `bff` while `work` lasts, less what it was before.
async fn growth(stack: &mut Stack, work: impl Future<Output = ()>) -> u64 {
    let process = stack.bff.process();
    let before = process.resident_memory();
    let mut most = before;
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            () = work.as_mut() => return most - before,
            () = sleep(Duration::from_millis(20)) => most = most.max(process.resident_memory()),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c67_a_gibibyte_passes_in_either_direction_within_64_mebibytes() {
    let (_service, mut stack) = start().await;
    let agent = stack.signed_in("alice").await;
    let csrf = stack.session(&agent).await["csrf_token"].as_str().expect("a token").to_owned();

    let call = agent.fetch(Method::GET, &stack.at(&format!("/api/streaming/download?{GIB}")));
    let grown = growth(&mut stack, async {
        let download = call.open().await;
        assert_eq!(download.status, 200);
        assert_eq!(download.drain().await, GIB);
    })
    .await;
    assert!(grown < GROWTH, "{} MiB for a download", grown / MIB);

    let call = agent.fetch(Method::POST, &stack.at("/api/streaming/upload"));
    let call = call.header("x-csrf-token", &csrf).body(Bytes::from(vec![7; GIB]));
    let grown = growth(&mut stack, async {
        let reply = call.patient().send().await;
        assert_eq!((reply.status.as_u16(), reply.text()), (200, GIB.to_string()));
    })
    .await;
    assert!(grown < GROWTH, "{} MiB for an upload", grown / MIB);
}

#[tokio::test(flavor = "multi_thread")]
async fn c67_events_arrive_within_50_milliseconds() {
    const EVENTS: usize = 50;
    let (service, stack) = start().await;
    let agent = stack.signed_in("alice").await;
    let call = agent.fetch(Method::GET, &stack.at("/api/streaming/events"));
    let mut events = call.header("accept", "text/event-stream").open().await;
    events.until(": begun", wait::START).await;
    let mut late = Vec::new();
    for event in 0..EVENTS {
        let told = Instant::now();
        service.tell(&format!("event-{event}."));
        events.until(&format!("event-{event}."), wait::START).await;
        let took = told.elapsed();
        if took > Duration::from_millis(50) {
            late.push(took);
        }
    }
    // Whatever collects events makes all of them late; a busy machine some.
    assert!(late.len() <= EVENTS / 10, "{late:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn c66_a_thousand_sockets_close_within_two_seconds_of_a_revoke_all() {
    const SESSIONS: usize = 20;
    const EACH: usize = 50;
    let (service, stack) = start().await;
    let agents = stack.sign_in_many("alice", SESSIONS).await;
    let bystander = stack.agent();
    stack.sign_in_directly(&bystander, "bob").await;
    let path = "/api/streaming/socket";
    let opener = Opener::new(&stack);
    let elsewhere =
        opener.ask(&stack.cookie(&bystander), path, Ipv4Addr::LOCALHOST, "https://evil.test").await;
    assert_eq!(elsewhere.0, 403);
    let bobs = opener.open(&stack.cookie(&bystander), path, Ipv4Addr::LOCALHOST).await;
    let cookies: Vec<_> = agents.iter().map(|agent| stack.cookie(agent)).collect();
    let all = (0..SESSIONS * EACH).map(|number| {
        // Several addresses of one network, because the edge limits how often one of them asks.
        let source = Ipv4Addr::new(127, 0, 0, 10 + u8::try_from(number % 20).expect("small"));
        opener.open(&cookies[number % SESSIONS], path, source)
    });
    let sockets: Vec<_> = stream::iter(all).buffer_unordered(16).collect().await;
    assert_eq!(sockets.len(), 1000);
    let all_open = async || (service.sockets() == 1001).then_some(());
    wait::until("all sockets are open", wait::START, all_open).await;
    let gauge = stack.bff.metric(&bystander, "bff_proxy_streams", "kind=\"websocket\"").await;
    assert!((gauge - 1001.0).abs() < f64::EPSILON, "{gauge}");

    let ends: Vec<_> = sockets
        .into_iter()
        .map(|socket| tokio::spawn(async { (socket.rest().await, Instant::now()) }))
        .collect();
    let reply = stack.admin(Method::DELETE, "/admin/users/alice/sessions", &json!({})).await;
    let revoked = Instant::now();
    assert_eq!(reply.status, 200, "{}", reply.text());
    for end in ends {
        let (said, at) = end.await.expect("the reader lives");
        assert_eq!(said, b"\x88\x0e\x03\xf0session_over");
        let took = at.saturating_duration_since(revoked);
        assert!(took < PROMISE, "{took:?}");
    }
    let all_closed = async || (service.sockets() == 1).then_some(());
    wait::until("only another user's socket is open", wait::START, all_closed).await;
    drop(bobs);
}

#[tokio::test(flavor = "multi_thread")]
async fn c66_events_end_when_the_session_is_revoked_at_another_replica() {
    let service = Streaming::start().await;
    let stack = plan(&service).twice().start().await;
    let agent = stack.signed_in("alice").await;
    let call = stack.to_bff(stack.bffs()[1], &agent, Method::GET, "/api/streaming/events");
    let mut events = call.header("accept", "text/event-stream").open().await;
    events.until(": begun", wait::START).await;
    let reply = stack.admin(Method::DELETE, "/admin/users/alice/sessions", &json!({})).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    events.end(PROMISE).await;
    let gone = async || (service.listeners() == 0).then_some(());
    wait::until("the service's connection has ended", PROMISE, gone).await;
}

/// Asks for a GiB over `stream` and reads nothing, until all on the way is full.
async fn ask_and_read_nothing<S: AsyncWrite + Unpin>(
    stack: &Stack,
    cookie: &str,
    more: &str,
    stream: &mut S,
    socket: impl Fn(&S) -> &TcpStream,
) {
    const STILL: Duration = Duration::from_millis(200);
    let host = stack.origin.trim_start_matches("https://");
    let head = format!(
        "GET /api/streaming/download?{GIB} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {CHROME}\r\n\
         Sec-Fetch-Site: same-origin\r\nCookie: {COOKIE}={cookie}\r\n{more}\r\n",
    );
    stream.write_all(head.as_bytes()).await.expect("the request is taken");
    stream.flush().await.expect("the request is taken");
    let mut before = 0;
    wait::until("nothing more can come", wait::START, async || {
        sleep(STILL).await;
        let waiting = rustix::io::ioctl_fionread(socket(stream)).expect("a socket tells");
        let is_still = waiting > 0 && waiting == before;
        before = waiting;
        is_still.then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c66_a_client_that_reads_nothing_is_left_within_two_seconds_of_the_revocation() {
    let (_service, stack) = start().await;
    let (alice, bob) = (stack.signed_in("alice").await, stack.signed_in("bob").await);
    let [alices, bobs] = [&alice, &bob].map(|agent| stack.cookie(agent));
    // At `bff` itself, as Traefik would ask; and behind Traefik, which reads no more than its client.
    let as_traefik = format!(
        "X-Forwarded-Host: {}\r\nX-Forwarded-Proto: https\r\nX-Forwarded-For: 127.0.0.1\r\n",
        stack.origin.trim_start_matches("https://"),
    );
    let mut direct = TcpStream::connect(stack.bff_address).await.expect("bff accepts");
    ask_and_read_nothing(&stack, &alices, &as_traefik, &mut direct, |stream| stream).await;
    let mut behind = raw::connect(stack.traefik.secure, &stack.ca, HOST).await;
    ask_and_read_nothing(&stack, &alices, "", &mut behind, |stream| stream.get_ref().0).await;
    let mut others = raw::connect(stack.traefik.secure, &stack.ca, HOST).await;
    ask_and_read_nothing(&stack, &bobs, "", &mut others, |stream| stream.get_ref().0).await;
    let open = async || stack.bff.metric(&bob, "bff_proxy_streams", "kind=\"answer\"").await;
    assert!((open().await - 3.0).abs() < f64::EPSILON);

    let reply = stack.admin(Method::DELETE, "/admin/users/alice/sessions", &json!({})).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    wait::until("only another user's download is left", PROMISE, async || {
        ((open().await - 1.0).abs() < f64::EPSILON).then_some(())
    })
    .await;
    let cut = stack.bff.metric(&bob, "bff_proxy_streams_cut_total", "session_over").await;
    assert!((cut - 2.0).abs() < f64::EPSILON, "{cut}");
    // What was on the way comes, and then the end.
    for rest in [rest(&mut direct).await, rest(&mut behind).await] {
        assert!(rest < GIB / 8, "{rest}");
    }
}

/// How much comes until the end, of whichever kind.
async fn rest(stream: &mut (impl AsyncRead + Unpin)) -> usize {
    let mut rest = Vec::new();
    drop(timeout(wait::START, stream.read_to_end(&mut rest)).await.expect("it ends"));
    rest.len()
}
