//! Owns: which paths there are for whom. A tenant that a route names has a table of its own, in which the
//! routes of others are not: what is not there hides nothing, and the next best path is found.

use std::collections::HashMap;
use std::sync::Arc;

use http::Method;

use super::Route;

/// matchit's name for the part behind `*`.
pub(super) const REST: &str = "rest";

/// The routes of one path, each with methods of its own.
type Router = matchit::Router<Vec<Arc<Route>>>;

/// The paths of a table.
#[derive(Debug, Default)]
pub(super) struct Paths {
    /// Without the routes that are for some tenants alone.
    of_all: Router,
    /// Of each tenant that a route names: those, and its own.
    of_tenant: HashMap<String, Router>,
}

impl Paths {
    /// Those of `routes`, each with its path as the file has it. Answers the paths beside which it cannot
    /// stand, and why.
    pub(super) fn new(routes: &[(String, Arc<Route>)]) -> Result<Self, Vec<(String, String)>> {
        let mut wrong = Vec::new();
        let of_all = made_of(routes, None, &mut wrong);
        let mut of_tenant = HashMap::new();
        for tenant in routes.iter().flat_map(|(_, route)| route.tenants.iter().flatten()) {
            if !of_tenant.contains_key(tenant) {
                of_tenant.insert(tenant.clone(), made_of(routes, Some(tenant), &mut wrong));
            }
        }
        wrong.sort_unstable();
        wrong.dedup();
        if wrong.is_empty() { Ok(Self { of_all, of_tenant }) } else { Err(wrong) }
    }

    /// Those that are there at the hosts of `tenant`.
    pub(super) fn of(&self, tenant: &str) -> &Router {
        self.of_tenant.get(tenant).unwrap_or(&self.of_all)
    }
}

impl Route {
    /// Whether it is there at the hosts of `tenant`; of none, whether it is there for all.
    pub(super) fn is_of(&self, tenant: Option<&str>) -> bool {
        match (&self.tenants, tenant) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(tenants), Some(tenant)) => tenants.iter().any(|own| own == tenant),
        }
    }

    /// A method that both have at the hosts of one tenant.
    pub(super) fn shares_with<'a>(&'a self, other: &Self) -> Option<&'a Method> {
        let meet = match (&self.tenants, &other.tenants) {
            (Some(ours), Some(theirs)) => ours.iter().any(|tenant| theirs.contains(tenant)),
            (None, _) | (_, None) => true,
        };
        self.methods.iter().find(|method| meet && other.methods.contains(method))
    }
}

fn made_of(
    routes: &[(String, Arc<Route>)],
    tenant: Option<&str>,
    wrong: &mut Vec<(String, String)>,
) -> Router {
    let mut by_path: Vec<(&String, Vec<Arc<Route>>)> = Vec::new();
    for (path, route) in routes.iter().filter(|(_, route)| route.is_of(tenant)) {
        match by_path.iter_mut().find(|(known, _)| *known == path) {
            Some((_, routes)) => routes.push(Arc::clone(route)),
            None => by_path.push((path, vec![Arc::clone(route)])),
        }
    }
    let mut made = Router::new();
    for (path, routes) in by_path {
        if let Err(error) = made.insert(pattern(path), routes) {
            wrong.push((path.clone(), error.to_string()));
        }
    }
    made
}

/// A path of the file as matchit writes it. A brace in a file's path is no pattern of ours.
fn pattern(path: &str) -> String {
    let escaped = path.replace('{', "{{").replace('}', "}}");
    match escaped.strip_suffix('*') {
        Some(prefix) => format!("{prefix}{{*{REST}}}"),
        None => escaped,
    }
}
