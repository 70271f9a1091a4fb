//! Owns: what is wrong with routers, and with Traefik itself.

use http::Uri;

use super::super::finding::{Check, Seen};
use super::super::names::IDENTITY;
use super::model::{Edge, Middleware, Router};

pub(super) const VERSION: Check = Check {
    id: "admin-version",
    asks: "Traefik's version",
    why: "before 3.7.13 nothing takes away `X_User_ID` and its kind (CVE-2026-88011)",
    fix: "# Traefik 3.7.13 or newer",
};

pub(super) const REFUSED: Check = Check {
    id: "admin-refused",
    asks: "routers and middlewares that Traefik would not take",
    why: "what is written is not in force: a router with an unknown middleware does not exist",
    fix: "# Mend what the error names; Traefik logs it as well.",
};

pub(super) const WITHOUT_AUTH: Check = Check {
    id: "admin-without-auth",
    asks: "routers without ForwardAuth that lead to a service which others protect",
    why: "there is a way around verify",
    fix: "\
http:
  routers:
    the-router-that-is-named:
      middlewares: [security-headers, content-security, rate-ip, wicketgate-auth, drop-cookies]",
};

pub(super) const TLS: Check = Check {
    id: "admin-router-tls",
    asks: "routers with ForwardAuth that are not over TLS",
    why: "the session's cookie goes over the network in plain text",
    fix: "\
http:
  routers:
    the-router-that-is-named: { entryPoints: [websecure], tls: {} }",
};

pub(super) const ORDER: Check = Check {
    id: "admin-order",
    asks: "the order of middlewares around ForwardAuth",
    why: "a middleware on the wrong side does not do what it is there for",
    fix: "\
http:
  routers:
    protected:
      middlewares: [security-headers, content-security, cors, rate-ip, wicketgate-auth, rate-user, drop-cookies, breaker, retry-connect]",
};

pub(super) const VERIFY_ROUTED: Check = Check {
    id: "admin-verify-routed",
    asks: "routers that lead to verify",
    why: "an outsider can ask verify, and so try out stolen cookies and forge forwarding headers",
    fix: "# Verify needs no router: Traefik asks it at the address of wicketgate-auth.",
};

