//! What a deployment is made of.

use std::fmt::Write as _;

const NO_LIMITS: &str =
    "{ login: off, auth_post: off, session: off, proxy: off, backchannel: off, telemetry: off }";

/// A deployment that is being described.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a part that is there or not")]
pub struct Plan {
    pub(super) idp: Vec<(&'static str, &'static str)>,
    pub(super) bff: Vec<(&'static str, Option<String>)>,
    pub(super) forwardauth: Vec<(&'static str, Option<String>)>,
    pub(super) both: Vec<(&'static str, Option<String>)>,
    pub(super) edge: Vec<(&'static str, String)>,
    /// What differs for the second replicas; without it there are none.
    pub(super) second: Option<Vec<(&'static str, String)>>,
    pub(super) cluster: bool,
    pub(super) durable: bool,
    pub(super) second_idp: bool,
    pub(super) plain_verify: bool,
    pub(super) services: String,
    pub(super) routes: String,
    pub(super) limits: Option<&'static str>,
    pub(super) policies: Option<&'static str>,
    pub(super) bff_yaml: String,
    pub(super) issuers: Option<&'static str>,
    pub(super) bff_issuers: Option<String>,
    pub(super) routes_file: Option<String>,
    pub(super) hosts: Vec<&'static str>,
    pub(super) tenants: Option<&'static str>,
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

    /// Gives verify a `forwardauth.yaml`.
    #[must_use]
    pub fn policies(mut self, file: &'static str) -> Self {
        self.policies = Some(file);
        self
    }

    /// Gives verify an `idps.yaml`; `{issuer}` and `{audience}` in it are the provider's.
    #[must_use]
    pub fn issuers(mut self, file: &'static str) -> Self {
        self.issuers = Some(file);
        self.forwardauth("OIDC_TLS_CA", "{scratch}/ca.pem")
    }

    /// Gives the BFF an `idps.yaml`; `{issuer}`, `{audience}` and `{ca}` in it are the provider's.
    #[must_use]
    pub fn bff_issuers(mut self, file: &str) -> Self {
        self.bff_issuers = Some(file.to_owned());
        self
    }

    /// Takes this `routes.yaml` in place of that of the tests; `{upstream}` in it is the origin of
    /// [`super::Stack::upstream`].
    #[must_use]
    pub fn routes_file(mut self, file: &str) -> Self {
        self.routes_file = Some(file.to_owned());
        self
    }

    /// Starts a second replica of each program, with the settings of the first.
    #[must_use]
    pub fn twice(mut self) -> Self {
        self.second.get_or_insert_default();
        self
    }

    /// As [`Self::twice`], and lets the clock of the second `bff` differ: `+120` is two minutes ahead.
    #[must_use]
    pub fn twice_with_clock(mut self, seconds: &str) -> Self {
        self.second = Some(crate::clock::shifted(seconds));
        self
    }

    /// Puts the sessions into a Redis Cluster.
    #[must_use]
    pub fn cluster(mut self) -> Self {
        self.cluster = true;
        self
    }

    /// Lets sessions outlive Redis, in a PostgreSQL.
    #[must_use]
    pub fn durable(mut self) -> Self {
        self.durable = true;
        self.forwardauth("FORWARDAUTH_DURABLE_SESSIONS", true)
    }

    /// Adds another login provider, `partner`, with settings as those of the first.
    #[must_use]
    pub fn second_idp(mut self) -> Self {
        self.second_idp = true;
        self
    }

    /// Lets Traefik ask verify over plain HTTP/1.1 in place of TLS.
    #[must_use]
    pub fn plain_verify(mut self) -> Self {
        self.plain_verify = true;
        self
    }

    /// Sets the `rate_limits:` of `bff.yaml`, a mapping in braces. Without it all are off: hundreds of test
    /// users share one address.
    #[must_use]
    pub fn limits(mut self, limits: &'static str) -> Self {
        self.limits = Some(limits);
        self
    }

    pub(super) fn bff_file(&self) -> String {
        let limits = self.limits.unwrap_or(NO_LIMITS);
        format!("rate_limits: {limits}\n{}", self.bff_yaml)
    }

    /// Adds a line to `bff.yaml`.
    #[must_use]
    pub fn bff_yaml(mut self, line: &str) -> Self {
        writeln!(self.bff_yaml, "{line}").expect("writing to a string");
        self
    }

    /// Another public host beside [`HOST`](crate::traefik::HOST), at the same port.
    #[must_use]
    pub fn host(mut self, name: &'static str) -> Self {
        self.hosts.push(name);
        self
    }

    /// Gives both programs this `tenants.yaml`, in which `{port}` is that of the public hosts.
    #[must_use]
    pub fn tenants(mut self, yaml: &'static str) -> Self {
        self.tenants = Some(yaml);
        self.bff_without("BFF_DEFAULT_HOST")
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
}
