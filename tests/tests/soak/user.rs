//! One user: signs in, does a bit of everything, leaves in one of several ways, and comes again.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use e2e::agent::{Agent, Call};
use e2e::socket::Opener;
use e2e::stack::{COOKIE, Stack};
use e2e::wait;
use http::Method;
use serde_json::json;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::traffic::Tally;

/// Between two requests of a user.
const PAUSE: Duration = Duration::from_millis(40);
/// Requests of a visit, which lasts longer than an access token does.
const TURNS: u32 = 320;
const PART: usize = 256 * 1024;

/// What the provider calls a user.
pub(crate) fn name(number: u8) -> String {
    format!("user-{number}")
}

/// Comes and goes until `end`.
pub(crate) async fn live(stack: Arc<Stack>, number: u8, end: Instant) -> Tally {
    let mut tally = Tally::default();
    let mut visit = u32::from(number);
    while Instant::now() < end {
        let visitor = Visitor::arrive(&stack, number).await;
        let mut tick = interval(PAUSE);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for turn in 0..TURNS {
            if tick.tick().await >= end {
                break;
            }
            visitor.act(turn, &mut tally).await;
        }
        visitor.leave(visit, &mut tally).await;
        visit += 1;
    }
    tally
}

struct Visitor<'a> {
    stack: &'a Stack,
    number: u8,
    agent: Agent,
    csrf: String,
}

impl<'a> Visitor<'a> {
    async fn arrive(stack: &'a Stack, number: u8) -> Self {
        // Traefik limits requests by address.
        let agent = Agent::from_address(&stack.ca, address(number));
        stack.sign_in(&agent, &name(number), "/").await;
        let session = stack.session(&agent).await;
        let csrf = session["csrf_token"].as_str().expect("a CSRF token").to_owned();
        Self { stack, number, agent, csrf }
    }

    /// One request; which one depends on the turn.
    async fn act(&self, turn: u32, tally: &mut Tally) {
        let stranger = self.agent.another();
        let fetch = |method, path| self.agent.fetch(method, &self.stack.at(path));
        let get = |path| fetch(Method::GET, path);
        let post = |token: &str| {
            fetch(Method::POST, "/api/echo/x").header("x-csrf-token", token).body("a body")
        };
        let foreign = |path| stranger.fetch(Method::GET, &self.stack.at(path));
        let odd = format!("{COOKIE}={}", "A".repeat(2_000));
        let (what, expected, call) = match turn % 16 {
            0 | 4 | 8 | 12 => ("behind verify", 200, get("/app/")),
            1 | 9 => ("an API", 200, get("/api/echo/x")),
            2 => ("an API that checks tokens", 200, get("/api/orders")),
            3 => ("the session", 200, get("/api/auth/session")),
            5 => ("written", 200, post(&self.csrf)),
            6 => ("written by another page", 403, post("of another page")),
            7 => ("no route", 404, get("/api/nowhere")),
            10 => ("no cookie", 401, foreign("/app/")),
            11 => ("an odd cookie", 401, foreign("/api/echo/x").header("cookie", &odd)),
            13 => return self.download(tally).await,
            14 => return self.listen(tally).await,
            _ => return self.open_socket(tally).await,
        };
        tally.count(what, expected, status(call).await);
    }

    async fn download(&self, tally: &mut Tally) {
        let url = self.stack.at(&format!("/api/streaming/download?{PART}"));
        let stream = self.agent.fetch(Method::GET, &url).open().await;
        tally.count("a download", 200, Ok(stream.status.as_u16()));
        assert_eq!(stream.drain().await, PART);
    }

    /// Listens to events, and goes away in the middle.
    async fn listen(&self, tally: &mut Tally) {
        let call = self.agent.fetch(Method::GET, &self.stack.at("/api/streaming/events"));
        let mut events = call.header("accept", "text/event-stream").open().await;
        tally.count("events", 200, Ok(events.status.as_u16()));
        events.until(": begun", wait::START).await;
    }

    /// Opens a socket, and goes away without a word.
    async fn open_socket(&self, tally: &mut Tally) {
        let (opener, cookie) = (Opener::new(self.stack), self.stack.cookie(&self.agent));
        let source = address(self.number);
        let asked = opener.ask(&cookie, "/api/streaming/socket", source, &self.stack.origin);
        tally.count("a socket", 101, Ok(asked.await.0));
    }

    /// Signs out, is signed out, or just does not come again.
    async fn leave(self, visit: u32, tally: &mut Tally) {
        match visit % 3 {
            0 => {
                let reply = self.stack.post(&self.agent, "/auth/logout", &json!({})).await;
                tally.count("a logout", 200, Ok(reply.status.as_u16()));
            }
            1 => {
                let path = format!("/admin/users/{}/sessions", name(self.number));
                let reply = self.stack.admin(Method::DELETE, &path, &json!({})).await;
                tally.count("a revocation", 200, Ok(reply.status.as_u16()));
                let after = status(self.agent.fetch(Method::GET, &self.stack.at("/app/"))).await;
                tally.count("behind verify, revoked", 401, after);
            }
            _ => {}
        }
    }
}

fn address(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 3, number)
}

async fn status(call: Call<'_>) -> Result<u16, String> {
    call.try_send().await.map(|reply| reply.status.as_u16())
}
