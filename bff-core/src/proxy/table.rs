//! Owns: `routes.yaml`, from file to lookup table.
//!
//! The most specific path wins, whatever the order in the file; two routes for one path and method
//! refuse the file. matchit does the matching; nothing is decoded or normalised on the way.

mod file;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, Uri};
use shell::config::{Problem, Settings, yaml};

use super::path::PlainPath;
use crate::error::ApiError;
use file::{AuthFile, CsrfFile, RouteFile, RoutesFile};

/// A service behind the proxy.
#[derive(Debug, Clone)]
pub(super) struct Service {
    pub(super) name: String,
    /// Scheme and authority, and a path that ends without a slash.
    pub(super) base_url: Uri,
    pub(super) timeout: Duration,
}

/// What a route asks of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Auth {
    Session,
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
    /// Whether the list `held`, separated by `separator`, satisfies them.
    pub(super) fn allow(&self, held: &[u8], separator: u8) -> bool {
        let has =
            |name: &String| held.split(|byte| *byte == separator).any(|one| one == name.as_bytes());
        (self.any.is_empty() || self.any.iter().any(has)) && self.all.iter().all(has)
    }
}

/// One route.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) id: String,
    pub(super) service: Arc<Service>,
    pub(super) auth: Auth,
    pub(super) strict_csrf: bool,
    pub(super) scopes: Needs,
    pub(super) roles: Needs,
    methods: Vec<Method>,
    upstream: Template,
}

/// Where the part behind `*` goes.
#[derive(Debug)]
enum Template {
    Fixed(String),
    Around(String, String),
}

/// A route, and the path at its service.
#[derive(Debug)]
pub(super) struct Matched {
    pub(super) route: Arc<Route>,
    pub(super) upstream_path: String,
}

/// All routes.
#[derive(Debug, Default)]
pub struct RouteTable {
    paths: matchit::Router<Vec<Arc<Route>>>,
}

impl RouteTable {
    /// `routes.yaml` in `BFF_CONFIG_DIR`; empty if there is no such file.
    pub fn read(settings: &mut Settings) -> Option<Self> {
        let directory = settings.text("BFF_CONFIG_DIR");
        let path = Path::new(directory.as_deref().unwrap_or("/app/config")).join("routes.yaml");
        if !path.exists() {
            return Some(Self::default());
        }
        let table = yaml::load::<RoutesFile>(&path, settings)
            .map_err(|problem| vec![problem])
            .and_then(|file| Self::build(&file));
        match table {
            Ok(table) => Some(table),
            Err(problems) => {
                for problem in problems {
                    settings.add(problem);
                }
                None
            }
        }
    }

    /// Builds the table, or says everything that is wrong with the file.
    fn build(file: &RoutesFile) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut by_path: Vec<(String, Vec<Arc<Route>>)> = Vec::new();
        for (index, entry) in file.routes.iter().enumerate() {
            let place = place(index, entry);
            match route(entry, file) {
                Err(found) => problems.extend(found.into_iter().map(|what| what.at(&place))),
                Ok(route) => match add(&mut by_path, &entry.path, route) {
                    Ok(()) => {}
                    Err(what) => problems.push(what.at(&place)),
                },
            }
        }
        let mut table = Self::default();
        for (path, routes) in by_path {
            let place = format!("routes.yaml: path {path}");
            if let Err(error) = table.paths.insert(pattern(&path), routes) {
                let what = What::new(&error.to_string(), "Write a path such as /api/orders/*.");
                problems.push(what.at(&place));
            }
        }
        if problems.is_empty() { Ok(table) } else { Err(problems) }
    }

    /// The route of `method path`.
    pub(super) fn find(&self, path: &PlainPath, method: &Method) -> Result<Matched, ApiError> {
        let found = self.paths.at(path.as_str()).map_err(|_| ApiError::NotFound)?;
        let route = found
            .value
            .iter()
            .find(|route| route.methods.contains(method))
            .ok_or(ApiError::MethodNotAllowed)?;
        let rest = found.params.get(REST).unwrap_or_default();
        let upstream_path = match &route.upstream {
            Template::Fixed(path) => path.clone(),
            Template::Around(before, after) => format!("{before}{rest}{after}"),
        };
        Ok(Matched { route: Arc::clone(route), upstream_path })
    }
}

/// matchit's name for the part behind `*`.
const REST: &str = "rest";

/// A path of the file as matchit writes it. A brace in a file's path is no pattern of ours.
fn pattern(path: &str) -> String {
    let escaped = path.replace('{', "{{").replace('}', "}}");
    match escaped.strip_suffix('*') {
        Some(prefix) => format!("{prefix}{{*{REST}}}"),
        None => escaped,
    }
}

