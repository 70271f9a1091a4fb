//! Each check, before what Traefik says of the shipped configuration with one line changed.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::finding::Verdict::{self, Bad, Unknown, Warn};
use super::*;

/// What Traefik 3.7.15 says of the shipped configuration, as far as it is read.
fn shipped() -> Value {
    json!({
        "version": { "Version": "3.7.15" },
        "entryPoints": [
            { "name": "web", "forwardedHeaders": {}, "http": { "aliasHeadersStrategy": "delete" } },
            { "name": "websecure", "forwardedHeaders": {}, "http": {
                "middlewares": ["strip@file"], "aliasHeadersStrategy": "delete",
            } },
        ],
        "routers": [
            { "name": "app@file", "provider": "file", "service": "app", "using": ["websecure"], "tls": {},
              "middlewares": ["strip@file", "csp@file", "around@file"], "status": "enabled" },
            { "name": "spa@file", "provider": "file", "service": "spa", "using": ["websecure"], "tls": {},
              "middlewares": ["strip@file"], "status": "enabled" },
            { "name": "ping@internal", "provider": "internal", "service": "ping@internal",
              "using": ["internal"], "status": "enabled" },
        ],
        "middlewares": [
            { "name": "strip@file", "headers": { "customRequestHeaders": {
                "X-User-ID": "", "X-Session-ID": "", "X-Auth-Time": "", "X-Tenant-Id": "", "X-Tenant-Slug": "",
                "X-User-Roles": "", "X-Master-Flags": "", "X-Forwarded-Uri": "", "X-Forwarded-Method": "",
                "X-Forwarded-Prefix": "", "remote-user": "",
            } } },
            { "name": "csp@file", "headers": { "contentSecurityPolicy": "default-src 'self'" } },
            { "name": "around@file", "chain": { "middlewares": ["pages", "auth", "by-user", "drop", "again"] } },
            { "name": "by-user@file",
              "rateLimit": { "average": 1, "sourceCriterion": { "requestHeaderName": "X-User-ID" } } },
            { "name": "drop@file", "headers": { "customRequestHeaders": { "Cookie": "" } } },
            { "name": "again@file", "retry": { "attempts": 3 } },
            { "name": "auth@file", "forwardAuth": {
                "address": "https://verify:8001/auth/forward", "tls": { "ca": "/ca.pem" },
                "trustForwardHeader": true, "preserveLocationHeader": true, "maxResponseBodySize": 8192,
                "authRequestHeaders": ["Cookie", "Authorization", "Accept", "Origin", "User-Agent",
                    "Sec-Fetch-Mode", "Sec-Fetch-Dest", "Sec-Fetch-Site"],
                "authResponseHeaders": ["X-User-ID", "X-Session-ID", "X-Auth-Time", "X-Tenant-Id",
                    "X-Tenant-Slug", "X-User-Roles", "X-Master-Flags", "Authorization", "Remote-User"],
            } },
            { "name": "pages@file", "errors": { "status": ["500", "502-502", "504"] } },
            { "name": "all-pages@file", "errors": { "status": ["404", "500-599"] } },
        ],
        "services": [
            { "name": "app@file", "loadBalancer": { "servers": [{ "url": "http://app:8080" }] } },
            { "name": "spa@file", "loadBalancer": { "servers": [{ "url": "http://spa:8080" }] } },
            { "name": "ping@internal" },
        ],
    })
}

fn judged(parts: Value) -> Vec<(&'static str, Verdict, String)> {
    let edge = Edge::new(serde_json::from_value(parts).unwrap());
    assert!(edge.has_forward_auth());
    let judged = ALL.map(|(check, judge)| (check.id, judge(&edge)));
    let wrong = judged.into_iter().filter(|(_, seen)| seen.verdict != Verdict::Good);
    wrong.map(|(id, seen)| (id, seen.verdict, seen.what)).collect()
}

#[test]
fn the_shipped_configuration_is_good() {
    assert_eq!(judged(shipped()), []);
}

/// Where a line is, what stands there instead, which check finds it, and what it says.
type Row = (&'static str, &'static str, &'static str, Verdict, &'static str);

