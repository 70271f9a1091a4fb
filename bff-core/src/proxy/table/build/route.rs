//! Owns: from an entry of the file to a route.

use std::sync::{Arc, OnceLock};

use http::Method;

use super::super::file::{AuthFile, CsrfFile, NeedsFile, RouteFile, Scalar, span};
use super::super::{Auth, Injection, Piece, PlainPath, Route, RouteLimit, Template};
use super::{Services, What};
use crate::limits::{Key, RuleFile};
use crate::own_paths;

pub(super) fn route(entry: &RouteFile, services: &Services) -> Result<Route, Vec<What>> {
    let mut wrong = Vec::new();
    check_path(&entry.path, &mut wrong);
    let service = services.get(&entry.target_service);
    if service.is_none() {
        wrong.push(What::new(
            "names a target_service that is not under services",
            "Add the service, or correct the name.",
        ));
    }
    check_callers(entry, &mut wrong);
    let methods = methods(&entry.methods, &mut wrong);
    let injection = injection(entry, &methods, &mut wrong);
    let upstream = match &injection {
        Some(injection) if !injection.path.is_empty() => filled(entry, injection, &mut wrong),
        _ => template(entry, &mut wrong),
    };
    if entry.websocket {
        check_websocket(entry, &methods, &mut wrong);
    }
    let mut time = |name, value: &Option<Scalar>| {
        span(name, value.as_ref()).unwrap_or_else(|what| {
            wrong.push(what);
            None
        })
    };
    let timeout = time("a timeout", &entry.timeout);
    let idle_timeout = time("an idle_timeout", &entry.idle_timeout);
    let id = entry.id.clone().unwrap_or_else(|| entry.path.clone());
    let limit = limit(entry, &id, &mut wrong);
    let shaping = entry.response.as_ref().and_then(|response| match response.parse() {
        Ok(shaping) => Some(shaping),
        Err(what) => {
            wrong.push(what);
            None
        }
    });
    let auth = match entry.auth {
        AuthFile::Session => Auth::Session,
        AuthFile::Optional => Auth::Optional,
        AuthFile::Bearer => Auth::Bearer,
        AuthFile::Hybrid => Auth::Hybrid,
        AuthFile::None => Auth::None,
    };
    match service {
        Some(Some(service)) if wrong.is_empty() => Ok(Route {
            id,
            path: entry.path.clone(),
            service: Arc::clone(service),
            auth,
            strict_csrf: matches!(entry.csrf, Some(CsrfFile::Strict)),
            scopes: entry.scopes.clone().unwrap_or_default().into(),
            roles: entry.roles.clone().unwrap_or_default().into(),
            timeout: timeout.unwrap_or(service.timeout),
            idle_timeout: idle_timeout.unwrap_or(service.idle_timeout),
            websocket: entry.websocket,
            limit,
            idps: entry.idps.clone(),
            tenants: entry.tenants.clone(),
            injection,
            shaping,
            methods,
            upstream,
            told: OnceLock::new(),
        }),
        _ => Err(wrong),
    }
}

