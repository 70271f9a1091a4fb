//! Owns: `routes.yaml`, from file to lookup table.
//!
//! The most specific path wins, whatever the order in the file; two routes for one path and method
//! refuse the file. matchit does the matching; nothing is decoded or normalised on the way.

mod agree;
mod build;
mod clients;
mod explain;
mod file;
mod given;
mod known;
mod paths;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::{HeaderValue, Method, Uri};
use shell::config::{Problem, Settings, yaml};
use shell::reach::Peer;

use super::inject::Injection;
use super::path::PlainPath;
use super::shape::Shaping;
use super::sign::Signing;
use super::upstream::Backend;
use crate::error::ApiError;
use crate::exchanges::Target;
use crate::http_client::HttpSetupError;
use crate::limits::{Key, Rule};
use crate::metrics::Proxied;
pub(crate) use clients::Clients;
#[cfg(test)]
pub(crate) use file::RoutesFile;
#[cfg(not(test))]
use file::RoutesFile;
use given::Given;
use paths::{Found, Paths};

/// A service behind the proxy.
#[derive(Debug, Clone)]
pub(super) struct Service {
    pub(super) name: String,
    /// Scheme and authority, and a path that ends without a slash.
    pub(super) base_url: Uri,
    /// For the head of an answer, unless the route says otherwise.
    pub(super) timeout: Duration,
    /// Longest silence in a body or on a socket, likewise.
    pub(super) idle_timeout: Duration,
    pub(super) token: ServiceToken,
    pub(super) signing: Signing,
    /// Its connections, and what is known of its health.
    pub(super) backend: Arc<Backend>,
}

/// The token that a service is shown where a user is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ServiceToken {
    /// The session's access token, by the strategy.
    Session,
    /// A token of its own, exchanged for the session's or the caller's.
    Exchange(Target),
    /// A context token for this audience.
    Context(Arc<str>),
    /// None.
    None,
}

/// What a route asks of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Auth {
    Session,
    /// A token of the caller's own.
    Bearer,
    /// Such a token if there is one, else the session.
    Hybrid,
    Optional,
    None,
}

/// Names of which a caller needs any, and all.
#[derive(Debug, Clone, Default)]
pub(super) struct Needs {
    any: Vec<String>,
    all: Vec<String>,
}

impl Needs {
    /// Whether who has what `has` says satisfies them.
    pub(super) fn allow(&self, has: impl Fn(&str) -> bool) -> bool {
        (self.any.is_empty() || self.any.iter().any(|name| has(name)))
            && self.all.iter().all(|name| has(name))
    }

    /// Every name that is asked for.
    pub(super) fn names(&self) -> Vec<String> {
        self.any.iter().chain(&self.all).cloned().collect()
    }
}

/// How often a route may be called.
#[derive(Debug)]
pub(super) enum RouteLimit {
    /// As all routes together that say nothing of their own.
    Default,
    /// As often as one likes.
    Off,
    /// By a limit of its own.
    Own(Rule, Key),
}

/// One route.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) id: String,
    /// As the file has it.
    pub(super) path: String,
    pub(super) service: Arc<Service>,
    pub(super) auth: Auth,
    pub(super) strict_csrf: bool,
    pub(super) scopes: Needs,
    pub(super) roles: Needs,
    /// For the head of an answer.
    pub(super) timeout: Duration,
    /// Longest silence in a body or on a socket.
    pub(super) idle_timeout: Duration,
    /// Whether it may become one.
    pub(super) websocket: bool,
    pub(super) limit: RouteLimit,
    /// The entries of `idps.yaml` whose tokens it takes; all if empty.
    pub(super) idps: Vec<String>,
    /// The tenants at whose hosts it is there; all if absent.
    tenants: Option<Vec<String>>,
    /// What the server puts into a request.
    pub(super) injection: Option<Injection>,
    /// What the browser sees of an answer; all of it if absent.
    pub(super) shaping: Option<Shaping>,
    methods: Vec<Method>,
    upstream: Template,
    /// Not made with the table, which is read before there is anybody to count.
    told: OnceLock<Proxied>,
}

impl Route {
    /// What is counted of it.
    pub(super) fn told(&self) -> &Proxied {
        self.told.get_or_init(|| Proxied::of(&self.id))
    }
}

/// Where the part behind `*` goes.
#[derive(Debug)]
enum Template {
    Fixed(String),
    Around(String, String),
    /// With values of ours in it.
    Filled(Vec<Piece>),
}

/// A part of a path at a service.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Fixed(String),
    /// The part behind `*`.
    Rest,
    /// A value that is injected under this name.
    Value(String),
}

