//! Owns: what is wrong with the middlewares that ask verify.

use super::super::finding::{Check, Seen};
use super::super::names::IDENTITY;
use super::model::{Edge, ForwardAuth};

pub(super) const ANSWER: Check = Check {
    id: "admin-answer",
    asks: "`authResponseHeaders`: is all of verify's identity in it, and no pattern?",
    why: "a header that is not in the list is the client's own; the pattern is case-sensitive and misses `X-User-Id`",
    fix: "\
http:
  middlewares:
    wicketgate-auth:
      forwardAuth:
        authResponseHeaders: [X-User-ID, X-Session-ID, X-Auth-Time, X-Tenant-Id, X-Tenant-Slug, X-User-Roles, X-Master-Flags, Authorization]",
};

pub(super) const QUESTION: Check = Check {
    id: "admin-question",
    asks: "`authRequestHeaders`, `trustForwardHeader` and `forwardBody`: does verify hear what it judges by, and no more?",
    why: "without them verify cannot tell browsers, origins or addresses apart; without a list it gets every header, and refuses requests with too many",
    fix: "\
http:
  middlewares:
    wicketgate-auth:
      forwardAuth:
        trustForwardHeader: true             # safe, because the entry point rebuilds X-Forwarded-*
        authRequestHeaders: [Cookie, Authorization, Accept, Origin, User-Agent, Sec-Fetch-Mode, Sec-Fetch-Dest, Sec-Fetch-Site, X-Request-Id, Traceparent]",
};

pub(super) const LOCATION: Check = Check {
    id: "admin-location",
    asks: "`preserveLocationHeader`",
    why: "browsers are sent to verify's internal address, which they cannot reach and should not know",
    fix: "\
http:
  middlewares:
    wicketgate-auth:
      forwardAuth:
        preserveLocationHeader: true",
};

pub(super) const BODY: Check = Check {
    id: "admin-body",
    asks: "`maxResponseBodySize`: set, and at most 64 KiB?",
    why: "Traefik allocates a buffer of this size for every request; unset, it reads whatever comes",
    fix: "\
http:
  middlewares:
    wicketgate-auth:
      forwardAuth:
        maxResponseBodySize: 8192",
};

pub(super) const TRANSPORT: Check = Check {
    id: "admin-transport",
    asks: "how verify is asked: over TLS, and is its certificate checked?",
    why: "over plain HTTP Traefik opens a connection for nearly each request, and who is on the network reads cookies and writes identities",
    fix: "\
http:
  middlewares:
    wicketgate-auth:
      forwardAuth:
        address: https://forwardauth:8001/auth/forward
        tls: { ca: /etc/traefik/tls/ca.crt }",
};

const NEEDED: [&str; 6] =
    ["Cookie", "User-Agent", "Origin", "Accept", "Sec-Fetch-Mode", "Sec-Fetch-Site"];

const BODY_MAX: i64 = 64 * 1024;

fn names(list: &[String], name: &str) -> bool {
    list.iter().any(|listed| listed.eq_ignore_ascii_case(name))
}

/// All that `look` finds at each of the middlewares.
fn each(edge: &Edge, look: impl Fn(&ForwardAuth) -> Vec<String>) -> Vec<String> {
    let found = edge
        .forward_auths()
        .flat_map(|(name, auth)| look(auth).into_iter().map(move |what| format!("{name}: {what}")));
    found.collect()
}

pub(super) fn answer(edge: &Edge) -> Seen {
    let found = each(edge, |auth| {
        // Unlisted, a client's own reaches the service.
        let wanted = IDENTITY.into_iter().chain(["Authorization"]);
        let missing = wanted.filter(|name| !names(&auth.auth_response_headers, name));
        let mut found: Vec<String> = missing.map(|name| format!("lacks {name}")).collect();
        if !auth.auth_response_headers_regex.is_empty() {
            found.push("has authResponseHeadersRegex".to_owned());
        }
        found
    });
    Seen::bad_if_any(&found, "all are in it")
}

pub(super) fn question(edge: &Edge) -> Seen {
    let bad = each(edge, |auth| {
        let listed = &auth.auth_request_headers;
        let missing = NEEDED.into_iter().filter(|name| !listed.is_empty() && !names(listed, name));
        missing.map(|name| format!("authRequestHeaders lacks {name}")).collect()
    });
    if !bad.is_empty() {
        return Seen::bad_if_any(&bad, "");
    }
    let odd = each(edge, |auth| {
        let odd = [
            (auth.auth_request_headers.is_empty(), "no authRequestHeaders"),
            (
                !auth.trust_forward_header,
                "trustForwardHeader is not true: verify loses the client's address, and does not know WebSockets",
            ),
            (auth.forward_body, "forwardBody: verify reads no body"),
        ];
        odd.into_iter().filter(|(is_so, _)| *is_so).map(|(_, what)| what.to_owned()).collect()
    });
    Seen::warn_if_any(&odd, "as in traefik/dynamic.yml")
}

pub(super) fn location(edge: &Edge) -> Seen {
    let found = each(edge, |auth| {
        let is_lost = !auth.preserve_location_header && !auth.address.contains("/auth/verify");
        is_lost.then(|| "is not true".to_owned()).into_iter().collect()
    });
    Seen::bad_if_any(&found, "true, or nobody is redirected")
}

pub(super) fn body(edge: &Edge) -> Seen {
    let found = each(edge, |auth| match auth.max_response_body_size {
        Some(0..=BODY_MAX) => Vec::new(),
        None | Some(-1) => vec!["not set".to_owned()],
        Some(bytes) => vec![format!("{bytes} bytes")],
    });
    Seen::warn_if_any(&found, "set")
}

pub(super) fn transport(edge: &Edge) -> Seen {
    let unchecked = each(edge, |auth| {
        let is_unchecked = auth.tls.as_ref().is_some_and(|tls| tls.insecure_skip_verify);
        is_unchecked.then(|| "insecureSkipVerify".to_owned()).into_iter().collect()
    });
    if !unchecked.is_empty() {
        return Seen::bad_if_any(&unchecked, "");
    }
    let plain = each(edge, |auth| {
        let is_plain = auth.address.starts_with("http://");
        is_plain.then(|| "asks over plain HTTP".to_owned()).into_iter().collect()
    });
    Seen::warn_if_any(&plain, "over TLS")
}
