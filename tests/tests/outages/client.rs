//! Who asks, what, and what may be answered.

use std::net::Ipv4Addr;
use std::time::Duration;

use e2e::agent::{Agent, Reply};
use e2e::stack::Stack;
use http::Method;
use serde_json::Value;
use tokio::time::Instant;

/// After which a client gives up; far beyond what any part of ours waits for.
const PATIENCE: Duration = Duration::from_secs(6);

/// What a client who wants to be somebody else says about itself.
const SPOOFED: [(&str, &str); 5] = [
    ("x-user-id", "mallory"),
    ("x-session-id", "mallory"),
    ("x-user-roles", "ADMIN"),
    ("remote-user", "mallory"),
    ("x-forwarded-user", "mallory"),
];

/// Whose requests they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// A session that lives all the time.
    Live,
    /// The same, with an access token of a few seconds, so that it is refreshed all the time.
    Renewing,
    /// A session that is ended while the fault lasts.
    Ending,
    /// A session that was ended before.
    Ended,
    /// Nobody's.
    Nobody,
}

/// By which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// To a service behind verify.
    Verify,
    /// To a service behind the proxy of `bff`.
    Proxy,
}

/// One answer.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) who: Who,
    pub(crate) way: Way,
    pub(crate) sent: Instant,
    pub(crate) heard: Instant,
    /// 0 where none came.
    pub(crate) status: u16,
    /// The code of a problem, or what became of the request.
    pub(crate) said: String,
    /// 2xx, and the service was told that it is somebody else.
    pub(crate) is_wrong: bool,
}

/// A user agent with an address of its own, for Traefik limits requests by it.
pub(crate) struct Client {
    pub(crate) who: Who,
    agent: Agent,
    origin: String,
    csrf: String,
    user: String,
    /// What services are told of the session; the same in every answer of verify.
    session: String,
}

impl Client {
    /// Somebody without a session.
    pub(crate) fn nobody(stack: &Stack) -> Self {
        let agent = Agent::from_address(&stack.ca, Ipv4Addr::new(127, 0, 3, 250));
        let nothing = String::new;
        let origin = stack.origin.clone();
        Self {
            who: Who::Nobody,
            agent,
            origin,
            csrf: nothing(),
            user: nothing(),
            session: nothing(),
        }
    }

    /// A user who is signed in. The CSRF token is the session's; verify says what the session is called.
    pub(crate) async fn signed_in(stack: &Stack, who: Who, number: u8) -> Self {
        let agent = Agent::from_address(&stack.ca, Ipv4Addr::new(127, 0, 3, number));
        let user = format!("user-{number}");
        stack.sign_in(&agent, &user, "/").await;
        let session = stack.session(&agent).await;
        let csrf = session["csrf_token"].as_str().expect("a CSRF token").to_owned();
        let mut client =
            Self { who, agent, origin: stack.origin.clone(), csrf, user, session: String::new() };
        let reply = client.call(Way::Verify, false).send().await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()["session"].as_str().expect("told").clone_into(&mut client.session);
        assert!(client.is_told_right(Way::Verify, &reply) && !client.session.is_empty());
        client
    }

    /// The key of the session in the store.
    pub(crate) fn key(&self, stack: &Stack) -> String {
        stack.session_key(&stack.cookie(&self.agent))
    }

    /// The same user agent, which does not learn that its session ends.
    pub(crate) fn unaware(&self) -> Self {
        Self {
            who: self.who,
            agent: self.agent.tab(),
            origin: self.origin.clone(),
            csrf: self.csrf.clone(),
            user: self.user.clone(),
            session: self.session.clone(),
        }
    }

    /// One request, by turns along each way, and every other time with headers of somebody else.
    pub(crate) async fn ask(&self, turn: u32) -> Seen {
        let way = if turn.is_multiple_of(2) { Way::Verify } else { Way::Proxy };
        self.seen(way, turn % 4 >= 2).await
    }

    /// One request along a way.
    pub(crate) async fn seen(&self, way: Way, is_spoofed: bool) -> Seen {
        let sent = Instant::now();
        let answer = self.call(way, is_spoofed).within(PATIENCE).try_send().await;
        let heard = Instant::now();
        let (status, said, is_wrong) = match answer {
            Ok(reply) => {
                let is_wrong = reply.status.is_success() && !self.is_told_right(way, &reply);
                let problem = serde_json::from_slice::<Value>(&reply.body).unwrap_or_default();
                let code = problem["code"].as_str().unwrap_or_default().to_owned();
                let said = if is_wrong { reply.text() } else { code };
                (reply.status.as_u16(), said, is_wrong)
            }
            Err(error) => (0, error, false),
        };
        Seen { who: self.who, way, sent, heard, status, said, is_wrong }
    }

    /// Signs out; whether it is known to be done.
    pub(crate) async fn sign_out(&self) -> bool {
        let call = self.agent.fetch(Method::POST, &format!("{}/auth/logout", self.origin));
        let call = call.header("x-csrf-token", &self.csrf).within(Duration::from_secs(1));
        call.try_send().await.is_ok_and(|reply| reply.status.is_success())
    }

    /// Renews what the session has, and says what was answered.
    pub(crate) async fn renew(&self) -> Result<Reply, String> {
        let call = self.agent.fetch(Method::POST, &format!("{}/api/auth/refresh", self.origin));
        call.header("x-csrf-token", &self.csrf).within(PATIENCE).try_send().await
    }

    fn call(&self, way: Way, is_spoofed: bool) -> e2e::agent::Call<'_> {
        let path = match way {
            Way::Verify => "/app/x",
            Way::Proxy => "/api/things/x",
        };
        let call = self.agent.fetch(Method::GET, &format!("{}{path}", self.origin));
        let spoofed = if is_spoofed { &SPOOFED[..] } else { &[] };
        spoofed.iter().fold(call, |call, (name, value)| call.header(name, value))
    }

    fn is_told_right(&self, way: Way, reply: &Reply) -> bool {
        let Ok(told) = serde_json::from_slice::<Value>(&reply.body) else { return false };
        // `bff` tells services no name of the session.
        let is_session = match way {
            Way::Verify => self.session.is_empty() || told["session"] == *self.session,
            Way::Proxy => told["session"] == "",
        };
        told["user"] == *self.user && is_session
    }
}
