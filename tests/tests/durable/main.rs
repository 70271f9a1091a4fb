//! Sessions outlive Redis (`DATABASE_URL`): Redis and PostgreSQL are killed, frozen and emptied at every step of a session's
//! life, of two replicas.
//!
//! Three things hold of every case: a living session is never told to sign in, one that was ended never opens anything
//! again once the stores are together, and no refresh token is spent twice.

mod away;
mod lost;
mod rest;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use e2e::agent::{Agent, Reply};
use e2e::postgres::Postgres;
use e2e::stack::{Plan, Stack};
use e2e::{clock, wait};
use http::Method;

/// By when the stores are together again, on a busy machine.
const TOGETHER: Duration = Duration::from_mins(1);

/// Two replicas of each program, with both stores.
struct Scene {
    stack: Stack,
}

impl Scene {
    async fn start() -> Self {
        Self::of(Stack::plan()).await
    }

    async fn of(plan: Plan) -> Self {
        let scene = Self { stack: plan.durable().twice().start().await };
        scene.complete().await;
        scene
    }

    /// Waits until Redis says that it knows every session.
    async fn complete(&self) {
        wait::until("redis is complete", TOGETHER, async || {
            (self.stack.redis.keys("bff:note:complete").await.len() == 1).then_some(())
        })
        .await;
    }

    fn postgres(&mut self) -> &mut Postgres {
        self.stack.postgres.as_mut().expect("the plan says so")
    }

    async fn signed_in(&self, user: &str) -> Agent {
        let agent = self.stack.agent();
        self.stack.sign_in_directly(&agent, user).await;
        agent
    }

    /// Waits until PostgreSQL was told all: on a busy machine it may have been too slow for a write.
    async fn told(&self) {
        // What the gauges say is half a second old.
        const FOR_CERTAIN: Duration = Duration::from_secs(1);
        let mut since = None;
        wait::until("PostgreSQL was told", TOGETHER, async || {
            let waiting = self.counted("bff_database_writes_waiting").await;
            let up = self.counted("bff_database_up").await;
            if waiting > 0 || up < 2 {
                since = None;
                return None;
            }
            (since.get_or_insert_with(Instant::now).elapsed() >= FOR_CERTAIN).then_some(())
        })
        .await;
    }

    /// Redis dies once PostgreSQL was told all, and comes back with nothing.
    async fn redis_loses_all(&mut self) {
        self.told().await;
        self.redis_is_emptied().await;
    }

    async fn redis_is_emptied(&mut self) {
        self.stack.redis.kill();
        self.stack.redis.restart_empty().await;
    }

    async fn call(&self, bff: SocketAddr, agent: &Agent) -> Reply {
        self.stack.to_bff(bff, agent, Method::GET, "/api/echo/x").send().await
    }

    /// What each program says to `agent` now, by its own name.
    async fn answers(&self, agent: &Agent) -> Vec<(&'static str, u16)> {
        let mut answers = Vec::new();
        for verify in self.stack.verifies() {
            let reply = self.stack.ask_verify_at(verify, agent, "/app/").send().await;
            answers.push(("verify", reply.status.as_u16()));
        }
        for bff in self.stack.bffs() {
            answers.push(("bff", self.call(bff, agent).await.status.as_u16()));
        }
        answers
    }

    /// The session lives: soon everybody says so, and until then nobody says that it does not.
    async fn lives(&self, agent: &Agent) {
        wait::until("the session is let in", TOGETHER, async || {
            let answers = self.answers(agent).await;
            let known = |status: u16| matches!(status, 200 | 502..=504);
            assert!(answers.iter().all(|(_, status)| known(*status)), "{answers:?}");
            answers.iter().all(|(_, status)| *status == 200).then_some(())
        })
        .await;
    }

    /// The session has ended: soon nobody lets it in any more, and that stays so.
    async fn has_ended(&self, agent: &Agent) {
        wait::until("the session is turned away", TOGETHER, async || {
            let answers = self.answers(agent).await;
            answers.iter().all(|(_, status)| *status == 401).then_some(())
        })
        .await;
        // Longer than the keeper takes to bring back what it has.
        clock::reach(clock::now() + 3).await;
        let answers = self.answers(agent).await;
        assert!(answers.iter().all(|(_, status)| *status == 401), "it came back: {answers:?}");
    }

    /// Signs `agent` out at the first `bff`; its tab with the cookie is returned.
    async fn sign_out(&self, agent: &Agent) -> (Reply, Agent) {
        let (bff, kept) = (self.stack.bff_address, agent.tab());
        let session = self.stack.to_bff(bff, agent, Method::GET, "/api/auth/session").send().await;
        assert_eq!(session.status, 200, "{}", session.text());
        let token = session.json()["csrf_token"].as_str().expect("signed in").to_owned();
        let logout = self.stack.to_bff(bff, agent, Method::POST, "/auth/logout");
        (logout.header("x-csrf-token", &token).send().await, kept)
    }

    /// Waits until `name` is one or more, which the programs write down twice a second.
    async fn is_counted(&self, name: &str) {
        wait::until(name, TOGETHER, async || (self.counted(name).await >= 1).then_some(())).await;
    }

    async fn counted(&self, name: &str) -> u64 {
        self.stack.counted_by_bffs(name, "").await
    }

    /// No refresh token was given to the provider twice.
    async fn spent_once(&self) {
        assert!(self.stack.idp.spent_at_most().await <= 1, "{:?}", self.stack.idp.spent().await);
    }
}
