//! What a deployment is made of, and starting it.

use std::fmt::Write as _;
use std::net::SocketAddr;

use super::{Stack, key};
use crate::agent::Agent;
use crate::idp::{self, Idp};
use crate::program::{Environment, Program};
use crate::redis::Redis;
use crate::scratch::Scratch;
use crate::service::Service;
use crate::tls::{Ca, Leaf};
use crate::traefik::{HOST, Traefik};
use crate::{orders, ports};

/// A deployment that is being described.
#[derive(Debug, Default)]
pub struct Plan {
    idp: Vec<(&'static str, &'static str)>,
    bff: Vec<(&'static str, Option<String>)>,
    forwardauth: Vec<(&'static str, Option<String>)>,
    both: Vec<(&'static str, Option<String>)>,
    edge: Vec<(&'static str, String)>,
    plain_verify: bool,
    services: String,
    routes: String,
}

impl Plan {
    /// Sets a knob of the OpenID provider.
    #[must_use]
    pub fn idp(mut self, knob: &'static str, value: &'static str) -> Self {
        self.idp.push((knob, value));
        self
    }

    /// Sets a variable of the BFF; `{scratch}` in it becomes the scratch directory.
    #[must_use]
    pub fn bff(mut self, name: &'static str, value: impl ToString) -> Self {
        self.bff.push((name, Some(value.to_string())));
        self
    }

    /// Leaves a variable of the BFF unset.
    #[must_use]
    pub fn bff_without(mut self, name: &'static str) -> Self {
        self.bff.push((name, None));
        self
    }

    /// Sets a variable of verify.
    #[must_use]
    pub fn forwardauth(mut self, name: &'static str, value: impl ToString) -> Self {
        self.forwardauth.push((name, Some(value.to_string())));
        self
    }

    /// Sets a variable of both programs.
    #[must_use]
    pub fn both(mut self, name: &'static str, value: impl ToString) -> Self {
        self.both.push((name, Some(value.to_string())));
        self
    }

    /// Sets a variable of Traefik's dynamic configuration.
    #[must_use]
    pub fn edge(mut self, name: &'static str, value: impl ToString) -> Self {
        self.edge.push((name, value.to_string()));
        self
    }

    /// Lets Traefik ask verify over plain HTTP/1.1 in place of TLS.
    #[must_use]
    pub fn plain_verify(mut self) -> Self {
        self.plain_verify = true;
        self
    }

    /// Adds a line to the `services:` of `routes.yaml`.
    #[must_use]
    pub fn service(mut self, line: &str) -> Self {
        writeln!(self.services, "  {line}").expect("writing to a string");
        self
    }

    /// Adds a line to the `routes:` of `routes.yaml`.
    #[must_use]
    pub fn route(mut self, line: &str) -> Self {
        writeln!(self.routes, "  - {line}").expect("writing to a string");
        self
    }

    /// Starts every part.
    pub async fn start(self) -> Stack {
        let scratch = Scratch::new();
        let ca = Ca::new(scratch.path().to_owned());
        let agent = Agent::new(&ca);
        let edge_address = ports::free();
        let origin = format!("https://{HOST}:{}", edge_address.port());
        let leaf = ca.issue("edge", &[HOST]);
        let verify_leaf = ca.issue("forwardauth", &["localhost", "127.0.0.1"]);
        let (verify, verify_admin) = (ports::free(), ports::free());
        let (bff_address, bff_admin) = (ports::free(), ports::free());

        let (redis, idp, protected, upstream, pages) = tokio::join!(
            Redis::start(&scratch, &ca),
            Idp::start(&scratch, &ca, &origin, &self.idp),
            Service::echo(),
            Service::echo(),
            Service::echo(),
        );
        let orders = orders::start(&idp, &ca).await;
        let edge = Environment::default()
            .set("WICKETGATE_HOST", HOST)
            .set("WICKETGATE_TLS_CERT", leaf.certificate.display())
            .set("WICKETGATE_TLS_KEY", leaf.key.display())
            .set("WICKETGATE_FORWARDAUTH_URL", self.verify_url(verify))
            .set("WICKETGATE_FORWARDAUTH_CA", ca.file().display())
            .set("WICKETGATE_BFF_URL", format!("http://{bff_address}"))
            .set("WICKETGATE_PROTECTED_URL", protected.origin())
            .set("WICKETGATE_SPA_URL", pages.origin());
        let edge = self.edge.iter().fold(edge, |edge, (name, value)| edge.set(name, value));

        let shared = apply(shared(&redis, &ca), &self.both);
        let forwardauth = shared
            .clone()
            .set("FORWARDAUTH_LISTEN", verify)
            .set("FORWARDAUTH_ADMIN_LISTEN", verify_admin)
            .set("BFF_CONFIG_DIR", scratch.directory("forwardauth-config").display());
        let forwardauth = self.certified(forwardauth, &verify_leaf);
        let forwardauth = apply(forwardauth, &self.forwardauth);

        scratch.write(
            "bff-config/routes.yaml",
            routes(&upstream, &orders, &self.services, &self.routes),
        );
        let bff = relying_party(shared, &idp, &ca)
            .set("BFF_LISTEN", bff_address)
            .set("BFF_ADMIN_LISTEN", bff_admin)
            .set("BFF_SESSION_KEYS", format!("s1:{}", key()))
            .set("BFF_DEFAULT_HOST", origin.trim_start_matches("https://"))
            .set("BFF_DEFAULT_SCHEME", "https")
            .set("BFF_CONFIG_DIR", scratch.directory("bff-config").display());
        // A plan is made before the files are: `{scratch}` stands for where they will be.
        let here = scratch.path().display().to_string();
        let changes: Vec<_> = self
            .bff
            .iter()
            .map(|(name, value)| {
                (*name, value.as_ref().map(|value| value.replace("{scratch}", &here)))
            })
            .collect();
        let bff = apply(bff, &changes);

        let (traefik, forwardauth, bff) = tokio::join!(
            Traefik::start(&scratch, edge_address, &edge, &agent),
            Program::start("forwardauth", forwardauth, verify_admin, &scratch, &agent),
            Program::start("bff", bff, bff_admin, &scratch, &agent),
        );
        Stack {
            traefik,
            forwardauth,
            verify,
            bff,
            bff_address,
            protected,
            upstream,
            orders,
            pages,
            idp,
            redis,
            ca,
            scratch,
            origin,
        }
    }
}

impl Plan {
    fn verify_url(&self, verify: SocketAddr) -> String {
        if self.plain_verify {
            format!("http://{verify}")
        } else {
            format!("https://localhost:{}", verify.port())
        }
    }

    fn certified(&self, forwardauth: Environment, leaf: &Leaf) -> Environment {
        if self.plain_verify {
            return forwardauth;
        }
        forwardauth
            .set("FORWARDAUTH_TLS_CERT", leaf.certificate.display())
            .set("FORWARDAUTH_TLS_KEY", leaf.key.display())
    }
}

/// What both programs are given.
fn shared(redis: &Redis, ca: &Ca) -> Environment {
    Environment::default()
        .set("REDIS_URL", redis.url())
        .set("REDIS_TLS_CA", ca.file().display())
        .set("BFF_EDGE_KEYS", format!("e1:{}", key()))
        .set("BFF_TRUSTED_PROXIES", "127.0.0.1/32")
        .set("RUST_LOG", "debug")
}

/// What makes the BFF a client of the provider.
fn relying_party(environment: Environment, idp: &Idp, ca: &Ca) -> Environment {
    environment
        .set("OIDC_ISSUER", &idp.issuer)
        .set("OIDC_TLS_CA", ca.file().display())
        .set("OIDC_CLIENT_ID", "bff-basic")
        .set("OIDC_CLIENT_SECRET", idp::BASIC_SECRET)
        .set(
            "OIDC_SCOPES",
            "openid profile email roles tenant offline_access orders:read orders:write",
        )
        .set("OIDC_RESOURCE", idp::AUDIENCE)
}

fn apply(environment: Environment, changes: &[(&str, Option<String>)]) -> Environment {
    changes.iter().fold(environment, |environment, (name, value)| match value {
        Some(value) => environment.set(name, value),
        None => environment.unset(name),
    })
}

fn routes(upstream: &Service, orders: &Service, services: &str, more: &str) -> String {
    let (echo, orders, audience) = (upstream.origin(), orders.origin(), idp::AUDIENCE);
    format!(
        r#"version: "1.0"
services:
  echo: {{ base_url: "{echo}", timeout: 10s }}
  orders: {{ base_url: "{orders}", timeout: 10s, audience: "{audience}" }}
{services}routes:
  - id: orders
    path: /api/orders
    target_service: orders
    upstream_path: /orders
    methods: [GET, POST]
    auth: session
  - id: echo
    path: /api/echo/*
    target_service: echo
    upstream_path: /echo/{{path}}
    methods: [GET, POST, PUT, DELETE]
    auth: session
  - id: public
    path: /api/public/*
    target_service: echo
    upstream_path: /public/{{path}}
    methods: [GET, POST]
    auth: none
{more}"#
    )
}
