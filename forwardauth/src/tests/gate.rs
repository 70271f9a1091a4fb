//! A verify with a clock and randomness that the test decides, over the store that `backing` names.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use session::any::AnyStore;
use session::binding::{Bindings, Marks as _};
use session::edge::{EdgeKeys, EdgeView};
use session::id::{SessionId, StoreKey};
use session::keys::KeyRing;
use session::redis::{Reads, RedisOptions, RedisStore, RedisTls};
use session::store::{Store as _, StoredSession};
use shell::clock::ManualClock;
use shell::config::Settings;
use shell::random::CountingRandom;
use shell::traces::TraceSettings;
use tempfile::TempDir;

use super::backing;
use crate::Verify;
use crate::config::{Config, Embedding, VerifyConfig};
use crate::request::Peer;

pub(super) const NOW: u64 = 1_700_000_000;
pub(super) const AGENT: &str =
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
pub(super) const CLIENT: &str = "203.0.113.9";
const EDGE_KEY: &str = "k1:AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";

/// A verify, and hands on its store and clock.
pub(super) struct Gate {
    pub(super) verify: Verify,
    pub(super) config: VerifyConfig,
    pub(super) store: AnyStore,
    pub(super) clock: ManualClock,
    pub(super) traces: Option<TraceSettings>,
}

/// An answer, as the proxy reads it.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Gate {
    pub(super) async fn new() -> Self {
        Self::with(&[]).await
    }

    /// One whose environment also has these variables.
    pub(super) async fn with(variables: &[(&str, &str)]) -> Self {
        Self::over(backing::empty_store().await, variables)
    }

    /// One over `store`, with these variables.
    pub(super) fn over(store: AnyStore, variables: &[(&str, &str)]) -> Self {
        let clock = ManualClock::at(NOW);
        let (verify, config) = verify(variables, store.clone(), &clock);
        let Config { verify: config, traces, .. } = config;
        Self { verify, config, store, clock, traces }
    }

    /// Puts a session into the store.
    pub(super) async fn sign_in(&self, view: &EdgeView) -> SessionId {
        let id = id(1);
        let edge = keys().seal(&id.store_key(), view).unwrap();
        self.put(&id.store_key(), edge).await;
        id
    }

    /// Puts any bytes where an edge view should be.
    pub(super) async fn put(&self, key: &StoreKey, edge: Bytes) {
        let empty = Bytes::new();
        let session = StoredSession { edge, tokens: empty.clone(), management: empty, version: 1 };
        assert!(self.store.create(key, session, Duration::from_secs(60)).await.unwrap());
    }

    pub(super) async fn ask(&self, request: Request<()>) -> Answer {
        ask(&self.verify, request).await
    }

    /// Lets tasks off the response path run until `condition` holds.
    pub(super) async fn until(&self, key: &StoreKey, condition: impl Fn(Option<Bytes>) -> bool) {
        let wait = async {
            while !condition(self.store.edge_view(key).await.unwrap()) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), wait).await.expect("the condition to hold");
    }
}

/// As a proxy on the trusted network asks.
pub(super) async fn ask(verify: &Verify, request: Request<()>) -> Answer {
    ask_from("10.0.0.1", verify, request).await
}

