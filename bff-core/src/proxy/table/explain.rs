//! Owns: saying which route a request would take, and what it would meet there (`bff explain`).

mod service;

use std::fmt::Write as _;

use http::Method;

use super::{
    Auth, Injection, Needs, PlainPath, Route, RouteLimit, RouteTable, ServiceToken, Shaping,
};

impl RouteTable {
    /// What `METHOD PATH` would meet at the hosts of `tenant`, for people.
    pub fn explain(&self, tenant: &str, method: &Method, path: &str) -> String {
        let Some(plain) = PlainPath::parse(path) else {
            return "400 path_unclear: two parsers could read this path differently\n".to_owned();
        };
        let matched = match self.find(tenant, plain, method) {
            Ok(matched) => matched,
            Err(error) => return format!("{} {}\n", error.status().as_u16(), error.reason()),
        };
        let route = &matched.route;
        let mut out = String::new();
        let mut line = |name: &str, value: &str| {
            // Writing to a `String` does not fail.
            let _infallible = writeln!(out, "{name:<9} {value}");
        };
        line("route", &route.id);
        if let Some(tenants) = &route.tenants {
            line("tenants", &tenants.join(", "));
        }
        line("service", &route.service.name);
        line(
            "upstream",
            &format!(
                "{}{}",
                route.service.base_url.to_string().trim_end_matches('/'),
                matched.upstream_path
            ),
        );
        line(
            "timeout",
            &format!("{:?} for the head, {:?} of silence", route.timeout, route.idle_timeout),
        );
        for (name, value) in route.call(method) {
            line(name, &value);
        }
        line(
            "auth",
            match route.auth {
                Auth::Session => "session: 401 without one",
                Auth::Bearer => "bearer: 401 without a token of the caller's own",
                Auth::Hybrid => {
                    "hybrid: a token of the caller's own decides; without one, the session"
                }
                Auth::Optional => "optional: a session's token if there is one",
                Auth::None => "none: no session is read and no token sent",
            },
        );
        if matches!(route.auth, Auth::Bearer | Auth::Hybrid) {
            let all = "all of idps.yaml with an audience".to_owned();
            line("issuers", &if route.idps.is_empty() { all } else { route.idps.join(", ") });
        }
        if route.auth != Auth::None {
            line(
                "csrf",
                if route.auth == Auth::Bearer {
                    "none: no browser sends the token by itself"
                } else if route.strict_csrf {
                    "strict: the header on every request"
                } else {
                    "the header, or Sec-Fetch-Site: same-origin on a safe method"
                },
            );
            line("scopes", &wanted(&route.scopes));
            line("roles", &wanted(&route.roles));
            line("token", &token(route.auth, &route.service.token));
        }
        line("limit", &limited(&route.limit, route.auth, tenant));
        let injection = route.injection.as_ref();
        line("inject", &injection.map_or_else(|| "nothing".to_owned(), Injection::describe));
        let shaping = route.shaping.as_ref();
        line("response", &shaping.map_or_else(|| "passed on".to_owned(), Shaping::describe));
        line("in", "without Cookie, Authorization, DPoP, identity and forwarding headers");
        line("out", &sent(route));
        out
    }
}

/// The headers of ours that its service sees.
fn sent(route: &Route) -> String {
    let mut names = Vec::new();
    if route.auth != Auth::None && route.service.token != ServiceToken::None {
        names.extend(["Authorization", "DPoP"]);
    }
    names.push("X-Request-Id");
    if route.auth != Auth::None {
        names.extend(["X-User-Id", "X-Tenant-Id", "X-Tenant-Slug", "X-Master-Flags"]);
    }
    if route.service.signing.seal.is_some() {
        let known = &route.service.signing.names;
        names.extend([known.signature.as_str(), known.timestamp.as_str()]);
    }
    names.join(", ")
}

fn token(auth: Auth, token: &ServiceToken) -> String {
    match (token, auth) {
        (ServiceToken::None, _) | (_, Auth::None) => "none".to_owned(),
        (ServiceToken::Context(audience), _) => format!("a context token for {audience}"),
        (ServiceToken::Exchange(target), _) => match &target.scope {
            Some(scope) => format!("one for {} and {scope}, exchanged", target.audience),
            None => format!("one for {}, exchanged", target.audience),
        },
        (ServiceToken::Session, Auth::Bearer) => "the caller's, as it came".to_owned(),
        (ServiceToken::Session, Auth::Hybrid) => {
            "the caller's, as it came; else the session's access token".to_owned()
        }
        (ServiceToken::Session, Auth::Session | Auth::Optional) => {
            "the session's access token, Bearer or DPoP as the IdP gave it".to_owned()
        }
    }
}

fn limited(limit: &RouteLimit, auth: Auth, tenant: &str) -> String {
    let default = if tenant.is_empty() {
        "rate_limits.proxy of bff.yaml"
    } else {
        "rate_limits.proxy of the tenant, else of bff.yaml"
    };
    match limit {
        RouteLimit::Default if auth == Auth::None => "none".to_owned(),
        RouteLimit::Default if auth == Auth::Bearer => format!("{default}, by user"),
        RouteLimit::Default => format!("{default}, by session"),
        RouteLimit::Off => "none".to_owned(),
        RouteLimit::Own(rule, key) => {
            let quota = rule.quota();
            format!("{} in {:?}, by {}", quota.limit(), quota.window(), key.as_str())
        }
    }
}

fn wanted(needs: &Needs) -> String {
    match (needs.any.is_empty(), needs.all.is_empty()) {
        (true, true) => "nothing in particular".to_owned(),
        (false, true) => format!("any of {}", needs.any.join(", ")),
        (true, false) => format!("all of {}", needs.all.join(", ")),
        (false, false) => {
            format!("any of {}, and all of {}", needs.any.join(", "), needs.all.join(", "))
        }
    }
}