const WRONG: [Row; 29] = [
    ("/version/Version", r#""3.7.12""#, "admin-version", Bad, "3.7.12"),
    ("/version/Version", r#""dev""#, "admin-version", Unknown, "dev"),
    ("/routers/1/status", r#""disabled""#, "admin-refused", Bad, "spa@file: "),
    ("/routers/1/service", r#""app""#, "admin-without-auth", Bad, "spa@file leads to app@file"),
    ("/routers/0/tls", "null", "admin-router-tls", Bad, "app@file"),
    ("/routers/1/service", r#""ping@internal""#, "admin-internal-routed", Bad, "spa@file leads to"),
    (
        "/services/1/loadBalancer/servers/0/url",
        r#""https://VERIFY:8001""#,
        "admin-verify-routed",
        Bad,
        "spa@file",
    ),
    (
        "/middlewares/2/chain/middlewares",
        r#"["drop", "auth"]"#,
        "admin-order",
        Bad,
        "drop@file takes the cookie",
    ),
    (
        "/middlewares/2/chain/middlewares",
        r#"["by-user", "auth"]"#,
        "admin-order",
        Bad,
        "by-user@file counts",
    ),
    (
        "/middlewares/2/chain/middlewares",
        r#"["again", "auth"]"#,
        "admin-order",
        Warn,
        "again@file asks verify again",
    ),
    (
        "/middlewares/2/chain/middlewares",
        r#"["all-pages", "auth"]"#,
        "admin-order",
        Warn,
        "all-pages@file replaces what verify says",
    ),
    (
        "/middlewares/2/chain/middlewares",
        r#"["auth", "strip"]"#,
        "admin-order",
        Bad,
        "strip@file takes away what verify",
    ),
    (
        "/middlewares/2/chain/middlewares",
        r#"["auth", "csp"]"#,
        "admin-order",
        Warn,
        "csp@file does not reach",
    ),
    (
        "/entryPoints/1/http/middlewares",
        "[]",
        "admin-strip",
        Bad,
        "websecure: Remote-User; websecure: X-Auth-Time",
    ),
    (
        "/middlewares/0/headers/customRequestHeaders/X-User-ID",
        r#""x""#,
        "admin-strip",
        Bad,
        "websecure: X-User-ID",
    ),
    (
        "/entryPoints/1/http/aliasHeadersStrategy",
        r#""keep""#,
        "admin-alias",
        Bad,
        "websecure: keep",
    ),
    (
        "/entryPoints/1/forwardedHeaders",
        r#"{ "insecure": true }"#,
        "admin-forwarded",
        Bad,
        "websecure: insecure",
    ),
    (
        "/entryPoints/1/forwardedHeaders",
        r#"{ "trustedIPs": ["0.0.0.0/0"] }"#,
        "admin-forwarded",
        Bad,
        "trustedIPs has",
    ),
    (
        "/entryPoints/1/forwardedHeaders",
        r#"{ "connection": ["x-user-id"] }"#,
        "admin-forwarded",
        Bad,
        "connection has",
    ),
    (
        "/middlewares/6/forwardAuth/authResponseHeaders/0",
        r#""X-Other""#,
        "admin-answer",
        Bad,
        "auth@file: lacks X-User-ID",
    ),
    (
        "/middlewares/6/forwardAuth/authResponseHeadersRegex",
        r#""^X-""#,
        "admin-answer",
        Bad,
        "authResponseHeadersRegex",
    ),
    (
        "/middlewares/6/forwardAuth/authRequestHeaders",
        r#"["Cookie"]"#,
        "admin-question",
        Bad,
        "lacks Origin",
    ),
    (
        "/middlewares/6/forwardAuth/authRequestHeaders",
        "[]",
        "admin-question",
        Warn,
        "no authRequestHeaders",
    ),
    (
        "/middlewares/6/forwardAuth/trustForwardHeader",
        "false",
        "admin-question",
        Warn,
        "loses the client's address",
    ),
    (
        "/middlewares/6/forwardAuth/preserveLocationHeader",
        "false",
        "admin-location",
        Bad,
        "is not true",
    ),
    ("/middlewares/6/forwardAuth/maxResponseBodySize", "-1", "admin-body", Warn, "not set"),
    (
        "/middlewares/6/forwardAuth/maxResponseBodySize",
        "10485760",
        "admin-body",
        Warn,
        "10485760 bytes",
    ),
    (
        "/middlewares/6/forwardAuth/tls",
        r#"{ "insecureSkipVerify": true }"#,
        "admin-transport",
        Bad,
        "insecureSkipVerify",
    ),
    (
        "/middlewares/6/forwardAuth/address",
        r#""http://verify:8001/auth/forward""#,
        "admin-transport",
        Warn,
        "plain HTTP",
    ),
];

#[test]
fn t09_each_wrong_line_is_named() {
    let mut named = BTreeSet::new();
    for (place, value, id, verdict, said) in WRONG {
        named.insert(id);
        let value: Value = serde_json::from_str(value).unwrap();
        let mut parts = shipped();
        // The last step may be new.
        let (parent, field) = place.rsplit_once('/').unwrap();
        let parent = parts.pointer_mut(parent).unwrap();
        match field.parse::<usize>() {
            Ok(at) => parent[at] = value.clone(),
            Err(_) => parent[field] = value.clone(),
        }
        let found = judged(parts);
        let found = found.iter().find(|(found, ..)| *found == id);
        let Some((_, is, what)) = found else { panic!("{place} {value}: {id} is good") };
        assert_eq!(*is, verdict, "{place} {value}");
        assert!(what.contains(said), "{place} {value}: {what}");
    }
    assert_eq!(named, checks().map(|check| check.id).into());
}

#[test]
fn a_chain_that_leads_to_itself_comes_to_an_end() {
    let mut parts = shipped();
    parts["middlewares"][2]["chain"]["middlewares"] = json!(["auth", "around"]);
    assert_eq!(judged(parts), []);
}

#[test]
fn the_address_of_the_api_has_a_port() {
    let address = |url: &str| place(&url.parse().unwrap()).map(|place| place.address);
    assert_eq!(address("http://127.0.0.1:8080").unwrap(), "127.0.0.1:8080");
    assert_eq!(address("https://traefik.internal/").unwrap(), "traefik.internal:443");
    assert_eq!(address("/api"), None);
}
