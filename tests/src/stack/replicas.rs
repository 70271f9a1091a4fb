//! Replicas: what is asked of one of them alone, as Traefik would ask it, and what all of them say.

use std::net::SocketAddr;

use futures_util::{StreamExt as _, stream};
use http::Method;
use serde_json::Value;

use super::{COOKIE, Stack};
use crate::agent::{Agent, Call, Reply};
use crate::program::{Environment, Program};
use crate::scratch::Scratch;
use crate::traefik::HOST;
use crate::{clock, idp, ports};

/// A replica beside the first.
#[derive(Debug)]
pub struct Replica {
    /// The program.
    pub program: Program,
    /// Where it answers.
    pub address: SocketAddr,
}

impl Replica {
    /// Starts a program, given with the prefix of its variables, on addresses of its own.
    pub(super) async fn start(
        (name, prefix): (&str, &str),
        first: Environment,
        scratch: &Scratch,
        agent: &Agent,
    ) -> Self {
        let (address, admin) = (ports::free(), ports::free());
        let environment = first
            .set(&format!("{prefix}_LISTEN"), address)
            .set(&format!("{prefix}_ADMIN_LISTEN"), admin);
        let log = format!("{name}-2");
        let program = Program::start_as(name, &log, environment, admin, scratch, agent).await;
        Self { program, address }
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        clock::forget(self.program.process().id());
    }
}

/// A request to one `bff`, as it comes through Traefik from a page of `origin`, for tasks that outlive
/// the borrow of a [`Stack`].
pub fn to_bff<'a>(
    origin: &str,
    bff: SocketAddr,
    agent: &'a Agent,
    method: Method,
    path: &str,
) -> Call<'a> {
    let unsafe_method = !matches!(method, Method::GET | Method::HEAD);
    let call = agent
        .fetch(method, &format!("http://{HOST}:{}{path}", bff.port()))
        .header("x-forwarded-proto", "https")
        .header("x-forwarded-host", origin.trim_start_matches("https://"))
        .header("x-forwarded-for", "127.0.0.1");
    if unsafe_method { call.header("origin", origin) } else { call }
}

impl Stack {
    /// Where each `bff` answers, the first one first.
    pub fn bffs(&self) -> Vec<SocketAddr> {
        let second = self.second_bff.iter().map(|replica| replica.address);
        std::iter::once(self.bff_address).chain(second).collect()
    }

    /// Where each verify answers.
    pub fn verifies(&self) -> Vec<SocketAddr> {
        let second = self.second_verify.iter().map(|replica| replica.address);
        std::iter::once(self.verify).chain(second).collect()
    }

