//! Owns: from the file to the table, and everything that can be wrong on the way.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use http::Method;
use shell::config::Problem;

use super::file::{AuthFile, CsrfFile, RouteFile, RoutesFile};
use super::{Auth, PlainPath, REST, Route, RouteTable, Service, Template};

/// Builds the table, or says everything that is wrong with the file.
pub(super) fn table(file: &RoutesFile) -> Result<RouteTable, Vec<Problem>> {
    let mut problems: Vec<Problem> =
        file.check_version().map(|what| what.at("routes.yaml: version")).into_iter().collect();
    let services = services(file, &mut problems);
    let mut by_path: Vec<(String, Vec<Arc<Route>>)> = Vec::new();
    let mut ids = HashSet::new();
    for (index, entry) in file.routes.iter().enumerate() {
        let place = place(index, entry);
        if entry.id.as_ref().is_some_and(|id| !ids.insert(id)) {
            let what = What::new("has the id of another route", "Give each route its own id.");
            problems.push(what.at(&place));
        }
        match route(entry, &services) {
            Err(found) => problems.extend(found.into_iter().map(|what| what.at(&place))),
            Ok(route) => {
                if let Err(what) = add(&mut by_path, &entry.path, route) {
                    problems.push(what.at(&place));
                }
            }
        }
    }
    let mut table = RouteTable::default();
    for (path, routes) in by_path {
        if let Err(error) = table.paths.insert(pattern(&path), routes) {
            let what = What::new(&error.to_string(), "Write a path such as /api/orders/*.");
            problems.push(what.at(&format!("routes.yaml: path {path}")));
        }
    }
    if problems.is_empty() { Ok(table) } else { Err(problems) }
}

/// What is wrong with an entry, and what to do.
pub(super) struct What {
    problem: String,
    hint: &'static str,
}

impl What {
    pub(super) fn new(problem: &str, hint: &'static str) -> Self {
        Self { problem: problem.to_owned(), hint }
    }

    fn at(self, place: &str) -> Problem {
        Problem { path: place.to_owned(), problem: self.problem, hint: self.hint.to_owned() }
    }
}

/// Services by name; one that is unusable is told and `None`, so that its routes do not say again
/// that it is missing.
type Services = BTreeMap<String, Option<Arc<Service>>>;

fn services(file: &RoutesFile, problems: &mut Vec<Problem>) -> Services {
    let mut services = Services::new();
    for (name, entry) in &file.services {
        let service = match entry.parse(name) {
            Ok(service) => Some(Arc::new(service)),
            Err(what) => {
                problems.push(what.at(&format!("routes.yaml: service {name}")));
                None
            }
        };
        services.insert(name.clone(), service);
    }
    services
}

fn place(index: usize, entry: &RouteFile) -> String {
    match &entry.id {
        Some(id) => format!("routes.yaml: route {id}"),
        None => format!("routes.yaml: routes[{index}]"),
    }
}

/// A path of the file as matchit writes it. A brace in a file's path is no pattern of ours.
fn pattern(path: &str) -> String {
    let escaped = path.replace('{', "{{").replace('}', "}}");
    match escaped.strip_suffix('*') {
        Some(prefix) => format!("{prefix}{{*{REST}}}"),
        None => escaped,
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

fn route(entry: &RouteFile, services: &Services) -> Result<Route, Vec<What>> {
    let mut wrong = entry.not_available();
    check_path(&entry.path, &mut wrong);
    let service = services.get(&entry.target_service);
    if service.is_none() {
        wrong.push(What::new(
            "names a target_service that is not under services",
            "Add the service, or correct the name.",
        ));
    }
    let asks_of_nobody = entry.auth == AuthFile::None && entry.asks_for_rights();
    if asks_of_nobody {
        wrong.push(What::new(
            "asks for scopes or roles where nobody is signed in",
            "Set auth: session, or remove them.",
        ));
    }
    let methods = methods(&entry.methods, &mut wrong);
    let upstream = template(entry, &mut wrong);
    let auth = match entry.auth {
        AuthFile::Session => Auth::Session,
        AuthFile::Optional => Auth::Optional,
        AuthFile::None | AuthFile::Bearer | AuthFile::Hybrid => Auth::None,
    };
    match service {
        Some(Some(service)) if wrong.is_empty() => Ok(Route {
            id: entry.id.clone().unwrap_or_else(|| entry.path.clone()),
            service: Arc::clone(service),
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

fn check_path(path: &str, wrong: &mut Vec<What>) {
    let fixed = path.strip_suffix("/*").unwrap_or(path);
    let plain = path == "/*" || PlainPath::parse(fixed).is_some();
    if !plain || fixed.contains('*') {
        wrong.push(What::new(
            "has a path that is not plain, or a * that is not its last segment",
            "Write a path such as /api/orders or /api/orders/*.",
        ));
    }
    let ours = ["/auth", "/api/auth"].iter().any(|own| {
        fixed == *own || fixed.strip_prefix(own).is_some_and(|rest| rest.starts_with('/'))
    });
    if ours || matches!(path, "/health" | "/.well-known/jwks.json") {
        wrong.push(What::new(
            "has a path that bff answers itself",
            "Keep /auth, /api/auth, /health and /.well-known/jwks.json free.",
        ));
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