/// A route, and the path at its service.
#[derive(Debug)]
pub(super) struct Matched {
    pub(super) route: Arc<Route>,
    /// Without the values that are injected into it.
    pub(super) upstream_path: String,
    rest: String,
}

impl Matched {
    /// The path with `values` in it, each an encoded segment; `None` if one is not among them.
    pub(super) fn path_with(&self, values: &[(String, String)]) -> Option<String> {
        let Template::Filled(pieces) = &self.route.upstream else {
            return Some(self.upstream_path.clone());
        };
        let mut path = String::new();
        for piece in pieces {
            path.push_str(match piece {
                Piece::Fixed(text) => text,
                Piece::Rest => &self.rest,
                Piece::Value(name) => &values.iter().find(|(known, _)| known == name)?.1,
            });
        }
        Some(path)
    }
}

/// What became of a file.
pub(super) struct Made {
    pub(super) table: Result<RouteTable, Vec<Problem>>,
    /// The files that it names.
    pub(super) files: Vec<PathBuf>,
}

/// All routes.
#[derive(Debug, Default)]
pub struct RouteTable {
    services: BTreeMap<String, Arc<Service>>,
    routes: Vec<Arc<Route>>,
    paths: Paths,
    shows_context: bool,
}

impl RouteTable {
    /// Makes one of the text of a file, with the connections of services that are as they were `before`.
    pub(super) fn make(text: &str, settings: &mut Settings, before: Option<&Self>) -> Made {
        let given = Given::read(settings);
        match yaml::parse::<RoutesFile>("routes.yaml", text, settings) {
            Ok(file) => Made { table: build::table(&file, &given, before), files: file.files() },
            Err(problem) => Made { table: Err(vec![problem]), files: Vec::new() },
        }
    }

    /// Where each service is, by its name.
    pub(crate) fn peers(&self) -> Vec<(&str, Result<Peer, HttpSetupError>)> {
        let peer = |service: &Service| service.backend.options.peer(&service.base_url);
        self.services.iter().map(|(name, service)| (name.as_str(), peer(service))).collect()
    }

    /// Whether a service of a route is to be shown context tokens.
    pub(crate) const fn shows_context(&self) -> bool {
        self.shows_context
    }

    /// Makes what is counted of each route and service, so that it is there before anything happens. Install the
    /// metrics recorder first.
    pub(super) fn appear(&self) {
        for route in &self.routes {
            route.told();
            route.service.backend.appear(&route.service.name);
        }
    }

    /// The methods that `path` has at the hosts of `tenant`, as `Allow` lists them.
    pub(super) fn allowed(&self, tenant: &str, path: PlainPath<'_>) -> Option<HeaderValue> {
        let found = self.paths.of(tenant).at(path).ok()?;
        let methods = found.routes.iter().flat_map(|route| &route.methods);
        HeaderValue::try_from(methods.map(Method::as_str).collect::<Vec<_>>().join(",")).ok()
    }

    /// The route of `method path` at the hosts of `tenant`.
    pub(super) fn find(
        &self,
        tenant: &str,
        path: PlainPath<'_>,
        method: &Method,
    ) -> Result<Matched, ApiError> {
        let Found { routes, rest } = self.paths.of(tenant).at(path)?;
        let route = routes
            .iter()
            .find(|route| route.methods.contains(method))
            .ok_or(ApiError::MethodNotAllowed)?;
        let upstream_path = match &route.upstream {
            Template::Fixed(path) => path.clone(),
            Template::Around(before, after) => {
                let path = [before, rest, after].concat();
                // A slash at its end, or the like, may come to stand beside what the template has behind it.
                if !after.is_empty() && PlainPath::parse(&path).is_none() {
                    return Err(ApiError::BadRequest("path_unclear"));
                }
                path
            }
            Template::Filled(_) => template_text(&route.upstream),
        };
        let rest = if matches!(route.upstream, Template::Filled(_)) { rest } else { "" };
        Ok(Matched { route: Arc::clone(route), upstream_path, rest: rest.to_owned() })
    }
}

/// A path with places for values, as the file has it. No service is ever asked for it: a brace is not plain.
fn template_text(template: &Template) -> String {
    let Template::Filled(pieces) = template else { return String::new() };
    let text = |piece: &Piece| match piece {
        Piece::Fixed(text) => text.clone(),
        Piece::Rest => "{path}".to_owned(),
        Piece::Value(name) => format!("{{{name}}}"),
    };
    pieces.iter().map(text).collect()
}

#[cfg(test)]
mod tests;
