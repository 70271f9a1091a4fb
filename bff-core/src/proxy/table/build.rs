//! Owns: from the file to the table, and everything that can be wrong on the way.

mod route;

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use shell::config::Problem;

use super::file::{RouteFile, RoutesFile};
use super::given::Given;
use super::{Paths, Route, RouteTable, Service, ServiceToken};
use crate::http_client::system_roots;
use route::route;

/// Builds the table, or says everything that is wrong with the file.
///
/// Services that are as they were in `before` keep their connections and their health.
pub(super) fn table(
    file: &RoutesFile,
    given: &Given,
    before: Option<&RouteTable>,
) -> Result<RouteTable, Vec<Problem>> {
    let mut problems: Vec<Problem> =
        file.check_version().map(|what| what.at("routes.yaml: version")).into_iter().collect();
    let services = services(file, given, before, &mut problems);
    let mut routes = Vec::new();
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
                if let Err(what) = add(&mut routes, &entry.path, route) {
                    problems.push(what.at(&place));
                }
            }
        }
    }
    let kept = services.iter().filter_map(|(name, one)| Some((name.clone(), one.clone()?)));
    let mut table = RouteTable { services: kept.collect(), ..RouteTable::default() };
    let shows_context =
        |(_, route): &(String, Arc<Route>)| matches!(route.service.token, ServiceToken::Context(_));
    table.shows_context = routes.iter().any(shows_context);
    match Paths::new(&routes) {
        Ok(paths) => table.paths = paths,
        Err(wrong) => problems.extend(wrong.into_iter().map(|(path, problem)| {
            let what = What::new(&problem, "Write a path such as /api/orders/*.");
            what.at(&format!("routes.yaml: path {path}"))
        })),
    }
    table.routes = routes.into_iter().map(|(_, route)| route).collect();
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
pub(super) type Services = BTreeMap<String, Option<Arc<Service>>>;

fn services(
    file: &RoutesFile,
    given: &Given,
    before: Option<&RouteTable>,
    problems: &mut Vec<Problem>,
) -> Services {
    let mut services = Services::new();
    let system = OnceCell::new();
    let system = || Arc::clone(system.get_or_init(|| Arc::new(system_roots())));
    for (name, entry) in &file.services {
        let known = before.and_then(|table| table.services.get(name));
        let service = match entry.parse(name, given, &system, known) {
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

fn add(routes: &mut Vec<(String, Arc<Route>)>, path: &str, route: Route) -> Result<(), What> {
    let shared = routes
        .iter()
        .find_map(|(known, other)| if known == path { route.shares_with(other) } else { None });
    if let Some(method) = shared {
        let problem = format!("has {method} on a path that another route has it on");
        return Err(What::new(&problem, "Give each path and method to one route."));
    }
    routes.push((path.to_owned(), Arc::new(route)));
    Ok(())
}