pub(super) const INTERNAL_ROUTED: Check = Check {
    id: "admin-internal-routed",
    asks: "Traefik's API, dashboard, metrics, ping and REST provider at entry points with ForwardAuth",
    why: "what is meant for operators answers everybody",
    fix: "\
# static.yml
entryPoints:
  internal: { address: \"127.0.0.1:8082\" }
ping: { entryPoint: internal }
metrics: { prometheus: { entryPoint: internal } }
api: { insecure: false, dashboard: false }",
};

/// Statuses of verify's own, with a challenge, a cookie or a time in their headers.
const VERIFY_SAYS: [u16; 5] = [302, 401, 403, 421, 503];

const OLDEST: [u32; 3] = [3, 7, 13];

pub(super) fn version(edge: &Edge) -> Seen {
    let version = &edge.version;
    let numbers = version.trim_start_matches('v').split(['.', '-']).take(3);
    let numbers: Option<Vec<u32>> = numbers.map(|number| number.parse().ok()).collect();
    match numbers {
        Some(numbers) if numbers.as_slice() < OLDEST.as_slice() => Seen::bad(version),
        Some(_) => Seen::good(version),
        None => Seen::unknown(version),
    }
}

pub(super) fn refused(edge: &Edge) -> Seen {
    let routers = edge.routers.iter().filter(|router| router.status != "enabled");
    let routers = routers.map(|router| format!("{}: {}", router.name, router.error.join(", ")));
    let middlewares = edge.middlewares.values().filter(|middleware| !middleware.error.is_empty());
    let middlewares = middlewares
        .map(|middleware| format!("{}: {}", middleware.name, middleware.error.join(", ")));
    let found: Vec<String> = routers.chain(middlewares).collect();
    Seen::bad_if_any(&found, "all are in force")
}

pub(super) fn without_auth(edge: &Edge) -> Seen {
    let guarded: Vec<String> = edge.guarded().map(Router::target).collect();
    let open = edge.routers.iter().filter(|router| !edge.asks(router));
    let found: Vec<String> = open
        .filter(|router| guarded.contains(&router.target()))
        .map(|router| format!("{} leads to {}", router.name, router.target()))
        .collect();
    Seen::bad_if_any(&found, "each protected service is behind ForwardAuth in every router")
}

pub(super) fn tls(edge: &Edge) -> Seen {
    let plain = edge.guarded().filter(|router| router.tls.is_none());
    let found: Vec<String> = plain.map(|router| router.name.clone()).collect();
    Seen::bad_if_any(&found, "all are over TLS")
}

pub(super) fn order(edge: &Edge) -> Seen {
    let (mut bad, mut odd) = (Vec::new(), Vec::new());
    for router in edge.guarded() {
        let passed = edge.passed(router);
        let at = passed.iter().position(|middleware| middleware.forward_auth.is_some());
        let (before, after) = passed.split_at_checked(at.unwrap_or_default()).unwrap_or_default();
        let told = |middleware: &Middleware, what: &str| {
            format!("{}: {} {what}", router.name, middleware.name)
        };
        for middleware in before {
            let headers = middleware.headers.as_ref();
            if headers.is_some_and(|headers| headers.blanks("Cookie")) {
                bad.push(told(middleware, "takes the cookie away before verify sees it"));
            }
            if is_by_user(middleware) {
                bad.push(told(middleware, "counts by X-User-ID before verify wrote it"));
            }
            if middleware.retry.is_some() {
                odd.push(told(middleware, "asks verify again with each try"));
            }
            if middleware.circuit_breaker.is_some() {
                odd.push(told(middleware, "closes the route when verify is away"));
            }
            let errors = middleware.errors.as_ref();
            if errors.is_some_and(|errors| VERIFY_SAYS.iter().any(|said| errors.replaces(*said))) {
                odd.push(told(middleware, "replaces what verify says"));
            }
        }
        for middleware in after {
            let Some(headers) = &middleware.headers else { continue };
            if IDENTITY.into_iter().any(|name| headers.blanks(name)) {
                bad.push(told(middleware, "takes away what verify wrote"));
            }
            if !headers.access_control_allow_methods.is_empty() {
                odd.push(told(middleware, "answers preflights that verify has refused before"));
            }
            if !headers.content_security_policy.is_empty() {
                odd.push(told(middleware, "does not reach what verify refuses"));
            }
        }
    }
    if bad.is_empty() {
        return Seen::warn_if_any(&odd, "as in traefik/dynamic.yml");
    }
    Seen::bad_if_any(&bad, "")
}

fn is_by_user(middleware: &Middleware) -> bool {
    let source = middleware.rate_limit.as_ref().and_then(|limit| limit.source_criterion.as_ref());
    source.is_some_and(|source| source.request_header_name.eq_ignore_ascii_case("X-User-ID"))
}

pub(super) fn verify_routed(edge: &Edge) -> Seen {
    let asked: Vec<String> =
        edge.forward_auths().filter_map(|(_, auth)| authority(&auth.address)).collect();
    let is_verify = |url: &str| authority(url).is_some_and(|authority| asked.contains(&authority));
    let services = edge.services.iter().filter(|service| {
        let servers = service.load_balancer.iter().flat_map(|balancer| &balancer.servers);
        servers.into_iter().any(|server| is_verify(&server.url))
    });
    let services: Vec<&str> = services.map(|service| service.name.as_str()).collect();
    let routers = edge.routers.iter().filter(|router| services.contains(&router.target().as_str()));
    let found: Vec<String> = routers.map(|router| router.name.clone()).collect();
    Seen::bad_if_any(&found, "none does")
}

/// Host and port.
fn authority(url: &str) -> Option<String> {
    let url: Uri = url.parse().ok()?;
    Some(url.authority()?.as_str().to_ascii_lowercase())
}

pub(super) fn internal_routed(edge: &Edge) -> Seen {
    let tools = [
        "api@internal",
        "dashboard@internal",
        "prometheus@internal",
        "ping@internal",
        "rest@internal",
    ];
    let routers = edge.routers.iter().filter(|router| {
        tools.contains(&router.target().as_str()) && !edge.asks(router) && edge.is_public(router)
    });
    let found: Vec<String> =
        routers.map(|router| format!("{} leads to {}", router.name, router.target())).collect();
    Seen::bad_if_any(&found, "none is")
}