fn limit(entry: &RouteFile, id: &str, wrong: &mut Vec<What>) -> RouteLimit {
    let Some(written) = entry.rate_limit else { return RouteLimit::Default };
    let key = written.key().unwrap_or_default();
    let nobody = entry.auth == AuthFile::None && matches!(key, Key::Session | Key::User);
    if nobody && written != RuleFile::Off {
        wrong.push(What::new(
            "counts by session or user where nobody is signed in",
            "Write key: ip in its rate_limit.",
        ));
    }
    match written.rule("route", &format!("route:{id}")) {
        Ok(Some(rule)) => RouteLimit::Own(rule, key),
        Ok(None) => RouteLimit::Off,
        Err(problem) => {
            let problem = format!("has a rate_limit that {problem}");
            wrong.push(What::new(&problem, "For example { limit: 100, window: 1m }, or off."));
            RouteLimit::Off
        }
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
    if own_paths::is_of_tenant(fixed) || own_paths::is_of_nobody(path) {
        wrong.push(What::new(
            "has a path that bff answers itself",
            "Keep /auth, /api/auth, /api/v1/metrics, /health and /.well-known/jwks.json free.",
        ));
    }
}

/// Who may come, and of whom what is asked.
fn check_callers(entry: &RouteFile, wrong: &mut Vec<What>) {
    // Where nobody needs to be signed in, who lacks a right would come in by signing out.
    let lets_anybody_in = matches!(entry.auth, AuthFile::None | AuthFile::Optional);
    if lets_anybody_in && entry.asks_for_rights() {
        wrong.push(What::new(
            "asks for scopes or roles where nobody needs to be signed in",
            "Set auth: session, or remove them.",
        ));
    }
    let mut needs = entry.scopes.iter().chain(&entry.roles);
    if !needs.all(NeedsFile::is_meant) {
        wrong.push(What::new(
            "asks for scopes or roles without naming any",
            "Give a list under any or all, without empty entries, or remove the key.",
        ));
    }
    if !entry.idps.is_empty() && !matches!(entry.auth, AuthFile::Bearer | AuthFile::Hybrid) {
        wrong.push(What::new(
            "names idps where no bearer token is taken",
            "Set auth: bearer or hybrid, or remove them.",
        ));
    }
    if entry.tenants.as_ref().is_some_and(Vec::is_empty) {
        wrong.push(What::new(
            "has a list of tenants without one",
            "Name those that see it, or remove tenants: then all do.",
        ));
    }
}

/// A handshake is a GET, and no script can give it a header.
fn check_websocket(entry: &RouteFile, methods: &[Method], wrong: &mut Vec<What>) {
    if !methods.contains(&Method::GET) {
        wrong.push(What::new("has websocket: true without GET", "Add GET to its methods."));
    }
    if entry.response.is_some() {
        wrong.push(What::new(
            "has websocket: true beside response",
            "What a socket carries is not shaped; leave one of them out.",
        ));
    }
    if entry.csrf == Some(CsrfFile::Strict) {
        wrong.push(What::new(
            "has websocket: true beside csrf: strict",
            "A browser cannot send the CSRF header with a handshake; leave one of them out.",
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

fn injection(entry: &RouteFile, methods: &[Method], wrong: &mut Vec<What>) -> Option<Injection> {
    let injection = match entry.inject.as_ref()?.parse() {
        Ok(injection) => injection,
        Err(what) => {
            wrong.push(what);
            return None;
        }
    };
    if matches!(entry.auth, AuthFile::None | AuthFile::Bearer) {
        wrong.push(What::new(
            "has an inject where there is no session to know anything of",
            "Set auth: session, or remove it.",
        ));
    }
    let with_body = [Method::POST, Method::PUT, Method::PATCH];
    if !injection.json.is_empty() && !methods.iter().all(|method| with_body.contains(method)) {
        wrong.push(What::new(
            "has an inject into JSON bodies, and methods without one",
            "Give POST, PUT and PATCH a route of their own.",
        ));
    }
    Some(injection)
}

/// A template in which every value that is injected into the path is a segment.
fn filled(entry: &RouteFile, injection: &Injection, wrong: &mut Vec<What>) -> Template {
    let upstream = entry.upstream_path.as_deref().unwrap_or_default();
    let open = entry.path.ends_with("/*");
    let mut pieces = vec![Piece::Fixed("/".to_owned())];
    let mut usable = upstream.starts_with('/');
    for (index, segment) in upstream.split('/').skip(1).enumerate() {
        if index > 0 {
            pieces.push(Piece::Fixed("/".to_owned()));
        }
        let name = segment.strip_prefix('{').and_then(|segment| segment.strip_suffix('}'));
        let odd = segment.contains(['{', '}', '*', '?', '#', '%', '\\']);
        pieces.push(match name {
            Some("path") if open && !pieces.contains(&Piece::Rest) => Piece::Rest,
            Some(name) if injection.path.iter().any(|(known, _)| known == name) => {
                Piece::Value(name.to_owned())
            }
            None if !odd => Piece::Fixed(segment.to_owned()),
            _ => {
                usable = false;
                continue;
            }
        });
    }
    let stands = |name: &String| pieces.contains(&Piece::Value(name.clone()));
    if !usable || !injection.path.iter().all(|(name, _)| stands(name)) {
        wrong.push(What::new(
            "has an inject into the path whose upstream_path does not fit",
            "Let each name stand as a segment of its own: upstream_path: /accounts/{account}/{path}.",
        ));
    }
    Template::Filled(pieces)
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
