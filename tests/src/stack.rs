//! Everything together: Traefik in front, the BFF and verify, Redis and the OpenID provider, a
//! protected service, an API and the pages of a single-page application.

mod files;
mod plan;
mod replicas;
mod start;

use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::Method;
use ring::rand::{SecureRandom as _, SystemRandom};

use crate::agent::{Agent, Reply};
use crate::browser::Browser;
use crate::canary::Canaries;
use crate::cluster::Cluster;
use crate::idp::{self, Idp};
use crate::postgres::Postgres;
use crate::program::Program;
use crate::redis::{self, Redis};
use crate::scratch::Scratch;
use crate::service::Service;
use crate::tls::Ca;
use crate::traefik::Traefik;

pub use plan::Plan;
pub use replicas::{Replica, to_bff};

/// The session cookie's name, where the environment does not change it.
pub const COOKIE: &str = "bff_session";

/// The policies of verify, in the scratch directory.
const POLICIES: &str = "forwardauth-config/forwardauth.yaml";

/// A running deployment. Fields are dropped in order: what asks before what answers.
#[derive(Debug)]
pub struct Stack {
    /// The edge.
    pub traefik: Traefik,
    /// Verify.
    pub forwardauth: Program,
    /// Where verify answers Traefik, over TLS.
    pub verify: SocketAddr,
    /// The Backend-for-Frontend.
    pub bff: Program,
    /// Where the BFF answers Traefik.
    pub bff_address: SocketAddr,
    /// The second `bff`, where the plan says so.
    pub second_bff: Option<Replica>,
    /// The second verify, likewise.
    pub second_verify: Option<Replica>,
    /// The service behind ForwardAuth, at `/app/`.
    pub protected: Service,
    /// The upstream of the BFF's routes under `/api/echo/` and `/api/public/`.
    pub upstream: Service,
    /// The API that checks its tokens, at `/api/orders`.
    pub orders: Service,
    /// The pages at `/`.
    pub pages: Service,
    /// The OpenID provider.
    pub idp: Idp,
    /// The login provider `partner`, where the plan says so.
    pub second_idp: Option<Idp>,
    /// The store.
    pub redis: Redis,
    /// What remembers sessions beside it, where the plan says so.
    pub postgres: Option<Postgres>,
    /// The store in place of [`Self::redis`], where the plan says so.
    pub cluster: Option<Cluster>,
    /// Everyone's authority.
    pub ca: Ca,
    /// Logs and configuration.
    pub scratch: Scratch,
    /// `https://` and the public host with its port.
    pub origin: String,
}

impl Stack {
    /// A deployment with the defaults of the tests, to be changed and started.
    pub fn plan() -> Plan {
        Plan::default()
    }

    /// A deployment with the defaults of the tests.
    pub async fn start() -> Self {
        Self::plan().start().await
    }

    /// An address on the public host.
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// A new user agent.
    pub fn agent(&self) -> Agent {
        Agent::new(&self.ca)
    }

    /// Exchanges the policies of verify, in one moment as a rollout does.
    pub fn write_policies(&self, file: &str) {
        let next = self.scratch.write("forwardauth-config/next", file);
        std::fs::rename(next, self.scratch.path().join(POLICIES)).expect("in one directory");
    }

    /// A new browser.
    pub async fn browser(&self) -> Browser {
        Browser::start(&self.scratch, &self.ca).await
    }

    /// Signs in and returns the page on which the user ends, `return_to`.
    ///
    /// # Panics
    /// When the login does not end there.
    pub async fn sign_in(&self, agent: &Agent, user: &str, return_to: &str) -> Reply {
        let target = format!("/auth/login?return_to={return_to}");
        let form = agent.navigate(&self.at(&target)).await;
        let page = idp::submit_login(agent, &form, user).await;
        assert_eq!(page.url.as_str(), self.at(return_to), "{} {}", page.status, page.text());
        page
    }

    /// A signed-in user agent.
    pub async fn signed_in(&self, user: &str) -> Agent {
        let agent = self.agent();
        self.sign_in(&agent, user, "/").await;
        agent
    }

    /// What the single-page application learns about its session.
    pub async fn session(&self, agent: &Agent) -> serde_json::Value {
        let reply = agent.fetch(Method::GET, &self.at("/api/auth/session")).send().await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }

    /// The value of the agent's session cookie; empty without one.
    pub fn cookie(&self, agent: &Agent) -> String {
        agent.cookies().get(COOKIE).map_or_else(String::new, |stored| stored.value.clone())
    }

    /// The Redis key under which the session of a cookie lies.
    pub fn session_key(&self, cookie: &str) -> String {
        let digest = ring::digest::digest(&ring::digest::SHA256, cookie.as_bytes());
        format!("bff:session:{}", URL_SAFE_NO_PAD.encode(digest))
    }

    /// Sends JSON to an API as the single-page application does, with the CSRF header.
    pub async fn post(&self, agent: &Agent, path: &str, body: &serde_json::Value) -> Reply {
        let session = self.session(agent).await;
        let token = session["csrf_token"].as_str().expect("a signed-in session has a CSRF token");
        agent
            .fetch(Method::POST, &self.at(path))
            .header("x-csrf-token", token)
            .json(body)
            .send()
            .await
    }

    /// The secrets the deployment was given, and those the provider has handed out.
    pub async fn canaries(&self) -> Canaries {
        let mut canaries = Canaries::default();
        for name in ["BFF_SESSION_KEYS", "BFF_EDGE_KEYS"] {
            let (_, key) = self.bff.environment.get(name).split_once(':').expect("kid:key");
            canaries.plant(name, key);
        }
        for name in ["BFF_ADMIN_TOKENS", "BFF_INTERNAL_TOKEN"] {
            let token = self.bff.environment.get(name);
            if !token.is_empty() {
                canaries.plant(name, token.rsplit(':').next().unwrap_or_default());
            }
        }
        canaries.plant("Redis password", redis::PASSWORD);
        canaries.plant("client secret", idp::BASIC_SECRET);
        for (kind, secret) in self.idp.secrets().await {
            canaries.plant(&kind, &secret);
        }
        canaries
    }

    /// The logs of everything that is ours or in front of it, by name.
    pub fn logs(&self) -> Vec<(&'static str, String)> {
        let mut logs = vec![
            ("traefik.log", self.traefik.log()),
            ("forwardauth.log", self.forwardauth.log()),
            ("bff.log", self.bff.log()),
            ("redis.log", self.redis.log()),
        ];
        let second = [("forwardauth-2.log", &self.second_verify), ("bff-2.log", &self.second_bff)];
        for (name, replica) in second {
            logs.extend(replica.iter().map(|replica| (name, replica.program.log())));
        }
        logs
    }
}

/// A fresh 256-bit key in the form the programs take.
pub fn key() -> String {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).expect("the system has randomness");
    STANDARD.encode(bytes)
}
