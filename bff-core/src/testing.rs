//! Owns: one whole `bff` as a test value: embedded store, clock that is moved by hand, scripted IdP
//! behind a gate, recording service, and browsers with a cookie jar.

mod admin;
mod bank;
mod browser;
mod door;
mod events;
mod gate;
mod heard;
mod login;
mod raw_service;
mod replica;
mod rotation;
mod service;
mod time;
mod user;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use serde_json::{Value, json};
use session::any::AnyStore;
use session::memory::MemoryStore;
use shell::clock::ManualClock;
use shell::config::Settings;
use shell::random::{Random, SystemRandom};
use shell::shutdown::Shutdown;
use tempfile::TempDir;

use crate::app::App;
use crate::config::Config;
use crate::oidc::Mode;
use crate::oidc::mock::{MockAs, NOW, Reply};

pub(crate) use admin::{ADMIN_TOKENS, OPS, ask as ask_admin, send as send_admin};
pub(crate) use bank::{ACCOUNT, Bank};
pub(crate) use browser::{Answer, Ask, Browser};
pub(crate) use door::Door;
pub(crate) use events::Events;
pub(crate) use gate::Gate;
pub(crate) use heard::Heard;
pub(crate) use login::AtIdp;
pub(crate) use raw_service::{RawService, Talk};
pub(crate) use replica::QUICK;
pub(crate) use service::Service;
pub(crate) use time::pass;
pub(crate) use user::{begin as begin_directly, readable_token};

pub(crate) const APP: &str = "https://app.example";
pub(crate) const LISTED: &str = "https://admin.example";
pub(crate) const FRESH_TOKEN: &str = "canary-fresh-token";
pub(crate) const CONTEXT_ISSUER: &str = "https://edge.example";
/// Who is told by context tokens.
pub(crate) const AUDIENCE: &str = "https://told.internal";
/// RFC 8037 appendix A.1.
pub(crate) const CONTEXT_KEY: &str = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
pub(crate) const KEY: &str = "k1:AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";

/// Journeys are many from one address; those about limits write their own.
const NO_LIMITS: &str = "rate_limits: { login: off, auth_post: off, session: off, proxy: off, \
                         backchannel: off, telemetry: off }\n";

