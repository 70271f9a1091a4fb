//! Owns: a verify in memory with one session in it, the same in every process, for targets to ask.

use std::cell::OnceCell;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use forwardauth::Verify;
use forwardauth::config::{Config, Embedding};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use session::any::AnyStore;
use session::binding::{Bindings, Marks as _};
use session::edge::{EdgeKeys, EdgeView};
use session::id::SessionId;
use session::keys::KeyRing;
use session::memory::MemoryStore;
use session::store::{Store as _, StoredSession};
use shell::clock::ManualClock;
use shell::config::Settings;
use shell::random::CountingRandom;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

/// Seconds since the epoch.
pub(crate) const NOW: u64 = 1_700_000_000;
/// The session's client.
pub(crate) const AGENT: &str =
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
/// The session's client, too.
pub(crate) const CLIENT: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 9);
/// The session's cookie.
pub(crate) const COOKIE: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE";
/// A proxy that is trusted.
pub(crate) const PROXY: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), 4711);
/// Somebody who is not.
pub(crate) const STRANGER: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(192, 0, 2, 66)), 4711);

const EDGE_KEY: &str = "k1:AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";
const POLICIES: &str = "
policies:
  plain: {}
  admin: { roles: { all: [ADMIN] } }
  root: { roles: { all: [ROOT] } }
  strong: { acr: [urn:mfa] }
  mapped: { headers: { Remote-User: user_id, Remote-Tenant: tenant_id } }
";

/// Verify, and the store that it reads.
pub(crate) struct Scene {
    runtime: Runtime,
    verify: Verify,
    store: MemoryStore,
    session: StoredSession,
    _files: TempDir,
}

/// An answer of verify.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

thread_local! {
    static SCENE: OnceCell<Scene> = const { OnceCell::new() };
}

/// Hands the thread's scene to `work`.
pub(crate) fn with<T>(work: impl FnOnce(&Scene) -> T) -> T {
    SCENE.with(|scene| work(scene.get_or_init(Scene::new)))
}

/// The keys of the session's view.
pub(crate) fn edge_keys() -> EdgeKeys {
    EdgeKeys::new(&KeyRing::parse(EDGE_KEY).expect("a key ring"))
}

/// The planted session's id.
pub(crate) fn id() -> SessionId {
    SessionId::parse(COOKIE.as_bytes()).expect("a cookie")
}

/// The planted session.
pub(crate) fn alice() -> EdgeView {
    let keys = edge_keys();
    EdgeView {
        created_at: NOW - 100,
        auth_time: NOW - 110,
        expires_at: NOW + 28_700,
        last_seen: NOW,
        idle_ttl: 3_600,
        bindings: Bindings {
            user_agent: Some(keys.binder().user_agent(AGENT.as_bytes())),
            ip: Some(keys.binder().ip(CLIENT.into())),
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

impl Scene {
    fn new() -> Self {
        let files = tempfile::tempdir().expect("a directory");
        std::fs::write(files.path().join("forwardauth.yaml"), POLICIES).expect("a file");
        let directory = files.path().to_str().expect("a path");
        let mut settings = Settings::from_pairs([
            ("REDIS_URL", "memory://"),
            ("BFF_EDGE_KEYS", EDGE_KEY),
            ("BFF_TRUSTED_PROXIES", "10.0.0.0/8"),
            ("BFF_CORS_ORIGINS", "https://spa.example.net"),
            ("BFF_CONFIG_DIR", directory),
            ("BFF_BINDING_UA", "reauth"),
            ("BFF_BINDING_IP", "deny"),
            ("FORWARDAUTH_INLINE_POLICY", "true"),
        ]);
        let config = Config::from_settings(&mut settings, Embedding::Composed);
        let (config, _warnings) = settings.finish(config).expect("settings");
        let store = MemoryStore::new();
        let verify = Verify::new(
            &config,
            AnyStore::Memory(store.clone()),
            Arc::new(ManualClock::at(NOW)),
            Arc::new(CountingRandom::default()),
        );
        let edge = edge_keys().seal(&id().store_key(), &alice()).expect("a view");
        let (tokens, management) = (Bytes::new(), Bytes::new());
        let session = StoredSession { edge, tokens, management, version: 1 };
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        Self { runtime, verify, store, session, _files: files }
    }

    /// The answer to `request` of `peer`. The session is there, whatever was asked before.
    pub(crate) fn ask(&self, peer: SocketAddr, request: Request<()>) -> Answer {
        self.runtime.block_on(async {
            let (key, day) = (id().store_key(), Duration::from_secs(86_400));
            // An answer may have ended it: `BFF_BINDING_IP` is `deny`.
            self.store.create(&key, self.session.clone(), day).await.expect("memory");
            let reply = forwardauth::fuzzing::ask(&self.verify, peer, request).await;
            let (head, body) = reply.into_parts();
            let body = body.collect().await.expect("a body in memory").to_bytes();
            // What runs in the background belongs to this request and not to the next.
            tokio::task::yield_now().await;
            Answer { status: head.status, headers: head.headers, body }
        })
    }
}

/// A request as hyper would hand it over; `None` where it would hand over none.
pub(crate) fn request(data: &[u8]) -> Option<Request<()>> {
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut head = httparse::Request::new(&mut fields);
    if !head.parse(data).ok()?.is_complete() {
        return None;
    }
    let mut request = Request::builder().method(head.method?).uri(head.path?);
    for field in &*head.headers {
        request = request.header(field.name, field.value);
    }
    request.body(()).ok()
}
