//! Starting a deployment.

use std::net::SocketAddr;

use super::files::{partners, routes};
use super::{POLICIES, Plan, Replica, Stack, key};
use crate::agent::Agent;
use crate::cluster::Cluster;
use crate::idp::{self, Idp};
use crate::postgres::Postgres;
use crate::program::{Environment, Program};
use crate::redis::Redis;
use crate::scratch::Scratch;
use crate::service::Service;
use crate::tls::{Ca, Leaf};
use crate::traefik::{HOST, Traefik};
use crate::{orders, ports};

impl Plan {
    /// Starts every part.
    pub async fn start(self) -> Stack {
        let scratch = Scratch::new();
        let ca = Ca::new(scratch.path().to_owned());
        let agent = Agent::new(&ca);
        let edge_address = ports::free();
        let origin = format!("https://{HOST}:{}", edge_address.port());
        let hosts = [&[HOST], self.hosts.as_slice()].concat();
        let origins: Vec<String> =
            hosts.iter().map(|host| format!("https://{host}:{}", edge_address.port())).collect();
        let origins = origins.join(" ");
        let leaf = ca.issue("edge", &hosts);
        let verify_leaf = ca.issue("forwardauth", &["localhost", "127.0.0.1"]);
        let (verify, verify_admin) = (ports::free(), ports::free());
        let (bff_address, bff_admin) = (ports::free(), ports::free());

        // What clients that authenticate with a certificate show.
        ca.issue("bff-mtls", &["localhost"]);
        ca.self_signed("bff-mtls-self");

        let (redis, postgres, cluster, idp, second_idp, protected, upstream, pages) = tokio::join!(
            Redis::start(&scratch, &ca),
            optional(self.durable, async || Postgres::start(&scratch, &ca).await),
            optional(self.cluster, async || Cluster::start(&scratch).await),
            Idp::start(&scratch, &ca, &origins, &self.idp),
            optional(self.second_idp, async || {
                Idp::start_as("idp-2", &scratch, &ca, &origins, &self.idp).await
            }),
            Service::echo(),
            Service::echo(),
            Service::echo(),
        );
        let orders = orders::start(&idp, &ca).await;
        let edge = self.edge_environment(&leaf, &ca, (verify, bff_address), (&protected, &pages));

        let here = Places { scratch: &scratch, bff_admin };
        let url = cluster.as_ref().map_or_else(|| redis.url(), Cluster::url);
        let shared = here.apply(shared(&url, &ca), &self.both);
        let forwardauth = shared
            .clone()
            .set("FORWARDAUTH_LISTEN", verify)
            .set("FORWARDAUTH_ADMIN_LISTEN", verify_admin)
            .set("BFF_CONFIG_DIR", scratch.directory("forwardauth-config").display());
        let forwardauth = self.certified(forwardauth, &verify_leaf);
        let forwardauth = here.apply(forwardauth, &self.forwardauth);
        self.write_files(&scratch, (&upstream, &orders), edge_address.port());
        let bff = relying_party(shared, &idp, &ca)
            .set("BFF_LISTEN", bff_address)
            .set("BFF_ADMIN_LISTEN", bff_admin)
            .set("BFF_SESSION_KEYS", format!("s1:{}", key()))
            .set("BFF_DEFAULT_HOST", origin.trim_start_matches("https://"))
            .set("BFF_DEFAULT_SCHEME", "https")
            .set("BFF_CONFIG_DIR", scratch.directory("bff-config").display());
        let bff = here.apply(remembering(bff, postgres.as_ref()), &self.bff);
        self.write_idps(&scratch, &ca, &idp, second_idp.as_ref());

        let (traefik, forwardauth, bff) = tokio::join!(
            Traefik::start(&scratch, edge_address, &edge, &agent),
            Program::start("forwardauth", forwardauth, verify_admin, &scratch, &agent),
            Program::start("bff", bff, bff_admin, &scratch, &agent),
        );
        let (second_bff, second_verify) =
            self.start_second(&bff, &forwardauth, &scratch, &agent).await;
        Stack {
            traefik,
            forwardauth,
            verify,
            bff,
            bff_address,
            second_bff,
            second_verify,
            protected,
            upstream,
            orders,
            pages,
            idp,
            second_idp,
            redis,
            postgres,
            cluster,
            ca,
            scratch,
            origin,
        }
    }
}