pub(super) async fn ask_from(address: &str, verify: &Verify, request: Request<()>) -> Answer {
    let address = SocketAddr::new(address.parse().unwrap(), 4711);
    let trusted = address.ip().to_string().starts_with("10.");
    let reply = verify.ask(Peer { address, tls: true, trusted }, request).await;
    let (head, body) = reply.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Answer {
        status: head.status,
        headers: head.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}

fn verify(variables: &[(&str, &str)], store: AnyStore, clock: &ManualClock) -> (Verify, Config) {
    let defaults = [
        ("REDIS_URL", "memory://"),
        ("BFF_EDGE_KEYS", EDGE_KEY),
        ("BFF_TRUSTED_PROXIES", "10.0.0.0/8"),
        ("BFF_CORS_ORIGINS", "https://spa.example.net"),
        ("BFF_CONFIG_DIR", "/nonexistent"),
    ];
    let mut settings = Settings::from_pairs(defaults.into_iter().chain(variables.iter().copied()));
    let config = Config::from_settings(&mut settings, Embedding::Composed);
    let (config, _warnings) = settings.finish(config).unwrap();
    let (clock, random) = (Arc::new(clock.clone()), Arc::new(CountingRandom::default()));
    (Verify::new(&config, store, clock, random), config)
}

/// One whose Redis is not there.
pub(super) async fn without_store() -> Verify {
    Gate::over(no_store().await, &[]).verify
}

/// A Redis that is not there.
pub(super) async fn no_store() -> AnyStore {
    let options = RedisOptions {
        reads: Reads::Pipe,
        exact_lists: false,
        url: "redis://127.0.0.1:1".to_owned().into(),
        prefix: "bff:".to_owned(),
        command_timeout: Duration::from_millis(200),
        tls: RedisTls::default(),
    };
    AnyStore::Redis(RedisStore::connect(options).await.unwrap())
}

pub(super) fn keys() -> EdgeKeys {
    EdgeKeys::new(&KeyRing::parse(EDGE_KEY).unwrap())
}

pub(super) fn id(byte: u8) -> SessionId {
    SessionId::from_random([byte; 32])
}

/// A session in good order, bound to [`AGENT`] and [`CLIENT`].
pub(super) fn alice() -> EdgeView {
    EdgeView {
        created_at: NOW - 100,
        auth_time: NOW - 110,
        expires_at: NOW + 28_700,
        last_seen: NOW,
        idle_ttl: 3_600,
        bindings: Bindings {
            user_agent: Some(keys().binder().user_agent(AGENT.as_bytes())),
            ip: Some(keys().binder().ip(CLIENT.parse().unwrap())),
        },
        issuer: "https://idp.example".into(),
        user_id: "alice".into(),
        roles: "ADMIN,AUDITOR".into(),
        master_flags: r#"{"beta":true}"#.into(),
        scopes: "openid orders:read".into(),
        acr: "urn:pwd".into(),
        ..EdgeView::default()
    }
}

/// [`alice`], as a user of this tenant.
pub(super) fn of_tenant(id: &str) -> EdgeView {
    EdgeView { tenant_id: id.to_owned().into(), tenant_slug: "slug".into(), ..alice() }
}

/// Where `tenants.yaml` is: `app.example.com` is t1's, `other.example.com` t2's.
pub(super) fn tenants() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let yaml = "tenants:\n  - { id: t1, hosts: [app.example.com], client: { id: x, secret: \"${X}\" } }\n  \
                - { id: t2, hosts: [other.example.com], cookie: { name: other_session }, cors_origins: \
                [] }\n";
    std::fs::write(directory.path().join("tenants.yaml"), yaml).unwrap();
    directory
}

/// A session of which nothing is known but that it lives.
pub(super) fn somebody() -> EdgeView {
    EdgeView { expires_at: NOW + 10, last_seen: NOW, idle_ttl: 10, ..EdgeView::default() }
}

/// What a proxy asks about one request of a browser.
#[derive(Clone)]
pub(super) struct Question {
    method: &'static str,
    address: String,
    headers: Vec<(String, Vec<u8>)>,
}

/// A request for `/orders?page=2` by script.
pub(super) fn question(address: &str) -> Question {
    let question = Question { method: "GET", address: address.to_owned(), headers: Vec::new() };
    question
        .with("host", "forwardauth:8001")
        .with("x-forwarded-method", "GET")
        .with("x-forwarded-proto", "https")
        .with("x-forwarded-host", "app.example.com")
        .with("x-forwarded-uri", "/orders?page=2")
        .with("x-forwarded-for", CLIENT)
        .with("user-agent", AGENT)
        .with("accept", "*/*")
}

impl Question {
    /// Adds a header line.
    pub(super) fn with(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// Puts a header in the place of all of that name.
    pub(super) fn but(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self.with(name, value)
    }

    pub(super) fn cookie(self, id: &SessionId) -> Self {
        let pair = format!("theme=dark; bff_session={}", id.expose());
        self.with("cookie", pair)
    }

    pub(super) fn navigation(self) -> Self {
        self.with("sec-fetch-mode", "navigate")
    }

    /// As a proxy asks that keeps the method (Envoy), and says it besides.
    pub(super) fn method(mut self, method: &'static str) -> Self {
        self.method = method;
        self.but("x-forwarded-method", method)
    }

    pub(super) fn request(self) -> Request<()> {
        let mut request = Request::builder().method(self.method).uri(self.address);
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        request.body(()).unwrap()
    }
}

impl Answer {
    /// All of it as text, headers sorted by name.
    pub(super) fn shown(&self) -> String {
        let mut lines: Vec<_> = self
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap()))
            .collect();
        lines.sort();
        let out = format!("{}\n{}", self.status, lines.concat());
        // Sorted: whether `serde_json` keeps the order of members depends on who else is built.
        let body: Result<BTreeMap<String, serde_json::Value>, _> = serde_json::from_str(&self.body);
        match body {
            Ok(body) => out + "\n" + &serde_json::to_string_pretty(&body).unwrap() + "\n",
            Err(_) => out + &self.body,
        }
    }

    /// `code` of the problem details.
    pub(super) fn code(&self) -> String {
        let body: serde_json::Value = serde_json::from_str(&self.body).unwrap();
        body["code"].as_str().unwrap().to_owned()
    }

    /// No header of the seven says who anyone is.
    pub(super) fn has_no_identity(&self) -> bool {
        ["x-user-", "x-session-", "x-auth-", "x-tenant-", "x-master-", "authorization"]
            .iter()
            .all(|start| !self.headers.keys().any(|name| name.as_str().starts_with(start)))
    }
}