/// What is wrong with an entry, and what to do.
struct What {
    problem: String,
    hint: &'static str,
}

impl What {
    fn new(problem: &str, hint: &'static str) -> Self {
        Self { problem: problem.to_owned(), hint }
    }

    fn at(self, place: &str) -> Problem {
        Problem { path: place.to_owned(), problem: self.problem, hint: self.hint.to_owned() }
    }
}

fn place(index: usize, entry: &RouteFile) -> String {
    match &entry.id {
        Some(id) => format!("routes.yaml: route {id}"),
        None => format!("routes.yaml: routes[{index}]"),
    }
}

fn add(by_path: &mut Vec<(String, Vec<Arc<Route>>)>, path: &str, route: Route) -> Result<(), What> {
    let Some((_, routes)) = by_path.iter_mut().find(|(known, _)| known == path) else {
        by_path.push((path.to_owned(), vec![Arc::new(route)]));
        return Ok(());
    };
    let shared = route
        .methods
        .iter()
        .find(|method| routes.iter().any(|other| other.methods.contains(method)));
    if let Some(method) = shared {
        let problem = format!("has {method} on a path that another route has it on");
        return Err(What::new(&problem, "Give each path and method to one route."));
    }
    routes.push(Arc::new(route));
    Ok(())
}

fn route(entry: &RouteFile, file: &RoutesFile) -> Result<Route, Vec<What>> {
    let mut wrong = entry.not_available();
    let path_ok = entry.path.strip_suffix("/*").unwrap_or(&entry.path);
    let is_root = entry.path == "/*";
    if entry.path.contains("**")
        || path_ok.contains('*')
        || (!is_root && PlainPath::parse(path_ok).is_none())
    {
        wrong.push(What::new(
            "has a path that is not plain, or a * that is not its last segment",
            "Write a path such as /api/orders or /api/orders/*.",
        ));
    }
    let service = file
        .services
        .get(&entry.target_service)
        .map(|service| service.parse(&entry.target_service));
    let service = match service {
        None => {
            wrong.push(What::new(
                "names a target_service that is not under services",
                "Add the service, or correct the name.",
            ));
            None
        }
        Some(Err(what)) => {
            wrong.push(what);
            None
        }
        Some(Ok(service)) => Some(service),
    };
    let methods = methods(&entry.methods, &mut wrong);
    let upstream = template(entry, &mut wrong);
    let auth = match entry.auth {
        AuthFile::Session => Auth::Session,
        AuthFile::Optional => Auth::Optional,
        AuthFile::None | AuthFile::Bearer | AuthFile::Hybrid => Auth::None,
    };
    match service {
        Some(service) if wrong.is_empty() => Ok(Route {
            id: entry.id.clone().unwrap_or_else(|| entry.path.clone()),
            service: Arc::new(service),
            auth,
            strict_csrf: matches!(entry.csrf, Some(CsrfFile::Strict)),
            scopes: entry.scopes.clone().unwrap_or_default().into(),
            roles: entry.roles.clone().unwrap_or_default().into(),
            methods,
            upstream,
        }),
        _ => Err(wrong),
    }
}

fn methods(names: &[String], wrong: &mut Vec<What>) -> Vec<Method> {
    const KNOWN: [Method; 7] = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
    ];
    if names.is_empty() {
        wrong.push(What::new("lists no methods", "For example methods: [GET, POST]."));
    }
    let mut methods = Vec::new();
    for name in names {
        match KNOWN.iter().find(|known| known.as_str() == name) {
            Some(method) => methods.push(method.clone()),
            None => wrong.push(What::new(
                "lists a method that is not known",
                "Use GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS, in capitals.",
            )),
        }
    }
    methods
}

fn template(entry: &RouteFile, wrong: &mut Vec<What>) -> Template {
    let open = entry.path.ends_with("/*");
    let prefix = entry.path.trim_end_matches('*');
    let Some(upstream) = &entry.upstream_path else {
        // Without a template the service sees the path that the browser sent.
        return if open {
            Template::Around(prefix.to_owned(), String::new())
        } else {
            Template::Fixed(entry.path.clone())
        };
    };
    let mut parts = upstream.split("{path}");
    let (before, after) = (parts.next().unwrap_or_default(), parts.next());
    let odd = upstream.replace("{path}", "").contains(['{', '}', '*', '?', '#', '%', '\\']);
    if parts.next().is_some() || odd || !upstream.starts_with('/') || after.is_some() && !open {
        wrong.push(What::new(
            "has an upstream_path that cannot be used",
            "Begin with /; {path} may stand once, where the path ends in /*.",
        ));
    }
    match after {
        Some(after) => Template::Around(before.to_owned(), after.to_owned()),
        None => Template::Fixed(upstream.clone()),
    }
}

#[cfg(test)]
mod tests;
