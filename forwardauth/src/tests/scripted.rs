//! A BFF that answers as the test says and remembers what it was asked.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request, Response, Version};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use serde_json::{Value, json};
use session::edge::EdgeView;
use session::id::SessionId;
use session::store::{Store as _, StoredSession};
use shell::listen::{self, Limits};
use shell::shutdown::Shutdown;
use shell::tls::Tls;
use tokio::sync::watch;

use super::gate::{Gate, NOW, alice, keys, question};

/// What `BFF_INTERNAL_TOKEN` is, on both sides.
pub(super) const CREDENTIAL: &str = "canary-internal-token";

/// A question as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) session: String,
    pub(super) wait: bool,
    pub(super) version: Version,
}

/// Clones are one. It ends with the test's runtime.
#[derive(Clone)]
pub(super) struct ScriptedBff {
    pub(super) url: String,
    script: Arc<Mutex<(u16, Value)>>,
    open: Arc<watch::Sender<bool>>,
    seen: Arc<watch::Sender<Vec<Seen>>>,
}

impl ScriptedBff {
    /// One that gives out `token-1`, good for five minutes.
    pub(super) fn start() -> Self {
        Self::over(None)
    }

    /// The same, over TLS as `localhost` where `tls` says so.
    pub(super) fn over(tls: Option<&Tls>) -> Self {
        let listener = listen::bind("127.0.0.1:0".parse().unwrap(), false).unwrap();
        let port = listener.local_addr().unwrap().port();
        let url = match tls {
            None => format!("http://127.0.0.1:{port}"),
            Some(_) => format!("https://localhost:{port}"),
        };
        let bff = Self {
            url,
            script: Arc::new(Mutex::new((200, token("token-1", NOW + 300)))),
            open: Arc::new(watch::Sender::new(true)),
            seen: Arc::default(),
        };
        let (asked, tls) = (bff.clone(), tls.map(Tls::config));
        let make = move |_| {
            let asked = asked.clone();
            service_fn(move |request| asked.clone().answer(request))
        };
        tokio::spawn(listen::serve(listener, tls, Limits::default(), Shutdown::new(), make));
        bff
    }

    /// From now on answers so whoever waits.
    pub(super) fn answers(&self, status: u16, body: Value) {
        *self.script.lock().unwrap() = (status, body);
    }

    /// Answers nobody until it is opened.
    pub(super) fn close(&self) {
        self.open.send_replace(false);
    }

    pub(super) fn open(&self) {
        self.open.send_replace(true);
    }

    /// All questions so far.
    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.borrow().clone()
    }

    /// Waits until it was asked `count` times.
    pub(super) async fn asked(&self, count: usize) -> Vec<Seen> {
        let mut seen = self.seen.subscribe();
        let enough = seen.wait_for(|seen| seen.len() >= count);
        let enough = tokio::time::timeout(Duration::from_secs(5), enough).await;
        enough.expect("to be asked").unwrap().clone()
    }

    /// Sessions that somebody nudged for, and those that somebody waited for.
    pub(super) fn counts(&self) -> (usize, usize) {
        let seen = self.seen();
        let waits = seen.iter().filter(|seen| seen.wait).count();
        (seen.len() - waits, waits)
    }

    async fn answer(self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        assert_eq!(
            (request.method().as_str(), request.uri().path()),
            ("POST", "/internal/refresh")
        );
        let credential: Option<&HeaderValue> = request.headers().get(AUTHORIZATION);
        assert_eq!(credential.unwrap(), &format!("Bearer {CREDENTIAL}"));
        let version = request.version();
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let body: Value = serde_json::from_slice(&body).unwrap();
        let wait = body["wait"].as_bool().unwrap();
        let session = body["session"].as_str().unwrap().to_owned();
        assert!(SessionId::parse(session.as_bytes()).is_some());
        self.seen.send_modify(|seen| seen.push(Seen { session, wait, version }));
        self.open.subscribe().wait_for(|open| *open).await.unwrap();
        let (status, body) = self.script.lock().unwrap().clone();
        let (status, body) = if wait { (status, body.to_string()) } else { (202, String::new()) };
        Ok(Response::builder().status(status).body(Full::from(body)).unwrap())
    }
}

/// Waits for what a store with a cache before it shows a moment later.
pub(super) async fn eventually(mut condition: impl AsyncFnMut() -> bool) {
    let holds = async {
        while !condition().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), holds).await.expect("the condition to hold");
}

/// What the BFF leaves after a refresh: another version of the tokens, which `X-Tenant-Slug` tells.
pub(super) async fn refresh(gate: &Gate, session: &SessionId, version: u64, expires_at: u64) {
    let slug = format!("v{version}");
    let view = EdgeView { tenant_slug: slug.clone().into(), ..view(version, expires_at) };
    let edge = keys().seal(&session.store_key(), &view).unwrap();
    let stored = StoredSession { edge, tokens: "t".into(), management: "m".into(), version };
    let keep = Duration::from_secs(60);
    let old = gate.store.load(&session.store_key()).await.unwrap().unwrap();
    gate.store.replace(&session.store_key(), &old, stored, keep).await.unwrap();
    let asked = || question("/auth/verify").cookie(session).request();
    eventually(async || gate.ask(asked()).await.headers["x-tenant-slug"] == *slug).await;
}

/// Alice with tokens of this version and end.
pub(super) fn view(version: u64, expires_at: u64) -> EdgeView {
    EdgeView { token_version: version, access_expires_at: expires_at, ..alice() }
}

/// The body that gives a token out.
pub(super) fn token(text: &str, expires_at: u64) -> Value {
    json!({ "access_token": text, "token_type": "Bearer", "expires_at": expires_at })
}

/// The body of a refusal.
pub(super) fn problem(code: &str) -> Value {
    json!({ "type": "about:blank", "code": code })
}
