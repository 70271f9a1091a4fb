//! Owns: what is wrong with the entry points at which protected pages are.

use super::super::finding::{Check, Seen};
use super::super::names::IDENTITY;
use super::model::{Edge, EntryPoint};

pub(super) const STRIP: Check = Check {
    id: "admin-strip",
    asks: "at entry points with ForwardAuth: the headers that are taken from every request, on every router",
    why: "a router without ForwardAuth passes a client's own identity headers on, and verify hears a client's word about its request",
    fix: "\
# static.yml, with strip-identity of traefik/dynamic.yml; what a policy maps as well (WICKETGATE_HEADERS)
entryPoints:
  websecure:
    http:
      middlewares: [strip-identity@file]",
};

pub(super) const ALIAS: Check = Check {
    id: "admin-alias",
    asks: "at the same: `aliasHeadersStrategy`",
    why: "`X_User_ID` and `X.User.ID` are `X-User-ID` to CGI, WSGI, PHP and others",
    fix: "\
entryPoints:
  websecure:
    http:
      aliasHeadersStrategy: delete",
};

pub(super) const FORWARDED: Check = Check {
    id: "admin-forwarded",
    asks: "at the same: `forwardedHeaders`",
    why: "a client chooses the address by which it is judged, or takes the verified identity away",
    fix: "\
entryPoints:
  websecure:
    forwardedHeaders: { trustedIPs: [\"192.0.2.0/24\"] }   # the load balancer in front; without one, nothing
                                                        # neither `insecure` nor `connection`",
};

/// What ForwardAuth fills in again, if a client's is gone.
const ROUTE: [&str; 3] = ["X-Forwarded-Uri", "X-Forwarded-Method", "X-Forwarded-Prefix"];

pub(super) fn strip(edge: &Edge) -> Seen {
    let mapped = edge.forward_auths().flat_map(|(_, auth)| &auth.auth_response_headers);
    // A client's own Authorization is the service's, where no ForwardAuth is.
    let mapped =
        mapped.map(String::as_str).filter(|name| !name.eq_ignore_ascii_case("Authorization"));
    let mut wanted: Vec<&str> = IDENTITY.into_iter().chain(ROUTE).chain(mapped).collect();
    wanted.sort_unstable();
    wanted.dedup_by(|one, other| one.eq_ignore_ascii_case(other));
    let mut found = Vec::new();
    for entry_point in edge.public() {
        let passed = edge.passed_at(entry_point);
        let is_blanked = |name: &str| {
            let mut headers = passed.iter().filter_map(|middleware| middleware.headers.as_ref());
            headers.any(|headers| headers.blanks(name))
        };
        let kept = wanted.iter().filter(|name| !is_blanked(name));
        found.extend(kept.map(|name| format!("{}: {name}", entry_point.name)));
    }
    Seen::bad_if_any(&found, "all that verify writes is taken away first")
}

pub(super) fn alias(edge: &Edge) -> Seen {
    let strategy = |entry_point: &EntryPoint| match entry_point.http.alias_headers_strategy.as_str()
    {
        "delete" | "reject" => None,
        "" => Some(format!("{}: not set", entry_point.name)),
        other => Some(format!("{}: {other}", entry_point.name)),
    };
    let found: Vec<String> = edge.public().filter_map(strategy).collect();
    Seen::bad_if_any(&found, "set")
}

pub(super) fn forwarded(edge: &Edge) -> Seen {
    let mut found = Vec::new();
    for EntryPoint { name, forwarded_headers, .. } in edge.public() {
        if forwarded_headers.insecure {
            found.push(format!("{name}: insecure"));
        }
        let everybody = forwarded_headers.trusted.iter().filter(|network| network.ends_with("/0"));
        found.extend(everybody.map(|network| format!("{name}: trustedIPs has {network}")));
        let is_ours = |named: &&String| {
            IDENTITY.into_iter().any(|ours| ours.eq_ignore_ascii_case(named))
                || named.to_ascii_lowercase().starts_with("x-forwarded-")
        };
        let ours = forwarded_headers.connection.iter().filter(is_ours);
        found.extend(ours.map(|named| format!("{name}: connection has {named}")));
    }
    Seen::bad_if_any(&found, "nobody is believed who should not be")
}
