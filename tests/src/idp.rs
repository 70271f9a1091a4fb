//! A real OpenID provider over TLS, with a second port for looking inside and for making trouble.

use std::net::SocketAddr;

use http::Method;
use serde_json::{Value, json};

use crate::agent::{Agent, Reply};
use crate::process::{Process, command};
use crate::scratch::Scratch;
use crate::tls::Ca;
use crate::{place, ports};

/// The audience of the access tokens, and the resource the product asks for.
pub const AUDIENCE: &str = "https://orders.example.test";

/// The secret of the client `bff-basic`; every kind of character that needs escaping is in it.
pub const BASIC_SECRET: &str = "basic-secret: with /odd+chars&=%";

/// A running provider.
#[derive(Debug)]
pub struct Idp {
    /// The issuer, exactly as in its metadata.
    pub issuer: String,
    process: Process,
    control: String,
    keys: std::path::PathBuf,
    agent: Agent,
}

impl Idp {
    /// Starts the provider for a relying party at `origin`; `knobs` are the `OP_*` variables of
    /// `op.mjs` that differ from the harness' own.
    pub async fn start(scratch: &Scratch, ca: &Ca, origin: &str, knobs: &[(&str, &str)]) -> Self {
        let leaf = ca.issue("idp", &["localhost", "127.0.0.1"]);
        let (front, control): (SocketAddr, SocketAddr) = (ports::free(), ports::free());
        let issuer = format!("https://localhost:{}", front.port());
        let keys = scratch.directory("idp-keys");
        let mut node = command("node");
        node.args(["--no-warnings", "--preserve-symlinks", "--preserve-symlinks-main"])
            .arg(place::part("node/tests/parts/oidc-provider/op.mjs"))
            .env("OP_PORT", front.port().to_string())
            .env("OP_ADMIN_PORT", control.port().to_string())
            .env("OP_ISSUER", &issuer)
            .env("OP_TLS_CERT", &leaf.certificate)
            .env("OP_TLS_KEY", &leaf.key)
            .env("OP_KEYDIR", &keys)
            .env("OP_RP_ORIGINS", origin)
            // Back-channel logout goes to the relying party, whose certificate is ours.
            .env("NODE_EXTRA_CA_CERTS", ca.file())
            .env("OP_DPOP_NONCE", "off")
            .env("OP_AT_TTL", "3600")
            .envs(knobs.iter().copied());
        let process = Process::start("idp", node, scratch.path());
        let control = format!("http://{control}");
        let mut idp = Self { issuer, process, control, keys, agent: Agent::new(ca) };
        let health = format!("{}/healthz", idp.issuer);
        idp.process
            .ready(async || {
                idp.agent.get(&health).try_send().await.ok().filter(|reply| reply.status == 200)
            })
            .await;
        idp
    }

    /// The private key of the clients that authenticate with one, as PKCS#8 PEM.
    pub fn client_key(&self) -> std::path::PathBuf {
        self.keys.join("rp-private.pem")
    }

    /// How often something happened, by the provider's own counting: `POST /token`,
    /// `grant refresh_token`, …
    pub async fn count(&self, what: &str) -> u64 {
        self.state().await["count"][what].as_u64().unwrap_or(0)
    }

    /// The provider's own view of itself.
    pub async fn state(&self) -> Value {
        self.agent.get(&format!("{}/state", self.control)).send().await.json()
    }

    /// Every code, token, verifier and assertion it has seen, as `[kind, value]`.
    pub async fn secrets(&self) -> Vec<(String, String)> {
        let secrets = self.agent.get(&format!("{}/secrets", self.control)).send().await.json();
        let pair =
            |entry: &Value| Some((entry[0].as_str()?.to_owned(), entry[1].as_str()?.to_owned()));
        secrets.as_array().into_iter().flatten().filter_map(pair).collect()
    }

    /// Sends a command to the control port: `fault`, `knobs`, `rotate`, `dpop-nonce`, `account`, …
    pub async fn control(&self, command: &str, body: &Value) -> Value {
        let reply = self
            .agent
            .request(Method::POST, &format!("{}/{command}", self.control))
            .json(body)
            .send()
            .await;
        assert_eq!(reply.status, 200, "{command}: {}", reply.text());
        reply.json()
    }

    /// Makes the next `count` requests to a path fail as told: `status`, `delay_ms`, `drop`, `body`.
    pub async fn fault(&self, path: &str, count: u32, mut how: Value) {
        how["match"] = json!(path);
        how["count"] = json!(count);
        self.control("fault", &how).await;
    }

    /// Changes the lifetime of the access tokens it issues from now on, in seconds.
    pub async fn access_token_lifetime(&self, seconds: u32) {
        self.control("knobs", &json!({"ttl": {"at": seconds}})).await;
    }
}

/// Fills in the login form on `page` and follows the redirects that come of it.
///
/// # Panics
/// When the page is not the provider's login form.
pub async fn submit_login(agent: &Agent, page: &Reply, user: &str) -> Reply {
    let html = page.text();
    let action = html
        .split_once("action=\"")
        .and_then(|(_, rest)| rest.split_once('"'))
        .unwrap_or_else(|| panic!("no login form at {}: {} {html}", page.url, page.status))
        .0;
    let target = page.url.join(action).expect("the action is a URL");
    let reply = agent
        .request(Method::POST, target.as_str())
        .header("sec-fetch-mode", "navigate")
        .header("accept", "text/html")
        .form(&[("login", user), ("password", "x")])
        .send()
        .await;
    agent.follow(reply).await
}
