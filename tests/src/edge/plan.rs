//! What is to stand behind the edge, and its start.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use super::forms::Behind;
use super::{Edge, Script, allowed};
use crate::agent::Agent;
use crate::ports;
use crate::scratch::Scratch;
use crate::service::{Answer, Seen, Service, answer, echo};
use crate::tls::Ca;
use crate::traefik::HOST;

/// In which form Traefik gets the configuration.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    /// `static.yml` and `dynamic.yml`.
    File,
    /// The objects in `kubernetes/`, and the arguments in its `values.yaml`.
    Kubernetes,
}

/// Makes of each function, which takes a [`Form`], a test of its name in a module for each form.
#[macro_export]
macro_rules! in_both_forms {
    ($($name:ident),+ $(,)?) => {
        mod file {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $name() {
                    super::$name($crate::edge::Form::File).await;
                }
            )+
        }
        mod kubernetes {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $name() {
                    super::$name($crate::edge::Form::Kubernetes).await;
                }
            )+
        }
    };
}

/// What differs from one edge to the next.
#[derive(Debug)]
pub struct Plan {
    form: Form,
    api_behind_verify: bool,
    protected: Vec<SocketAddr>,
}

impl Plan {
    pub(super) fn new(form: Form) -> Self {
        Self { form, api_behind_verify: false, protected: Vec::new() }
    }

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
        let leaf = ca.issue("bff", &["localhost", "wicketgate-bff.wicketgate.svc"]);
        let bff = Service::start(Some(leaf.server(&["h2", "http/1.1"])), async |seen| echo(&seen));
        let errors = Service::start(None, async |seen| explain(&seen));
        let (bff, api, errors, pages) = tokio::join!(bff, Service::echo(), errors, Service::echo());
        let replicas =
            if self.protected.is_empty() { vec![protected.address] } else { self.protected };
        let behind = Behind {
            verify: &verify,
            bff: &bff,
            protected: replicas,
            api: &api,
            api_behind_verify: self.api_behind_verify,
            errors: &errors,
            pages: &pages,
        };
        let secure = ports::free();
        let traefik = behind.start(self.form, &scratch, &ca, secure, &agent).await;
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
