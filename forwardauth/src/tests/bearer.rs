//! Bearer tokens where a policy takes them: the token alone decides.

mod files;
mod policies;
mod refused;

use std::convert::Infallible;

use super::gate::{Answer, Gate, Question, question};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use session::any::AnyStore;
use shell::clock::Clock as _;
use shell::listen::{self, Limits};
use shell::shutdown::Shutdown;
use tempfile::TempDir;
use tokio::sync::watch;
use validator_lib::keysource::Fetch as _;
use validator_lib::testing::{AUDIENCE, ISSUER, Issuer};

const POLICIES: &str = r"
policies:
  api: { bearer: [main], authorization: access }
  plain: { bearer: [main], authorization: none }
  read: { bearer: [main], scopes: { all: ['orders:read'] } }
  admin: { bearer: [main], roles: { any: [ADMIN] }, groups: { all: [staff] } }
  careful: { bearer: [main], acr: [urn:mfa], max_age: 5m }
  tenant: { bearer: [main], tenant: t1 }
  both: { bearer: [main, partner] }
  corpus: { bearer: [bare], scopes: { all: ['orders:read'] } }
  cookie: {}
  mapped: { bearer: [main], headers: { Remote-User: user_id, Remote-Email: email, Remote-Dept: dept, Remote-Tenant: tenant_id } }
  mail: { bearer: [main], email_domains: [example.com] }
";

/// A gate, and the issuer whose keys it fetches over a socket.
pub(super) struct Scene {
    pub(super) gate: Gate,
    pub(super) issuer: Issuer,
    open: watch::Sender<bool>,
    pub(super) url: String,
    pub(super) files: TempDir,
}

impl Scene {
    pub(super) async fn start() -> Self {
        Self::with(&[]).await
    }

    pub(super) async fn with(variables: &[(&str, &str)]) -> Self {
        Self::over(super::backing::empty_store().await, variables)
    }

    pub(super) fn over(store: AnyStore, variables: &[(&str, &str)]) -> Self {
        let issuer = Issuer::new();
        let (open, opened) = watch::channel(true);
        let url = serve(&issuer, opened);
        let files = tempfile::tempdir().unwrap();
        std::fs::write(files.path().join("forwardauth.yaml"), POLICIES).unwrap();
        let idps = format!(
            "idps: [{{ name: main, issuer: '{ISSUER}', audience: '{AUDIENCE}', jwks_url: '{url}', claims_mapping: {{ \
             roles: [realm.roles], permissions: [scope, rights] }} }}, {{ name: partner, issuer: \
             'https://partner.example', audience: '{AUDIENCE}', jwks_url: '{url}' }}, {{ name: bare, issuer: '{ISSUER}', audience: \
             '{AUDIENCE}', jwks_url: '{url}' }}]"
        );
        std::fs::write(files.path().join("idps.yaml"), idps).unwrap();
        let settings = [
            ("BFF_CONFIG_DIR", files.path().to_str().unwrap()),
            ("FORWARDAUTH_BFF_URL", "http://127.0.0.1:1"),
            ("BFF_INTERNAL_TOKEN", "canary"),
            ("FORWARDAUTH_DEADLINE_MS", "2000"),
        ];
        let gate = Gate::over(store, &[&settings, variables].concat());
        let scene = Self { gate, issuer, open, url, files };
        scene.follow();
        scene
    }

    /// Sets the gate's clock by the issuer's.
    fn follow(&self) {
        let clock = &self.gate.clock;
        clock.advance(self.issuer.now().wrapping_sub(clock.unix_seconds()));
    }

    pub(super) async fn ask(&self, question: Question) -> Answer {
        self.gate.ask(question.request()).await
    }

    pub(super) async fn show(&self, policy: &str, token: &str) -> Answer {
        self.ask(shown(policy, token)).await
    }
}

pub(super) fn shown(policy: &str, token: &str) -> Question {
    question(&format!("/auth/forward?policy={policy}"))
        .with("authorization", format!("Bearer {token}"))
}

/// The issuer's keys at an address on this machine.
fn serve(issuer: &Issuer, opened: watch::Receiver<bool>) -> String {
    let listener = listen::bind("127.0.0.1:0".parse().unwrap(), false).unwrap();
    let url = format!("http://{}/jwks", listener.local_addr().unwrap());
    let issuer = issuer.clone();
    let make = move |_| {
        let (issuer, opened) = (issuer.clone(), opened.clone());
        service_fn(move |_: Request<Incoming>| answer(issuer.clone(), opened.clone()))
    };
    tokio::spawn(listen::serve(listener, None, Limits::default(), Shutdown::new(), make));
    url
}

async fn answer(
    issuer: Issuer,
    mut opened: watch::Receiver<bool>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    opened.wait_for(|open| *open).await.unwrap();
    let document = issuer.get(&issuer.jwks_uri()).await;
    let mut response = Response::new(Full::default());
    match document {
        Ok(document) => *response.body_mut() = Full::from(document.body),
        Err(_) => *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE,
    }
    Ok(response)
}

#[tokio::test]
async fn a_good_token_passes_without_a_session() {
    let scene = Scene::start().await;
    let now = scene.issuer.now();
    let mint = scene.issuer.mint().subject("zoë").claim("auth_time", now - 9);
    let token = mint.claim("realm", serde_json::json!({ "roles": ["ADMIN", "a,b"] })).sign();
    let answer = scene.show("api", &token).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    for (name, value) in [
        ("x-user-id", "zo%C3%AB"),
        ("x-session-id", ""),
        ("x-auth-time", &*(now - 9).to_string()),
        ("x-tenant-id", ""),
        ("x-tenant-slug", ""),
        ("x-user-roles", "ADMIN,a%2Cb"),
        ("x-master-flags", ""),
        ("authorization", &*format!("Bearer {token}")),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(answer.headers[name], value, "{name}");
    }
    let silent = scene.show("plain", &token).await;
    assert_eq!(silent.status, StatusCode::OK);
    assert!(!silent.headers.contains_key("authorization"));
    // Keys are fetched once for all of it.
    assert_eq!(scene.issuer.fetches(), 1);
}
