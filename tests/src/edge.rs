//! The shipped Traefik configuration before a scripted verify, so that its tests need none of our
//! programs.

mod forms;
mod plan;

use std::fmt;
use std::sync::{Arc, Mutex};

use crate::agent::Agent;
use crate::raw::{self, RawReply};
use crate::scratch::Scratch;
use crate::service::{Answer, Service, answer};
use crate::tls::Ca;
use crate::traefik::{HOST, Traefik};

pub use plan::{Form, Plan};

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
    /// In the place of the BFF, over TLS.
    pub bff: Service,
    /// An API that is asked directly, where the plan says so.
    pub api: Service,
    /// Tells people and programs what went wrong.
    pub errors: Service,
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
    pub async fn start(form: Form) -> Self {
        Self::plan(form).start().await
    }

    /// What is to be started, to be changed first.
    pub fn plan(form: Form) -> Plan {
        Plan::new(form)
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
