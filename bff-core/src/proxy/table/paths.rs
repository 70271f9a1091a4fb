//! Owns: which paths there are for whom. A tenant that a route names has a table of its own, in which the
//! routes of others are not: what is not there hides nothing, and the next best path is found.
//!
//! Services decode what we pass on as it was spelt. So a path whose decoded form is another route's is
//! nobody's: it would be judged by the one and answered as the other (class T2).

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use http::Method;

use super::{PlainPath, Route};
use crate::error::ApiError;
use crate::own_paths;

/// matchit's name for the part behind `*`.
const REST: &str = "rest";

/// The routes of one path, each with methods of its own.
type Router = matchit::Router<Vec<Arc<Route>>>;

/// The paths of a table.
#[derive(Debug, Default)]
pub(super) struct Paths {
    /// Without the routes that are for some tenants alone.
    of_all: Spellings,
    /// Of each tenant that a route names: those, and its own.
    of_tenant: HashMap<String, Spellings>,
}

/// The paths that there are for somebody.
#[derive(Debug, Default)]
pub(super) struct Spellings {
    /// As they are spelt.
    spelt: Router,
    /// As a service reads them.
    decoded: Router,
    /// Whether a path of the file is not spelt as it is read.
    has_escapes: bool,
}

/// What stands at a path.
pub(super) struct Found<'t, 'p> {
    /// The routes, each with methods of its own. Never empty.
    pub(super) routes: &'t [Arc<Route>],
    /// What is behind the part that the file has.
    pub(super) rest: &'p str,
}

impl Spellings {
    /// What stands at `path`.
    ///
    /// # Errors
    /// [`ApiError::NotFound`], or `path_unclear` where another route stands at what it decodes to.
    pub(super) fn at<'t, 'p>(&'t self, path: PlainPath<'p>) -> Result<Found<'t, 'p>, ApiError> {
        let found = self.spelt.at(path.as_str()).map_err(|_| ApiError::NotFound)?;
        let (routes, rest) = (found.value, found.params.get(REST).unwrap_or_default());
        if (self.has_escapes || path.as_str().contains('%')) && !self.is_read_as(path, routes) {
            return Err(ApiError::BadRequest("path_unclear"));
        }
        Ok(Found { routes, rest })
    }

    /// Whether `routes` are what stands at `path` for who decodes it, and it is none of our own then.
    fn is_read_as(&self, path: PlainPath<'_>, routes: &[Arc<Route>]) -> bool {
        let read = decoded(path.as_str());
        if own_paths::is_of_tenant(&read) || own_paths::is_of_nobody(&read) {
            return false;
        }
        let read = self.decoded.at(&read).ok().and_then(|found| found.value.first());
        routes.first().zip(read).is_some_and(|(one, other)| Arc::ptr_eq(one, other))
    }

    fn insert(&mut self, path: &str, routes: Vec<Arc<Route>>) -> Result<(), String> {
        let (fixed, open) = match path.strip_suffix('*') {
            Some(fixed) => (fixed, true),
            None => (path, false),
        };
        let read = decoded(fixed);
        self.has_escapes |= read != fixed;
        let spelt = self.spelt.insert(pattern(fixed, open), routes.clone());
        spelt.map_err(|error| error.to_string())?;
        let same = |_| "is read as the path of another route once it is decoded".to_owned();
        self.decoded.insert(pattern(&read, open), routes).map_err(same)
    }

    /// Lets what `*` stands for in `path` be empty, unless a path of the file is spelt so.
    fn insert_empty(&mut self, path: &str, routes: &[Arc<Route>]) {
        let Some(fixed) = path.strip_suffix('*') else { return };
        for (router, fixed) in [(&mut self.spelt, fixed), (&mut self.decoded, &*decoded(fixed))] {
            // An error says that there is one.
            let _is_new = router.insert(pattern(fixed, false), routes.to_vec()).is_ok();
        }
    }
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
    pub(super) fn of(&self, tenant: &str) -> &Spellings {
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
) -> Spellings {
    let mut by_path: Vec<(&String, Vec<Arc<Route>>)> = Vec::new();
    for (path, route) in routes.iter().filter(|(_, route)| route.is_of(tenant)) {
        match by_path.iter_mut().find(|(known, _)| *known == path) {
            Some((_, routes)) => routes.push(Arc::clone(route)),
            None => by_path.push((path, vec![Arc::clone(route)])),
        }
    }
    let mut made = Spellings::default();
    for (path, routes) in &by_path {
        if let Err(problem) = made.insert(path, routes.clone()) {
            wrong.push(((*path).clone(), problem));
        }
    }
    for (path, routes) in &by_path {
        made.insert_empty(path, routes);
    }
    made
}

/// A path of the file as matchit writes it. A brace in a file's path is no pattern of ours.
fn pattern(fixed: &str, open: bool) -> String {
    let escaped = fixed.replace('{', "{{").replace('}', "}}");
    if open { format!("{escaped}{{*{REST}}}") } else { escaped }
}

/// A plain path as a service reads it. No escape of one is a slash, or not UTF-8.
fn decoded(path: &str) -> Cow<'_, str> {
    percent_encoding::percent_decode_str(path).decode_utf8_lossy()
}