impl Plan {
    /// The `idps.yaml` of both programs, where they have one.
    fn write_idps(&self, scratch: &Scratch, ca: &Ca, idp: &Idp, partner: Option<&Idp>) {
        if let Some(issuers) = self.issuers {
            let file =
                issuers.replace("{issuer}", &idp.issuer).replace("{audience}", idp::AUDIENCE);
            scratch.write("forwardauth-config/idps.yaml", file);
        }
        if let Some(partner) = partner {
            scratch.write("bff-config/idps.yaml", partners(partner, ca));
        }
        if let Some(issuers) = &self.bff_issuers {
            let file = issuers
                .replace("{issuer}", &idp.issuer)
                .replace("{audience}", idp::AUDIENCE)
                .replace("{ca}", &ca.file().display().to_string());
            scratch.write("bff-config/idps.yaml", file);
        }
    }

    /// The other files of both programs.
    fn write_files(&self, scratch: &Scratch, (upstream, orders): (&Service, &Service), port: u16) {
        let routes = match &self.routes_file {
            Some(file) => file.replace("{upstream}", &upstream.origin()),
            None => routes(upstream, orders, &self.services, &self.routes),
        };
        scratch.write("bff-config/routes.yaml", routes);
        scratch.write("bff-config/bff.yaml", self.bff_file());
        if let Some(tenants) = self.tenants {
            let yaml = tenants.replace("{port}", &port.to_string());
            for directory in ["bff-config", "forwardauth-config"] {
                scratch.write(&format!("{directory}/tenants.yaml"), &yaml);
            }
        }
        if let Some(policies) = self.policies {
            scratch.write(POLICIES, policies);
        }
    }

    /// The second replicas, where there are to be any: what the first are, but for the clock.
    async fn start_second(
        &self,
        bff: &Program,
        verify: &Program,
        scratch: &Scratch,
        agent: &Agent,
    ) -> (Option<Replica>, Option<Replica>) {
        let Some(differs) = &self.second else { return (None, None) };
        let (bff, verify) = (bff.environment.clone(), verify.environment.clone());
        let bff = differs.iter().fold(bff, |all, (name, value)| all.set(name, value));
        let (bff, verify) = tokio::join!(
            Replica::start(("bff", "BFF"), bff, scratch, agent),
            Replica::start(("forwardauth", "FORWARDAUTH"), verify, scratch, agent),
        );
        (Some(bff), Some(verify))
    }

    /// Where Traefik finds everything.
    fn edge_environment(
        &self,
        leaf: &Leaf,
        ca: &Ca,
        (verify, bff): (SocketAddr, SocketAddr),
        (protected, pages): (&Service, &Service),
    ) -> Environment {
        let edge = Environment::default()
            .set("WICKETGATE_HOST", [&[HOST], self.hosts.as_slice()].concat().join(","))
            .set("WICKETGATE_TLS_CERT", leaf.certificate.display())
            .set("WICKETGATE_TLS_KEY", leaf.key.display())
            .set("WICKETGATE_FORWARDAUTH_URL", self.verify_url(verify))
            .set("WICKETGATE_FORWARDAUTH_CA", ca.file().display())
            .set("WICKETGATE_BFF_URL", format!("http://{bff}"))
            .set("WICKETGATE_PROTECTED_URL", protected.origin())
            .set("WICKETGATE_SPA_URL", pages.origin());
        self.edge.iter().fold(edge, |edge, (name, value)| edge.set(name, value))
    }

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
fn shared(redis: &str, ca: &Ca) -> Environment {
    Environment::default()
        .set("REDIS_URL", redis)
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

/// What a plan, made before anything runs, names by `{scratch}` and `{bff_admin}`.
struct Places<'a> {
    scratch: &'a Scratch,
    bff_admin: SocketAddr,
}

impl Places<'_> {
    fn apply(&self, environment: Environment, changes: &[(&str, Option<String>)]) -> Environment {
        let (scratch, bff_admin) =
            (self.scratch.path().display().to_string(), self.bff_admin.to_string());
        changes.iter().fold(environment, |environment, (name, value)| match value {
            Some(value) => {
                let value = value.replace("{scratch}", &scratch);
                environment.set(name, value.replace("{bff_admin}", &bff_admin))
            }
            None => environment.unset(name),
        })
    }
}

/// `bff` with a database, where there is one.
fn remembering(bff: Environment, postgres: Option<&Postgres>) -> Environment {
    match postgres {
        Some(postgres) => bff.set("DATABASE_URL", postgres.url()),
        None => bff,
    }
}

async fn optional<T>(wanted: bool, start: impl AsyncFnOnce() -> T) -> Option<T> {
    if wanted { Some(start().await) } else { None }
}
