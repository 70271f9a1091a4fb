//! Owns: `upstreams` and `skip_auth_routes` as routes. What can be said otherwise only is left out and told: a regular
//! expression that is more than a beginning of a path opens nothing here.

use url::Url;

use super::made::{Made, Service};
use super::source::Given;
use super::value::go_seconds;
use crate::own_paths;
use crate::proxy;

/// All that a route can have.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// A route of `routes.yaml`.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) id: String,
    pub(super) path: String,
    /// The index of its service.
    pub(super) service: usize,
    pub(super) methods: Vec<&'static str>,
    pub(super) auth: &'static str,
    pub(super) websocket: bool,
}

/// An upstream that can be a service.
#[derive(Debug)]
pub(super) struct Upstream {
    origin: String,
    path: String,
}

/// What `skip_auth_routes` opens, and for which methods.
#[derive(Debug)]
pub(super) struct Open {
    path: String,
    is_exact: bool,
    methods: Vec<&'static str>,
}

/// One entry of `upstreams`.
///
/// # Errors
/// What to do in its place.
pub(super) fn upstream(entry: &str) -> Result<Upstream, &'static str> {
    let url = Url::parse(entry).map_err(|_| "is no URL: write its route yourself")?;
    match url.scheme() {
        "http" | "https" => {}
        "file" => {
            return Err(
                "is a directory of files: let a web server serve it, and Traefik lead there",
            );
        }
        "static" => return Err("is a fixed answer: give it by a web server behind Traefik"),
        "unix" => return Err("is a Unix socket: let the service listen on a port"),
        _ => return Err("is of a kind that is not known: write its route yourself"),
    }
    if url.username() != "" || url.password().is_some() {
        return Err("has a user or a password in its address: give the service another credential");
    }
    let path = url.path().to_owned();
    let own = own_paths::is_of_tenant(&path) || own_paths::is_of_nobody(&path);
    if own || !is_usable(&path) || url.query().is_some() || entry.contains("${") {
        return Err("has a path that bff answers itself, or cannot take: write its route yourself");
    }
    let origin = url.origin().ascii_serialization();
    Ok(Upstream { origin, path })
}

/// One entry of `skip_auth_routes` or `skip_auth_regex`: `^/path`, `^/path$`, `^/path/`, `^/path/.*`, with `GET=` before
/// it or not.
pub(super) fn open(entry: &str) -> Option<Open> {
    let (methods, pattern) = match entry.split_once('=') {
        Some((method, pattern)) => {
            (vec![METHODS.into_iter().find(|known| *known == method)?], pattern)
        }
        None => (METHODS.to_vec(), entry),
    };
    let path = pattern.strip_prefix('^')?;
    let (path, is_exact) = match path.strip_suffix('$') {
        Some(path) => (path, !path.ends_with(".*")),
        None => (path, false),
    };
    let path = path.strip_suffix(".*").unwrap_or(path);
    let path = path.replace("\\.", ".").replace("\\-", "-");
    let is_literal =
        !path.contains(['\\', '*', '+', '?', '(', ')', '[', ']', '{', '}', '|', '^', '$']);
    // A dot that is not escaped matches more than itself; what it matches besides stays closed.
    if !is_literal || !is_usable(&path) {
        return None;
    }
    Some(Open { path, is_exact, methods })
}

fn is_usable(path: &str) -> bool {
    proxy::is_plain(path) && !path.contains(['*', '{', '}'])
}

/// Whether anything is led to a service by `bff` itself.
pub(super) fn are_there(given: &Given) -> bool {
    given.list("upstreams").into_iter().any(|entry| upstream(entry).is_ok())
}

/// Makes the services and routes.
pub(super) fn make(given: &Given, made: &mut Made) {
    let timeout = go_seconds(given.one("upstream_timeout")).filter(|seconds| *seconds > 0);
    let upstreams: Vec<Upstream> =
        given.list("upstreams").into_iter().filter_map(|entry| upstream(entry).ok()).collect();
    made.services = upstreams
        .iter()
        .map(|upstream| Service { origin: upstream.origin.clone(), timeout })
        .collect();
    let opened =
        ["skip_auth_routes", "skip_auth_regex"].into_iter().flat_map(|name| given.list(name));
    let opened: Vec<Open> = opened.filter_map(open).collect();
    let mut paths: Vec<(String, usize)> = Vec::new();
    let mut note = |path: String, service| {
        if !paths.iter().any(|(known, _)| *known == path) {
            paths.push((path, service));
        }
    };
    for (index, upstream) in upstreams.iter().enumerate() {
        note(upstream.path.clone(), index);
        if upstream.path.ends_with('/') {
            note(format!("{}*", upstream.path), index);
        }
    }
    for (path, service) in opened.iter().flat_map(Open::paths).filter_map(|path| {
        let service = serving(&upstreams, path.trim_end_matches('*'))?;
        Some((path, service))
    }) {
        note(path, service);
    }
    let signed_in = if made.issuers.is_empty() { "session" } else { "hybrid" };
    for (path, service) in paths {
        let is_open = |method: &&str| {
            opened.iter().any(|open| open.methods.contains(method) && open.holds(&path))
        };
        let (free, closed): (Vec<_>, Vec<_>) = METHODS.into_iter().partition(is_open);
        let websocket = !given.is_off("proxy_websockets") && closed.contains(&"GET");
        for (methods, auth, websocket) in [(closed, signed_in, websocket), (free, "none", false)] {
            if !methods.is_empty() {
                let id = format!("{auth} {path}");
                made.routes.push(Route {
                    id,
                    path: path.clone(),
                    service,
                    methods,
                    auth,
                    websocket,
                });
            }
        }
    }
}

impl Open {
    /// The paths of routes that hold what is opened, and nothing besides. `*` holds one character or more.
    fn paths(&self) -> Vec<String> {
        let path = &self.path;
        match (self.is_exact, path.ends_with('/')) {
            (true, _) => vec![path.clone()],
            (false, true) => vec![path.clone(), format!("{path}*")],
            (false, false) => vec![path.clone(), format!("{path}/"), format!("{path}/*")],
        }
    }

    /// Whether all of the route's `path` is opened.
    fn holds(&self, path: &str) -> bool {
        match path.strip_prefix(&self.path) {
            Some("") => true,
            Some(rest) => !self.is_exact && (self.path.ends_with('/') || rest.starts_with('/')),
            None => false,
        }
    }
}

/// Which upstream a path belongs to: the longest of those that hold it.
fn serving(upstreams: &[Upstream], path: &str) -> Option<usize> {
    let holds = |upstream: &Upstream| {
        path == upstream.path || upstream.path.ends_with('/') && path.starts_with(&upstream.path)
    };
    let fitting = upstreams.iter().enumerate().filter(|(_, upstream)| holds(upstream));
    fitting.max_by_key(|(_, upstream)| upstream.path.len()).map(|(index, _)| index)
}
