//! The shipped Traefik configuration before a scripted verify, so that its tests need none of our
//! programs.

use std::fmt;
use std::sync::{Arc, Mutex};

use crate::agent::Agent;
use crate::ports;
use crate::program::Environment;
use crate::raw::{self, RawReply};
use crate::scratch::Scratch;
use crate::service::{Answer, Service, answer, echo};
use crate::tls::Ca;
use crate::traefik::{HOST, Traefik};

/// What ForwardAuth says about the user on 200.
pub const IDENTITY: [(&str, &str); 7] = [
    ("x-user-id", "u-42"),
    ("x-session-id", "ref-7"),
    ("x-auth-time", "1700000000"),
    ("x-tenant-id", "t-1"),
    ("x-tenant-slug", "acme"),
    ("x-user-roles", "ADMIN"),
    ("x-master-flags", "{}"),
];

type Script = Arc<Mutex<Box<dyn Fn() -> Answer + Send>>>;

/// Traefik with the shipped configuration, and what stands behind it.
pub struct Edge {
    /// The edge itself.
    pub traefik: Traefik,
    /// Verify, which answers as the test says.
    pub verify: Service,
    /// The service behind ForwardAuth; it answers with an identity header of its own.
    pub protected: Service,
    /// In the place of the BFF.
    pub bff: Service,
    /// The pages at `/`.
    pub pages: Service,
    script: Script,
    /// A user agent.
    pub agent: Agent,
    /// Everyone's authority.
    pub ca: Ca,
    /// `https://` and the public host with its port.
    pub origin: String,
    _scratch: Scratch,
}

impl Edge {
    /// Starts everything; verify allows everybody.
    pub async fn start() -> Self {
        let scratch = Scratch::new();
        let ca = Ca::new(scratch.path().to_owned());
        let agent = Agent::new(&ca);
        let script: Script = Arc::new(Mutex::new(Box::new(allowed)));
        let leaf = ca.issue("forwardauth", &["localhost"]);
        let said = Arc::clone(&script);
        let verify = Service::start(Some(leaf.server(&["h2", "http/1.1"])), move |_| {
            let answer = (said.lock().expect("not poisoned"))();
            async { answer }
        })
        .await;
        let protected = Service::start(None, async |seen| {
            let mut answer = echo(&seen);
            answer.headers_mut().insert("x-user-id", "leaked".parse().expect("a value"));
            answer
        })
        .await;
        let (bff, pages) = tokio::join!(Service::echo(), Service::echo());
        let secure = ports::free();
        let edge = ca.issue("edge", &[HOST]);
        let environment = Environment::default()
            .set("WICKETGATE_HOST", HOST)
            .set("WICKETGATE_TLS_CERT", edge.certificate.display())
            .set("WICKETGATE_TLS_KEY", edge.key.display())
            .set(
                "WICKETGATE_FORWARDAUTH_URL",
                format!("https://localhost:{}", verify.address.port()),
            )
            .set("WICKETGATE_FORWARDAUTH_CA", ca.file().display())
            .set("WICKETGATE_BFF_URL", bff.origin())
            .set("WICKETGATE_PROTECTED_URL", protected.origin())
            .set("WICKETGATE_SPA_URL", pages.origin())
            .set("WICKETGATE_CORS_ORIGINS", "https://spa.wicket.test, https://other.wicket.test");
        let traefik = Traefik::start(&scratch, secure, &environment, &agent).await;
        let origin = format!("https://{HOST}:{}", secure.port());
        Self {
            traefik,
            verify,
            protected,
            bff,
            pages,
            script,
            agent,
            ca,
            origin,
            _scratch: scratch,
        }
    }

    /// An address on the public host.
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// Changes what verify answers.
    pub fn verify_says(&self, answer: impl Fn() -> Answer + Send + 'static) {
        *self.script.lock().expect("not poisoned") = Box::new(answer);
    }

    /// Sends a request as bytes: request line and lines of its own, without the last line break.
    pub async fn raw(&self, head: &str) -> RawReply {
        let request = format!("{head}\r\nHost: {HOST}:{}\r\n", self.traefik.secure.port());
        // Tests write their own Connection line where it is the subject.
        let end =
            if head.contains("\r\nConnection:") { "\r\n" } else { "Connection: close\r\n\r\n" };
        raw::tls(self.traefik.secure, &self.ca, HOST, (request + end).as_bytes()).await
    }
}

/// Verify lets somebody through.
pub fn allowed() -> Answer {
    let mut answer = answer(200, "text/plain", "");
    for (name, value) in IDENTITY {
        answer.headers_mut().insert(name, value.parse().expect("a value"));
    }
    answer
}

/// Verify lets nobody through.
pub fn refused() -> Answer {
    let mut answer = answer(401, "application/problem+json", r#"{"code":"no_session"}"#);
    answer.headers_mut().insert("www-authenticate", "Session".parse().expect("a value"));
    answer
}

impl fmt::Debug for Edge {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Edge").field("origin", &self.origin).finish_non_exhaustive()
    }
}
