//! What is to stand behind the edge, and its start.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use super::{Edge, Script, allowed};
use crate::agent::Agent;
use crate::ports;
use crate::program::Environment;
use crate::scratch::Scratch;
use crate::service::{Answer, Seen, Service, answer, echo};
use crate::tls::Ca;
use crate::traefik::{HOST, Traefik};

/// A host that somebody else's routers in the same Traefik do not even name.
const FOREIGN: &str = r#"    foreign:
      entryPoints: [websecure]
      rule: "PathPrefix(`/foreign/`)"
      service: spa
"#;

/// What differs from one edge to the next.
#[derive(Debug, Default)]
pub struct Plan {
    api_behind_verify: bool,
    protected: Vec<SocketAddr>,
}

impl Plan {
    /// Lets Traefik ask the API itself, behind ForwardAuth, and not by way of the BFF.
    #[must_use]
    pub fn api_behind_verify(mut self) -> Self {
        self.api_behind_verify = true;
        self
    }

    /// Puts a replica of the protected service at `address`; without one there is [`Edge::protected`]
    /// alone.
    #[must_use]
    pub fn protected_at(mut self, address: SocketAddr) -> Self {
        self.protected.push(address);
        self
    }

    /// Starts everything; verify allows everybody.
    pub async fn start(self) -> Edge {
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
        let leaf = ca.issue("bff", &["localhost"]);
        let bff = Service::start(Some(leaf.server(&["h2", "http/1.1"])), async |seen| echo(&seen));
        let errors = Service::start(None, async |seen| explain(&seen));
        let (bff, api, errors, pages) = tokio::join!(bff, Service::echo(), errors, Service::echo());
        let secure = ports::free();
        let leaf = ca.issue("edge", &[HOST]);
        let replicas =
            if self.protected.is_empty() { vec![protected.address] } else { self.protected };
        let replicas: Vec<_> = replicas.iter().map(|each| format!("http://{each}")).collect();
        let environment = Environment::default()
            .set("WICKETGATE_HOST", HOST)
            .set("WICKETGATE_TLS_CERT", leaf.certificate.display())
            .set("WICKETGATE_TLS_KEY", leaf.key.display())
            .set(
                "WICKETGATE_FORWARDAUTH_URL",
                format!("https://localhost:{}", verify.address.port()),
            )
            .set("WICKETGATE_FORWARDAUTH_CA", ca.file().display())
            .set("WICKETGATE_BFF_URL", format!("https://localhost:{}", bff.address.port()))
            .set("WICKETGATE_BFF_CA", ca.file().display())
            .set("WICKETGATE_PROTECTED_URL", replicas.join(", "))
            .set(
                "WICKETGATE_API_URL",
                if self.api_behind_verify { api.origin() } else { String::new() },
            )
            .set("WICKETGATE_ERRORS_URL", errors.origin())
            .set("WICKETGATE_SPA_URL", pages.origin())
            .set("WICKETGATE_CORS_ORIGINS", "https://spa.wicket.test, https://other.wicket.test");
        let traefik = Traefik::start_with(&scratch, secure, &environment, FOREIGN, &agent).await;
        let origin = format!("https://{HOST}:{}", secure.port());
        Edge {
            traefik,
            verify,
            protected,
            bff,
            api,
            errors,
            pages,
            script,
            agent,
            ca,
            origin,
            _scratch: scratch,
        }
    }
}

/// Error pages for people and for programs.
fn explain(seen: &Seen) -> Answer {
    if seen.header("accept").contains("text/html") {
        answer(
            200,
            "text/html; charset=utf-8",
            "<!doctype html><title>Something went wrong</title>",
        )
    } else {
        answer(200, "application/problem+json", r#"{"code":"edge_error"}"#)
    }
}
