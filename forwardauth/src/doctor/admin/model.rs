//! Owns: what of Traefik's API is read (`/api/http/…`, `/api/entrypoints`), and how its parts hang together.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde::de::IgnoredAny;

/// The answers of the API.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Parts {
    pub(super) version: Version,
    pub(super) entry_points: Vec<EntryPoint>,
    pub(super) routers: Vec<Router>,
    pub(super) middlewares: Vec<Middleware>,
    pub(super) services: Vec<Service>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Version {
    #[serde(rename = "Version")]
    pub(super) number: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EntryPoint {
    pub(super) name: String,
    #[serde(default)]
    pub(super) forwarded_headers: Forwarded,
    #[serde(default)]
    pub(super) http: EntryHttp,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Forwarded {
    pub(super) insecure: bool,
    #[serde(rename = "trustedIPs")]
    pub(super) trusted: Vec<String>,
    pub(super) connection: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct EntryHttp {
    pub(super) middlewares: Vec<String>,
    pub(super) alias_headers_strategy: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Router {
    pub(super) name: String,
    pub(super) service: String,
    #[serde(default)]
    pub(super) provider: String,
    #[serde(default)]
    pub(super) using: Vec<String>,
    /// Those of its entry points come first.
    #[serde(default)]
    pub(super) middlewares: Vec<String>,
    pub(super) tls: Option<IgnoredAny>,
    #[serde(default)]
    pub(super) status: String,
    #[serde(default)]
    pub(super) error: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Middleware {
    pub(super) name: String,
    #[serde(default)]
    pub(super) error: Vec<String>,
    pub(super) forward_auth: Option<ForwardAuth>,
    pub(super) headers: Option<Headers>,
    pub(super) chain: Option<Chain>,
    pub(super) rate_limit: Option<RateLimit>,
    pub(super) retry: Option<IgnoredAny>,
    pub(super) circuit_breaker: Option<IgnoredAny>,
    pub(super) errors: Option<Errors>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ForwardAuth {
    pub(super) address: String,
    pub(super) tls: Option<ClientTls>,
    pub(super) trust_forward_header: bool,
    pub(super) preserve_location_header: bool,
    pub(super) forward_body: bool,
    pub(super) max_response_body_size: Option<i64>,
    pub(super) auth_request_headers: Vec<String>,
    pub(super) auth_response_headers: Vec<String>,
    pub(super) auth_response_headers_regex: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ClientTls {
    pub(super) insecure_skip_verify: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Headers {
    #[serde(rename = "customRequestHeaders")]
    pub(super) of_requests: BTreeMap<String, String>,
    pub(super) access_control_allow_methods: Vec<String>,
    pub(super) content_security_policy: String,
}

/// Pages in the place of answers.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Errors {
    /// Statuses, and ranges such as `500-599`.
    pub(super) status: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Chain {
    pub(super) middlewares: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RateLimit {
    pub(super) source_criterion: Option<Source>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Source {
    pub(super) request_header_name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Service {
    pub(super) name: String,
    pub(super) load_balancer: Option<Balancer>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Balancer {
    pub(super) servers: Vec<Server>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Server {
    pub(super) url: String,
}

/// A running Traefik, as it says itself.
#[derive(Debug)]
pub(super) struct Edge {
    pub(super) version: String,
    pub(super) entry_points: Vec<EntryPoint>,
    pub(super) routers: Vec<Router>,
    pub(super) middlewares: BTreeMap<String, Middleware>,
    pub(super) services: Vec<Service>,
}

/// Deepest chain of chains that is followed.
const DEPTH: u8 = 8;

impl Edge {
    pub(super) fn new(parts: Parts) -> Self {
        let Parts { version, entry_points, routers, middlewares, services } = parts;
        let middlewares =
            middlewares.into_iter().map(|middleware| (middleware.name.clone(), middleware));
        let middlewares = middlewares.collect();
        Self { version: version.number, entry_points, routers, middlewares, services }
    }

    /// What a router's requests pass, in order, chains taken apart.
    pub(super) fn passed(&self, router: &Router) -> Vec<&Middleware> {
        let mut all = Vec::new();
        self.expand(&router.middlewares, &router.provider, DEPTH, &mut all);
        all
    }

    /// What an entry point has before every router.
    pub(super) fn passed_at(&self, entry_point: &EntryPoint) -> Vec<&Middleware> {
        let mut all = Vec::new();
        self.expand(&entry_point.http.middlewares, "", DEPTH, &mut all);
        all
    }

    fn expand<'a>(
        &'a self,
        names: &[String],
        provider: &str,
        depth: u8,
        all: &mut Vec<&'a Middleware>,
    ) {
        let Some(depth) = depth.checked_sub(1) else { return };
        for name in names {
            let Some(middleware) = self.middlewares.get(&qualified(name, provider)) else {
                continue;
            };
            match &middleware.chain {
                Some(chain) => {
                    let provider = middleware.name.rsplit('@').next().unwrap_or_default();
                    self.expand(&chain.middlewares, provider, depth, all);
                }
                None => all.push(middleware),
            }
        }
    }

    /// Whether there is anything to judge.
    pub(super) fn has_forward_auth(&self) -> bool {
        self.guarded().next().is_some()
    }

    /// Routers that ask verify.
    pub(super) fn guarded(&self) -> impl Iterator<Item = &Router> {
        self.routers.iter().filter(|router| self.asks(router))
    }

    /// Whether a router asks verify.
    pub(super) fn asks(&self, router: &Router) -> bool {
        self.passed(router).iter().any(|middleware| middleware.forward_auth.is_some())
    }

    /// The middlewares that ask verify, each once.
    pub(super) fn forward_auths(&self) -> impl Iterator<Item = (&str, &ForwardAuth)> {
        self.middlewares.values().filter_map(|middleware| {
            Some((middleware.name.as_str(), middleware.forward_auth.as_ref()?))
        })
    }

    /// Entry points at which pages are that need a session: those that users come to.
    pub(super) fn public(&self) -> impl Iterator<Item = &EntryPoint> {
        let names: BTreeSet<&str> =
            self.guarded().flat_map(|router| &router.using).map(String::as_str).collect();
        self.entry_points
            .iter()
            .filter(move |entry_point| names.contains(entry_point.name.as_str()))
    }

    /// Whether a router is at an entry point that users come to.
    pub(super) fn is_public(&self, router: &Router) -> bool {
        self.public().any(|entry_point| router.using.contains(&entry_point.name))
    }
}

impl Router {
    /// The service's name, with its provider.
    pub(super) fn target(&self) -> String {
        qualified(&self.service, &self.provider)
    }
}

impl Headers {
    /// Whether the header is taken away from requests. Traefik compares names as HTTP does.
    pub(super) fn blanks(&self, name: &str) -> bool {
        let mut blank = self.of_requests.iter();
        blank.any(|(blank, value)| value.is_empty() && blank.eq_ignore_ascii_case(name))
    }
}

impl Errors {
    /// Whether an answer with this status is replaced.
    pub(super) fn replaces(&self, status: u16) -> bool {
        self.status.iter().any(|range| {
            let (from, to) = range.split_once('-').unwrap_or((range, range));
            let (from, to) = (from.trim().parse::<u16>(), to.trim().parse::<u16>());
            from.is_ok_and(|from| from <= status) && to.is_ok_and(|to| status <= to)
        })
    }
}

fn qualified(name: &str, provider: &str) -> String {
    if name.contains('@') { name.to_owned() } else { format!("{name}@{provider}") }
}
