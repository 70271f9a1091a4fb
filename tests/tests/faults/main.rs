//! What may happen around a refresh, done to two replicas, a real Redis and a real provider that rotates
//! refresh tokens and ends the whole grant where one is used twice. docs/RELIABILITY.md has a line for
//! each of these tests.
//!
//! Three things hold of every case: no refresh token is spent twice, but for the one retry within
//! `OIDC_REFRESH_GRACE`; no session ends whose refresh token is known to be good; and where one must
//! end, it ends with an audit event, and one login brings the user back.

mod clocks;
mod provider;
mod replicas;
mod store;

use std::net::SocketAddr;

use e2e::agent::{Agent, Reply};
use e2e::stack::{Plan, Stack, to_bff};
use e2e::{clock, wait};
use http::Method;
use serde_json::json;

/// Two replicas and a signed-in user whose access token is dead; new ones last an hour.
struct Expired {
    stack: Stack,
    agent: Agent,
}

impl Expired {
    async fn start(plan: Plan) -> Self {
        let stack = plan.idp("OP_AT_TTL", "1").twice().start().await;
        let agent = stack.agent();
        stack.sign_in_directly(&agent, "alice").await;
        stack.idp.access_token_lifetime(3600).await;
        clock::reach(clock::now() + 2).await;
        assert_eq!(stack.idp.spent_at_most().await, 0, "refreshed by the login");
        Self { stack, agent }
    }

    /// As [`Self::start`], where the provider takes a rotated refresh token once more for a while, and
    /// `bff` knows.
    async fn start_with_grace() -> Self {
        let plan = Stack::plan().idp("OP_REFRESH_GRACE", "60").bff("OIDC_REFRESH_GRACE", "60");
        Self::start(plan).await
    }

    fn first(&self) -> SocketAddr {
        self.stack.bff_address
    }

    fn second(&self) -> SocketAddr {
        self.stack.bffs()[1]
    }

    /// Calls a service, which needs a living access token, through one `bff`.
    async fn call(&self, bff: SocketAddr) -> Reply {
        self.stack.to_bff(bff, &self.agent, Method::GET, "/api/echo/x").send().await
    }

    /// Calls through the first `bff` without waiting for the answer, until the provider holds the
    /// refresh that comes of it.
    async fn call_until_held(&self, how: serde_json::Value) -> tokio::task::JoinHandle<()> {
        self.stack.idp.fault("/token", 1, how).await;
        let (origin, bff, tab) = (self.stack.origin.clone(), self.first(), self.agent.tab());
        let call = tokio::spawn(async move {
            // It may end with the replica.
            drop(to_bff(&origin, bff, &tab, Method::GET, "/api/echo/x").try_send().await);
        });
        self.stack.idp.holds().await;
        call
    }

    /// The session lives on, on both replicas and for verify, with one access token for all.
    async fn lives(&self) {
        for bff in self.stack.bffs() {
            wait::until("calls work again", wait::START, async || {
                let reply = self.call(bff).await;
                let status = reply.status.as_u16();
                assert!(matches!(status, 200 | 502..=504), "{status}: {}", reply.text());
                (status == 200).then_some(())
            })
            .await;
        }
        self.stack.upstream.take();
        for bff in self.stack.bffs() {
            assert_eq!(self.call(bff).await.status, 200);
        }
        let sent = self.stack.upstream.take();
        assert_eq!(sent[0].header("authorization"), sent[1].header("authorization"));
        assert_eq!(self.stack.ask_verify(&self.agent, "/app/").send().await.status, 200);
        assert!(
            self.stack.audit("session.revoked").is_empty(),
            "{:?}",
            self.stack.audit("session.revoked")
        );
        assert!(self.stack.audit("session.refresh_lost").is_empty());
    }

    /// The session has ended everywhere, for `reason`, and one login brings the user back.
    async fn ended(&self, reason: &str) {
        for bff in self.stack.bffs() {
            let reply = self.call(bff).await;
            assert_eq!(reply.status, 401, "{}", reply.text());
            assert!(reply.json()["login_url"].is_string(), "{}", reply.text());
        }
        for verify in self.stack.verifies() {
            assert_eq!(
                self.stack.ask_verify_at(verify, &self.agent, "/app/").send().await.status,
                401
            );
        }
        assert!(self.stack.keys("bff:session:").await.is_empty());
        let ends = self.stack.audit("session.revoked");
        assert_eq!(ends.len(), 1, "{ends:?}");
        assert_eq!(ends[0]["reason"], reason, "{ends:?}");
        let counted = format!("reason=\"{reason}\"");
        assert_eq!(self.stack.counted_by_bffs("bff_token_refresh_failed_total", &counted).await, 1);
        assert_eq!(self.stack.counted_by_bffs("bff_sessions_ended_total", &counted).await, 1);
        self.back_after_one_login().await;
    }

    /// One login, and everything works: no loop, no left-over that ends the new session.
    async fn back_after_one_login(&self) {
        let logins = self.stack.idp.count("grant authorization_code").await;
        self.stack.sign_in_directly(&self.agent, "alice").await;
        for bff in self.stack.bffs() {
            let reply = self.call(bff).await;
            assert_eq!(reply.status, 200, "{}", reply.text());
            let session = self.stack.to_bff(bff, &self.agent, Method::GET, "/api/auth/session");
            assert_eq!(session.send().await.json()["authenticated"], true);
        }
        assert_eq!(self.stack.ask_verify(&self.agent, "/app/").send().await.status, 200);
        assert_eq!(self.stack.idp.count("grant authorization_code").await, logins + 1);
    }

    /// The loss is on record, once.
    fn told_as_lost(&self) {
        let lost = self.stack.audit("session.refresh_lost");
        assert_eq!(lost.len(), 1, "{lost:?}");
    }

    async fn spent_at_most(&self, times: u64) {
        let spent = self.stack.idp.spent().await;
        assert!(spent.values().all(|spent| *spent <= times), "{spent:?}");
        // The first token was given to the provider at all.
        assert!(!spent.is_empty());
    }

    async fn refreshes(&self) -> u64 {
        self.stack.idp.count("grant refresh_token").await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c50_a_browser_that_hangs_up_mid_refresh_loses_nothing() {
    let expired = Expired::start(Stack::plan()).await;
    let call = expired.call_until_held(json!({"hold": true, "after": true})).await;
    call.abort();
    // The other replica, asked meanwhile, waits for the result and does not spend the token.
    let (other, ()) = tokio::join!(expired.call(expired.second()), expired.stack.idp.release());
    assert_eq!(other.status, 200, "{}", other.text());
    expired.lives().await;
    expired.spent_at_most(1).await;
    assert_eq!(expired.refreshes().await, 1);
}
