//! A real OpenID provider over TLS, with a second port for looking inside and for making trouble.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use http::Method;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::agent::{Agent, Reply};
use crate::process::{Command, Process, command};
use crate::program::Environment;
use crate::scratch::Scratch;
use crate::tls::Ca;
use crate::wire::Wire;
use crate::{place, ports, wait};

/// The audience of the access tokens, and the resource the product asks for.
pub const AUDIENCE: &str = "https://orders.example.test";

/// The secret of the client `bff-basic`; every kind of character that needs escaping is in it.
pub const BASIC_SECRET: &str = "basic-secret: with /odd+chars&=%";

/// The secret of the client `bff-post`.
pub const POST_SECRET: &str = "post-secret";

/// A running provider.
#[derive(Debug)]
pub struct Idp {
    /// The issuer, exactly as in its metadata.
    pub issuer: String,
    /// The only way to it, for browsers and relying parties alike.
    pub wire: Wire,
    process: Process,
    environment: Environment,
    control: String,
    keys: std::path::PathBuf,
    agent: Agent,
}

impl Idp {
    /// Starts the provider for a relying party at `origin`, or at several with blanks between; `knobs` are
    /// the `OP_*` variables of `op.mjs` that differ from the harness' own.
    pub async fn start(scratch: &Scratch, ca: &Ca, origin: &str, knobs: &[(&str, &str)]) -> Self {
        Self::start_as("idp", scratch, ca, origin, knobs).await
    }

    /// The same for one of several, which is called `name` in files and logs.
    pub async fn start_as(
        name: &str,
        scratch: &Scratch,
        ca: &Ca,
        origin: &str,
        knobs: &[(&str, &str)],
    ) -> Self {
        let leaf = ca.issue(name, &["localhost", "127.0.0.1"]);
        let (front, control): (SocketAddr, SocketAddr) = (ports::free(), ports::free());
        let wire = Wire::to(front);
        let issuer = format!("https://localhost:{}", wire.address.port());
        let keys = scratch.directory(&format!("{name}-keys"));
        let environment = Environment::default()
            .set("OP_PORT", front.port())
            .set("OP_ADMIN_PORT", control.port())
            .set("OP_ISSUER", &issuer)
            .set("OP_TLS_CERT", leaf.certificate.display())
            .set("OP_TLS_KEY", leaf.key.display())
            .set("OP_TLS_CLIENT_CA", ca.file().display())
            .set("OP_KEYDIR", keys.display())
            .set("OP_RP_ORIGINS", origin)
            // Back-channel logout goes to the relying party, whose certificate is ours.
            .set("NODE_EXTRA_CA_CERTS", ca.file().display())
            .set("OP_DPOP_NONCE", "off")
            .set("OP_AT_TTL", "3600");
        let mut environment = knobs
            .iter()
            .fold(environment, |environment, (knob, value)| environment.set(knob, value));
        let self_signed = scratch.path().join("bff-mtls-self.pem");
        if self_signed.exists() {
            environment = environment.set("OP_MTLS_SELF_CERT", self_signed.display());
        }
        let process = Process::start(name, node(&environment), scratch.path());
        let control = format!("http://{control}");
        let agent = Agent::new(ca);
        let mut idp = Self { issuer, wire, process, environment, control, keys, agent };
        idp.ready().await;
        idp
    }

    /// Ends the provider with `kill -9`.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again. What it had stored is there again with the knob `OP_KEEP`.
    pub async fn restart(&mut self) {
        self.process.start_again(node(&self.environment));
        self.ready().await;
    }

    /// Stops its clock: connections stay open and nothing answers.
    pub fn freeze(&self) {
        self.process.signal(Signal::STOP);
    }

    /// Ends a freeze.
    pub fn thaw(&self) {
        self.process.signal(Signal::CONT);
    }

    // By the control port, which is there after the other: the line may be cut.
    async fn ready(&mut self) {
        let state = format!("{}/state", self.control);
        let agent = &self.agent;
        self.process
            .ready(async || {
                agent.get(&state).try_send().await.ok().filter(|reply| reply.status == 200)
            })
            .await;
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

    /// How often it was given each refresh token to work with, by a hash of the token. What it refused
    /// with an error that a test planted is not among them.
    pub async fn spent(&self) -> BTreeMap<String, u64> {
        let spent = self.state().await["spent"].clone();
        let spent: serde_json::Map<_, _> = serde_json::from_value(spent).expect("an object");
        spent.into_iter().map(|(token, times)| (token, times.as_u64().unwrap_or(0))).collect()
    }

    /// The most that any one refresh token was spent.
    pub async fn spent_at_most(&self) -> u64 {
        self.spent().await.into_values().max().unwrap_or(0)
    }

    /// How many refresh tokens it would still take.
    pub async fn refresh_tokens(&self) -> u64 {
        self.state().await["store"]["RefreshToken"].as_u64().unwrap_or(0)
    }

    /// Waits until a fault with `hold` holds a request.
    pub async fn holds(&self) {
        wait::until("the provider holds a request", wait::START, async || {
            self.state().await["held"].as_u64().filter(|held| *held > 0)
        })
        .await;
    }

    /// Lets the requests go that are held.
    pub async fn release(&self) {
        self.control("release", &json!({})).await;
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

    /// Makes the next `count` requests to a path fail as told: `status` and `body`, `delay_ms`, `hold`,
    /// `drop`; with `after` only once the provider has done its work; `slow_ms`. See `op.mjs`.
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

fn node(environment: &Environment) -> Command {
    let mut node = command("node");
    node.args(["--no-warnings", "--preserve-symlinks", "--preserve-symlinks-main"])
        .arg(place::part("node/tests/parts/oidc-provider/op.mjs"))
        .envs(environment.iter());
    node
}

/// Fills in the login form on `page` and follows the redirects that come of it.
///
/// # Panics
/// When the page is not the provider's login form.
pub async fn submit_login(agent: &Agent, page: &Reply, user: &str) -> Reply {
    let reply = post_login(agent, page, user).await;
    agent.follow(reply).await
}

/// Fills in the login form on `page` and returns the answer.
///
/// # Panics
/// When the page is not the provider's login form.
pub async fn post_login(agent: &Agent, page: &Reply, user: &str) -> Reply {
    let html = page.text();
    let action = html
        .split_once("action=\"")
        .and_then(|(_, rest)| rest.split_once('"'))
        .unwrap_or_else(|| panic!("no login form at {}: {} {html}", page.url, page.status))
        .0;
    let target = page.url.join(action).expect("the action is a URL");
    agent
        .request(Method::POST, target.as_str())
        .header("sec-fetch-mode", "navigate")
        .header("accept", "text/html")
        .form(&[("login", user), ("password", "x")])
        .send()
        .await
}
