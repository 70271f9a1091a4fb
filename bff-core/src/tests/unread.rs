//! Browsers that ask for much and read nothing.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::Method;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::app::App;
use crate::server;
use crate::testing::{Browser, RawService, World, ask_admin};

const LIMIT: Duration = Duration::from_secs(20);
/// The promise: a stream ends this soon after its session.
const PROMISE: Duration = Duration::from_secs(2);
/// So long nothing moves where nobody reads.
const STILL: Duration = Duration::from_millis(200);

struct Stage {
    world: World,
    service: RawService,
    app: Arc<App>,
    address: SocketAddr,
    _directory: TempDir,
}

/// A download of which nothing is read.
struct Unread {
    browser: TcpStream,
    service: JoinHandle<()>,
    said: Arc<AtomicUsize>,
}

impl Stage {
    async fn set() -> Self {
        let world = World::administered(&[]).await;
        let service = RawService::start().await;
        let routes = format!(
            "services:\n  s: {{ base_url: \"{}\" }}\nroutes:\n\
             - {{ path: /api/s, target_service: s, methods: [GET], auth: session }}\n\
             - {{ path: /api/quick, target_service: s, methods: [GET], auth: none, idle_timeout: 500ms }}\n",
            service.url
        );
        let (app, directory) = world.replica_routed(&routes, &[]);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(server::serve(Arc::clone(&app), listener));
        Self { world, service, app, address, _directory: directory }
    }

    async fn download(&mut self, browser: &Browser, path: &str) -> Unread {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let cookie = browser.session().unwrap_or_default();
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: bff\r\nX-Forwarded-Host: app.example\r\nX-Forwarded-Proto: https\r\n\
             Sec-Fetch-Site: same-origin\r\nCookie: bff_session={cookie}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut talk = self.service.talk().await;
        talk.say("HTTP/1.1 200 OK\r\ncontent-type: application/zip\r\ntransfer-encoding: chunked\r\n\r\n").await;
        let said = Arc::default();
        let service = tokio::spawn(talk.flood(Arc::clone(&said)));
        Unread { browser: stream, service, said }
    }
}

impl Unread {
    /// Until all that lies between service and browser is full.
    async fn is_full(&self) {
        let mut before = 0;
        let full = async {
            loop {
                sleep(STILL).await;
                let said = self.said.load(Ordering::Relaxed);
                if said > 0 && said == before {
                    return;
                }
                before = said;
            }
        };
        timeout(LIMIT, full).await.unwrap();
    }

    /// Until `bff` has let go of both ends.
    async fn ends(mut self) {
        timeout(LIMIT, &mut self.service).await.expect("the service's connection ends").unwrap();
        let rest = async { drop(self.browser.read_to_end(&mut Vec::new()).await) };
        timeout(LIMIT, rest).await.expect("the browser's connection ends");
    }
}

#[tokio::test]
async fn c66_a_browser_that_reads_nothing_is_left_within_two_seconds_of_its_sessions_end() {
    let mut stage = Stage::set().await;
    let browser = stage.world.signed_in().await;
    let unread = stage.download(&browser, "/api/s").await;
    unread.is_full().await;
    assert!(format!("{:?}", stage.app.streams).contains("open: 1"));
    let all = "/admin/users/alice/sessions";
    let answer = ask_admin(&stage.world.app, Method::DELETE, all, &Value::Null).await;
    assert_eq!(answer.status, 200);
    let begun = Instant::now();
    unread.ends().await;
    assert!(begun.elapsed() < PROMISE, "{:?}", begun.elapsed());
    assert!(format!("{:?}", stage.app.streams).contains("open: 0"));
}

#[tokio::test]
async fn t17_a_browser_that_reads_nothing_is_left_after_the_idle_timeout() {
    let mut stage = Stage::set().await;
    let browser = stage.world.signed_in().await;
    let patient = stage.download(&browser, "/api/s").await;
    stage.download(&browser, "/api/quick").await.ends().await;
    patient.is_full().await;
    assert!(!patient.service.is_finished(), "its route has five minutes");
}
