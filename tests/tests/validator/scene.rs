//! A provider, a clock that is moved by hand, and validators that know both.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use e2e::agent::{Agent, Reply};
use e2e::clock;
use e2e::idp::{AUDIENCE, Idp};
use e2e::scratch::Scratch;
use e2e::tls::Ca;
use http::request::Parts;
use http::{Method, Request};
use serde_json::json;
use tokio::sync::{RwLock, RwLockReadGuard};
use validator_lib::http_fetch::HttpFetch;
use validator_lib::validator::Builder;
use validator_lib::{Refusal, Token, Validator};

/// What clients put before the path of the service.
pub(crate) const ORIGIN: &str = "https://orders.wicket.test";

/// A provider and the time.
pub(crate) struct Scene {
    pub(crate) idp: Idp,
    pub(crate) agent: Agent,
    pub(crate) ca: Ca,
    now: Arc<AtomicU64>,
    /// Held for reading while a request is under way that has read the clock.
    standing: RwLock<()>,
    _scratch: Scratch,
}

impl Scene {
    /// Starts a provider that signs with ES256 unless a knob says otherwise, at a moment that lasts until
    /// [`Self::advance`].
    pub(crate) async fn start(knobs: &[(&str, &str)]) -> Self {
        let scratch = Scratch::new();
        let ca = Ca::new(scratch.directory("tls"));
        let ours = [
            ("OP_KEY_ALGS", "ES256"),
            ("OP_ID_ALG", "ES256"),
            ("OP_JARM", "false"),
            ("OP_AT_TTL", "604800"),
        ];
        let knobs: Vec<_> = ours.iter().chain(knobs).copied().collect();
        let idp = Idp::start(&scratch, &ca, "https://app.wicket.test", &knobs).await;
        let now = Arc::new(AtomicU64::new(clock::now()));
        let (agent, standing) = (Agent::new(&ca), RwLock::default());
        let scene = Self { idp, agent, ca, now, standing, _scratch: scratch };
        scene.advance(0).await;
        scene
    }

    /// The time by the clock that provider and validators share.
    pub(crate) fn now(&self) -> u64 {
        self.now.load(Ordering::SeqCst)
    }

    /// Moves the clock on. The provider comes last: nobody shall see a token from the future.
    ///
    /// It waits for requests that hold [`Self::standing`]: to one that has read the clock before, an hour
    /// is gone in a moment, and what others do then lies an hour ahead, which no clock in use ever shows.
    pub(crate) async fn advance(&self, seconds: u64) {
        let _moving = self.standing.write().await;
        let now = self.now.fetch_add(seconds, Ordering::SeqCst) + seconds;
        self.idp.control("clock", &json!({"now": now})).await;
    }

    /// Keeps the clock where it is for as long as what is returned lives.
    pub(crate) async fn standing(&self) -> RwLockReadGuard<'_, ()> {
        self.standing.read().await
    }

    /// A reader of the clock.
    pub(crate) fn clock(&self) -> impl Fn() -> u64 + Send + Sync + 'static {
        let now = Arc::clone(&self.now);
        move || now.load(Ordering::SeqCst)
    }

    /// What opens the connections of a validator.
    pub(crate) fn fetch(&self) -> HttpFetch {
        let roots = std::fs::read(self.ca.file()).expect("the root certificate");
        HttpFetch::with_extra_roots(&roots).expect("a root certificate")
    }

    /// The settings of a validator for `audience`.
    pub(crate) fn settings(&self, audience: &str) -> Builder {
        Validator::discover(self.idp.issuer.as_str(), audience).clock(self.clock())
    }

    /// A validator that knows from the provider's metadata where its keys are.
    pub(crate) async fn validator(&self) -> Validator {
        let settings = self.settings(AUDIENCE);
        settings.discover_with(self.fetch()).await.expect("the provider's metadata")
    }

    /// How often the provider was asked for its keys.
    pub(crate) async fn fetches(&self) -> u64 {
        self.idp.count("GET /jwks").await
    }

    /// A new token for `resource`, by the grant `client_credentials`.
    pub(crate) async fn mint(&self, resource: &str) -> String {
        self.try_mint(&self.agent, resource).await.expect("a token")
    }

    /// The same with the connections of `agent`, and an error where the provider has none to give.
    pub(crate) async fn try_mint(&self, agent: &Agent, resource: &str) -> Result<String, String> {
        let reply = self.grant(agent, "svc-cc", resource, &[]).await?;
        let token = reply.json()["access_token"].as_str().map(str::to_owned);
        token.ok_or_else(|| format!("{} {}", reply.status, reply.text()))
    }

    /// The provider's answer to a client that asks for a token of its own. A client that shows a
    /// certificate has no secret.
    pub(crate) async fn grant(
        &self,
        agent: &Agent,
        client: &str,
        resource: &str,
        headers: &[(&str, &str)],
    ) -> Result<Reply, String> {
        let form = [
            ("grant_type", "client_credentials"),
            ("resource", resource),
            ("scope", "orders:read"),
            ("client_id", client),
        ];
        let call = agent.request(Method::POST, &format!("{}/token", self.idp.issuer)).form(&form);
        let basic = format!("Basic {}", STANDARD.encode(format!("{client}:svc-secret")));
        let secret = (client != "svc-mtls").then_some(("authorization", basic.as_str()));
        let headers = secret.iter().chain(headers);
        headers.fold(call, |call, (name, value)| call.header(name, value)).try_send().await
    }
}

/// A request for `/orders` with these headers.
pub(crate) fn request(headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::get("/orders");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).expect("header values").into_parts().0
}

/// Asks for `/orders` with these headers.
pub(crate) async fn ask(validator: &Validator, headers: &[(&str, &str)]) -> Result<Token, Refusal> {
    validator.check(&request(headers)).await
}

/// Asks for `/orders` with a bearer token.
pub(crate) async fn bear(validator: &Validator, token: &str) -> Result<Token, Refusal> {
    ask(validator, &[("authorization", &format!("Bearer {token}"))]).await
}

/// Whether a request is refused with 401 `invalid_token` for `reason`.
pub(crate) fn is_refused(outcome: &Result<Token, Refusal>, reason: &str) -> bool {
    outcome.as_ref().is_err_and(|refusal| {
        let challenges = refusal.challenges();
        refusal.status() == 401
            && refusal.reason() == reason
            && challenges.iter().any(|challenge| challenge.contains("error=\"invalid_token\""))
    })
}