    /// A request to one `bff`, as it comes from a page of ours through Traefik.
    pub fn to_bff<'a>(
        &self,
        bff: SocketAddr,
        agent: &'a Agent,
        method: Method,
        path: &str,
    ) -> Call<'a> {
        to_bff(&self.origin, bff, agent, method, path)
    }

    /// A navigation to one `bff`, as it comes through Traefik.
    pub fn visit_bff<'a>(&self, bff: SocketAddr, agent: &'a Agent, path: &str) -> Call<'a> {
        self.to_bff(bff, agent, Method::GET, path)
            .header("accept", "text/html")
            .header("sec-fetch-mode", "navigate")
            .header("sec-fetch-dest", "document")
            .header("sec-fetch-site", "none")
    }

    /// Asks verify directly, as Traefik would for a GET of `path` with the agent's cookie.
    pub fn ask_verify<'a>(&self, agent: &'a Agent, path: &str) -> Call<'a> {
        self.ask_verify_at(self.verify, agent, path)
    }

    /// The same of one verify.
    pub fn ask_verify_at<'a>(&self, verify: SocketAddr, agent: &'a Agent, path: &str) -> Call<'a> {
        let cookie = agent.cookies().get(COOKIE).map(|stored| format!("{COOKIE}={}", stored.value));
        let call = agent
            .get(&format!("https://localhost:{}/auth/verify", verify.port()))
            .header("x-forwarded-method", "GET")
            .header("x-forwarded-proto", "https")
            .header("x-forwarded-host", self.origin.trim_start_matches("https://"))
            .header("x-forwarded-uri", path)
            .header("x-forwarded-for", "127.0.0.1");
        match cookie {
            Some(cookie) => call.header("cookie", &cookie),
            None => call,
        }
    }

    /// Signs in without Traefik, whose limits a test with hundreds of users would meet: the login
    /// begins at one `bff` and comes back to the other, if there are two.
    ///
    /// # Panics
    /// When no session comes of it.
    pub async fn sign_in_directly(&self, agent: &Agent, user: &str) {
        let last = self.bffs().pop().expect("at least one");
        self.sign_in_over(agent, user, self.bff_address, last).await;
    }

    /// The same over replicas of the test's choice: one where it begins, one where it ends.
    ///
    /// # Panics
    /// When no session comes of it.
    pub async fn sign_in_over(&self, agent: &Agent, user: &str, from: SocketAddr, to: SocketAddr) {
        let callback = self.up_to_the_callback(agent, user, from).await;
        let landed = self.visit_bff(to, agent, &callback).send().await;
        assert_eq!(landed.status, 303, "{}", landed.text());
        assert_ne!(self.cookie(agent), "", "{}", landed.text());
    }

    /// As many sessions of one user, each with an agent of its own. The user signs in at the provider
    /// once; the agents share connections.
    pub async fn sign_in_many(&self, user: &str, sessions: usize) -> Vec<Agent> {
        const AT_ONCE: usize = 8;
        let known = self.agent();
        self.sign_in_directly(&known, user).await;
        let others = (1..sessions).map(|_| async {
            let agent = known.tab();
            agent.edit_cookies(|jar| jar.forget(COOKIE));
            self.sign_in_directly(&agent, user).await;
            agent
        });
        let mut agents: Vec<_> = stream::iter(others).buffer_unordered(AT_ONCE).collect().await;
        agents.push(known);
        agents
    }

    /// Goes through a login at one `bff` up to the callback, and returns its path without calling it.
    pub async fn up_to_the_callback(&self, agent: &Agent, user: &str, bff: SocketAddr) -> String {
        let begun = self.visit_bff(bff, agent, "/auth/login?return_to=/").send().await;
        let mut next = begun.location();
        while !next.as_str().starts_with(&self.origin) {
            let reply = agent.visit(next.as_str()).send().await;
            let reply = if reply.status.is_redirection() {
                reply
            } else {
                idp::post_login(agent, &reply, user).await
            };
            next = reply.location();
        }
        format!("{}?{}", next.path(), next.query().unwrap_or_default())
    }

    /// Asks the admin API of the first `bff`, as the actor of `BFF_ADMIN_TOKENS`.
    pub async fn admin(&self, method: Method, path: &str, body: &Value) -> Reply {
        let tokens = self.bff.environment.get("BFF_ADMIN_TOKENS");
        let token = tokens.rsplit(':').next().unwrap_or_default();
        self.agent()
            .request(method, &format!("http://{}{path}", self.bff.admin))
            .header("authorization", &format!("Bearer {token}"))
            .json(body)
            .send()
            .await
    }

    /// The audit events of one name, from the logs of all replicas of both programs.
    pub fn audit(&self, event: &str) -> Vec<Value> {
        self.logs()
            .iter()
            .filter(|(log, _)| log.starts_with("bff") || log.starts_with("forwardauth"))
            .flat_map(|(_, log)| log.lines())
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .filter(|line| line["target"] == "audit" && line["event"] == event)
            .collect()
    }

    /// A metric that counts, of all `bff` together: the sum over all its series whose line contains `labels`.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "all of them are whole, small and positive"
    )]
    pub async fn counted_by_bffs(&self, name: &str, labels: &str) -> u64 {
        let agent = self.agent();
        let second = self.second_bff.as_ref().map(|replica| &replica.program);
        let mut sum = 0.0;
        for program in std::iter::once(&self.bff).chain(second) {
            sum += program.metric(&agent, name, labels).await;
        }
        sum as u64
    }

    /// The keys of the store that begin with `prefix`.
    pub async fn keys(&self, prefix: &str) -> Vec<String> {
        match &self.cluster {
            Some(cluster) => cluster.keys(prefix).await,
            None => self.redis.keys(prefix).await,
        }
    }
}