/// Everything that a journey meets.
pub(crate) struct World {
    pub(crate) app: Arc<App>,
    pub(crate) idp: MockAs,
    /// Before the IdP's token endpoint; open unless closed.
    pub(crate) gate: Gate,
    pub(crate) service: Service,
    pub(crate) clock: ManualClock,
    store: AnyStore,
    issued: AtomicUsize,
    settings: Vec<(String, String)>,
    config: TempDir,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::with(&[]).await
    }

    /// A world whose `bff` is set up with `changes`.
    pub(crate) async fn with(changes: &[(&str, &str)]) -> Self {
        Self::with_random(changes, Arc::new(SystemRandom)).await
    }

    /// A world of several tenants, with this `tenants.yaml`.
    pub(crate) async fn of_tenants(yaml: &str, changes: &[(&str, &str)]) -> Self {
        let changes = [&[("BFF_DEFAULT_HOST", "")], changes].concat();
        let yaml = yaml.to_owned();
        Self::configured(&changes, |_, service| {
            vec![("routes.yaml", routes(service)), ("tenants.yaml", yaml)]
        })
        .await
    }

    pub(crate) async fn with_random(changes: &[(&str, &str)], random: Arc<dyn Random>) -> Self {
        Self::with_files(changes, random, |_, service| vec![("routes.yaml", routes(service))]).await
    }

    /// A world whose files are those that `files` makes of the issuer and the service's URL.
    pub(crate) async fn configured(
        changes: &[(&str, &str)],
        files: impl FnOnce(&str, &str) -> Vec<(&'static str, String)>,
    ) -> Self {
        Self::with_files(changes, Arc::new(SystemRandom), files).await
    }

    async fn with_files(
        changes: &[(&str, &str)],
        random: Arc<dyn Random>,
        files: impl FnOnce(&str, &str) -> Vec<(&'static str, String)>,
    ) -> Self {
        let idp = MockAs::start().await;
        let gate = Gate::before(&idp.issuer).await;
        idp.metadata(&json!({ "token_endpoint": gate.url("/token") }));
        idp.always("/revoke", Reply::text(200, "text/plain", ""));
        let service = Service::start().await;
        let config = tempfile::tempdir().unwrap();
        std::fs::write(config.path().join("bff.yaml"), NO_LIMITS).unwrap();
        for (name, text) in files(&idp.issuer, &service.url) {
            std::fs::write(config.path().join(name), text).unwrap();
        }
        let fixed = [
            ("REDIS_URL", "memory://"),
            ("BFF_SESSION_KEYS", KEY),
            ("BFF_EDGE_KEYS", KEY),
            ("BFF_TRUSTED_PROXIES", "127.0.0.1/32"),
            ("BFF_CONFIG_DIR", config.path().to_str().unwrap()),
            ("BFF_DEFAULT_HOST", "app.example"),
            ("BFF_CORS_ORIGINS", LISTED),
            ("OIDC_ISSUER", &idp.issuer),
            ("OIDC_CLIENT_ID", "client"),
            ("OIDC_CLIENT_AUTH", "client_secret_post"),
            ("OIDC_CLIENT_SECRET", "canary-client-secret"),
            ("OIDC_DPOP", "off"),
            ("BFF_CONTEXT_KEYS", CONTEXT_KEY),
            ("BFF_CONTEXT_ISSUER", CONTEXT_ISSUER),
        ];
        let pairs = fixed.iter().chain(changes);
        let settings: Vec<(String, String)> =
            pairs.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let clock = ManualClock::at(NOW);
        let store = AnyStore::Memory(MemoryStore::new());
        let app = app(&settings, &store, &clock, random);
        Self {
            app,
            idp,
            gate,
            service,
            clock,
            store,
            issued: AtomicUsize::new(2),
            settings,
            config,
        }
    }

    /// Writes a file of the configuration, for replicas that start from now on.
    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.config.path().join(name), text).unwrap();
    }

    /// What the SPA learns, without extending the session.
    pub(crate) async fn session_of(&self, browser: &Browser) -> Value {
        let answer = browser.get("/api/auth/session?slide=false").send(&self.app).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    pub(crate) async fn is_signed_in(&self, browser: &Browser) -> bool {
        self.session_of(browser).await["authenticated"] == true
    }

    pub(crate) async fn csrf(&self, browser: &Browser) -> String {
        self.session_of(browser).await["csrf_token"].as_str().unwrap().to_owned()
    }

    /// A call of the SPA to a service behind a session.
    pub(crate) async fn call(&self, app: &Arc<App>, browser: &Browser) -> Answer {
        browser.get("/api/orders/1").by_our_page().send(app).await
    }

    /// The answer to a refresh that succeeds.
    pub(crate) fn fresh_tokens(&self) -> Reply {
        Reply::json(
            200,
            json!({
                "access_token": FRESH_TOKEN, "token_type": self.token_type(), "expires_in": 300,
                "refresh_token": "canary-refresh-token-2",
            }),
        )
    }

    /// The refreshes that reached the IdP.
    pub(crate) fn refreshes(&self) -> usize {
        let is_refresh = |grant: Option<&str>| grant == Some("refresh_token");
        let requests = self.idp.seen("/token");
        requests.iter().filter(|request| is_refresh(request.param("grant_type"))).count()
    }

    fn token_type(&self) -> &'static str {
        let first = self.app.config.tenancy.tenants.first();
        let is_off = first.is_none_or(|tenant| tenant.login.oidc.dpop == Mode::Off);
        if is_off { "Bearer" } else { "DPoP" }
    }
}

fn app(
    settings: &[(String, String)],
    store: &AnyStore,
    clock: &ManualClock,
    random: Arc<dyn Random>,
) -> Arc<App> {
    let mut settings = Settings::from_pairs(settings.iter().cloned());
    let config = Config::read(&mut settings, true);
    let (config, _) = settings.finish(config).unwrap();
    App::new(config, store.clone(), Arc::new(clock.clone()), random, Shutdown::new()).unwrap()
}

fn routes(service: &str) -> String {
    let mut yaml = format!(
        "version: \"1.0\"\nservices:\n  api: {{ base_url: \"{service}/base\", timeout: 5s }}\n  \
         gone: {{ base_url: \"http://127.0.0.1:1\" }}\n  told: {{ base_url: \"{service}/told\", \
         audience: \"{AUDIENCE}\", token: context }}\n  plain: {{ base_url: \"{service}/plain\", \
         token: none }}\nroutes:\n"
    );
    for route in [
        "id: orders, path: /api/orders/*, target_service: api, upstream_path: \"/orders/{path}\", \
         methods: [GET, POST, DELETE], auth: session",
        "id: strict, path: /api/strict, target_service: api, methods: [GET], auth: session, \
         csrf: strict",
        "id: admin, path: /api/admin, target_service: api, methods: [GET], auth: session, \
         roles: { any: [ADMIN] }",
        "id: maybe, path: /api/maybe, target_service: api, methods: [GET], auth: optional",
        "id: public, path: /api/public, target_service: api, methods: [GET, POST], auth: none",
        "id: told, path: /api/told, target_service: told, methods: [GET], auth: optional",
        "id: plain, path: /api/plain, target_service: plain, methods: [GET], auth: session",
        "id: gone, path: /api/gone, target_service: gone, methods: [GET], auth: none",
    ] {
        yaml.push_str("  - { ");
        yaml.push_str(route);
        yaml.push_str(" }\n");
    }
    yaml
}
