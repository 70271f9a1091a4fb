//! A gate, a verify that knows one cookie, and services that echo.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use e2e::agent::{Agent, Call};
use e2e::edge::allowed;
use e2e::gate::{Behind, Gate, Kind};
use e2e::raw::{self, RawReply};
use e2e::scratch::Scratch;
use e2e::service::{Answer, Seen, Service, answer, echo};
use e2e::tls::Ca;
use e2e::traefik::HOST;
use e2e::wire::Wire;
use http::HeaderValue;

/// An outage in which verify takes requests and never answers.
pub(crate) const SILENCE: u16 = 1;

pub(crate) const GOOD: &str = "bff_session=good; theme=dark";

/// A gate, a verify that knows one cookie, and services that echo.
pub(crate) struct Scene {
    pub(crate) gate: Gate,
    pub(crate) verify: Service,
    pub(crate) wire: Wire,
    /// What verify answers in place of a verdict; 0 for none.
    pub(crate) outage: Arc<AtomicU16>,
    pub(crate) bff: Service,
    pub(crate) app: Service,
    pub(crate) spa: Service,
    pub(crate) agent: Agent,
    pub(crate) ca: Ca,
    pub(crate) scratch: Scratch,
}

impl Scene {
    pub(crate) async fn start(kind: Kind) -> Self {
        let scratch = Scratch::new();
        let ca = Ca::new(scratch.path().to_owned());
        let agent = Agent::new(&ca);
        let outage = Arc::new(AtomicU16::new(0));
        let leaf = ca.issue("forwardauth", &["localhost"]);
        let out = Arc::clone(&outage);
        let verify = Service::start(Some(leaf.server(&["h2", "http/1.1"])), move |seen| {
            let out = out.load(Ordering::Relaxed);
            async move {
                if out == SILENCE {
                    std::future::pending::<()>().await;
                }
                verdict(&seen, out)
            }
        })
        .await;
        let app = Service::start(None, async |seen| {
            let mut answer = echo(&seen);
            answer.headers_mut().insert("x-user-id", HeaderValue::from_static("leaked"));
            answer
        });
        let (app, bff, spa) = tokio::join!(app, Service::echo(), Service::echo());
        let wire = Wire::to(verify.address);
        let behind =
            Behind { verify: wire.address, bff: bff.address, app: app.address, spa: spa.address };
        let gate = Gate::start(kind, &scratch, &ca, behind, &agent).await;
        Self { gate, verify, wire, outage, bff, app, spa, agent, ca, scratch }
    }

    pub(crate) fn at(&self, path: &str) -> String {
        format!("https://{HOST}:{}{path}", self.gate.address.port())
    }

    pub(crate) fn get(&self, path: &str) -> Call<'_> {
        self.agent.get(&self.at(path))
    }

    pub(crate) async fn raw(&self, head: &str) -> RawReply {
        let end =
            if head.contains("\r\nConnection:") { "\r\n" } else { "Connection: close\r\n\r\n" };
        let request = format!("{head}\r\nHost: {HOST}:{}\r\n{end}", self.gate.address.port());
        raw::tls(self.gate.address, &self.ca, HOST, request.as_bytes()).await
    }
}

/// What forwardauth says, in short.
fn verdict(seen: &Seen, outage: u16) -> Answer {
    if outage != 0 {
        let mut answer =
            answer(outage, "application/problem+json", r#"{"code":"store_unavailable"}"#);
        answer.headers_mut().insert("retry-after", HeaderValue::from_static("1"));
        return answer;
    }
    let cookies = seen.all("cookie").join("; ");
    if cookies.contains("bff_session=good") {
        return allowed();
    }
    if cookies.contains("bff_session=nobody") {
        return answer(200, "text/plain", "");
    }
    if cookies.contains("bff_session=banned") {
        return answer(403, "application/problem+json", r#"{"code":"banned"}"#);
    }
    if seen.target() == "/auth/forward" && seen.header("sec-fetch-mode") == "navigate" {
        let mut answer = answer(302, "text/plain", "");
        let location = HeaderValue::from_static("/auth/login?return_to=%2Fapp%2Fx%3Fa%3D1%26b%3D2");
        answer.headers_mut().insert("location", location);
        return answer;
    }
    let mut answer = answer(401, "application/problem+json", r#"{"code":"no_session"}"#);
    answer.headers_mut().insert("www-authenticate", HeaderValue::from_static("Session"));
    for cookie in [
        "bff_session=; Path=/; Max-Age=0",
        "bff_session=; Path=/; Domain=app.wicket.test; Max-Age=0",
    ] {
        answer.headers_mut().append("set-cookie", HeaderValue::from_static(cookie));
    }
    answer
}
