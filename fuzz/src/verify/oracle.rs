//! Owns: what an answer of verify may be. It is read by other code than verify's: what must hold of a
//! request that is let in is worked out here a second time, by another author's parsers where there are any.

use std::net::{IpAddr, SocketAddr};

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::uri::Authority;
use http::{Method, StatusCode};
use session::binding::Marks as _;
use url::{Origin, Url};

use super::policy;
use crate::scene::{self, AGENT, Answer, CLIENT, COOKIE};

/// Starts of the names that say who somebody is.
const IDENTITY: [&str; 8] = [
    "x-user-",
    "x-session-",
    "x-auth-",
    "x-tenant-",
    "x-master-",
    "authorization",
    "remote-user",
    "remote-tenant",
];

/// Panics where `answer` is not one that `asked` of `peer` may be given.
pub(crate) fn check(peer: SocketAddr, asked: &Parts, answer: &Answer) {
    match answer.status.as_u16() {
        200 => {
            let why = refusable(peer, asked);
            assert_eq!(why, None, "let in: {asked:?}");
            is_ours(asked, &answer.headers);
            assert!(answer.body.is_empty());
        }
        302 => leads_to_our_login(asked, answer),
        400 | 401 | 403 | 404 | 421 | 500 => says_why(asked, answer),
        other => panic!("{other}: {asked:?}"),
    }
    if answer.status != StatusCode::OK {
        let told = answer.headers.keys().find(|name| is_identity(name));
        assert_eq!(told, None, "{asked:?}");
    }
    for cookie in answer.headers.get_all("set-cookie") {
        let text = cookie.to_str().expect("ASCII");
        assert!(text.contains("Max-Age=0") && !text.contains(COOKIE), "{text}");
    }
}

fn is_identity(name: &HeaderName) -> bool {
    IDENTITY.iter().any(|start| name.as_str().starts_with(start))
}

/// The identity is the session's, whatever the request holds, and there is nothing else.
fn is_ours(asked: &Parts, headers: &HeaderMap) {
    let key = scene::id().store_key().to_string();
    let mut expected = vec![
        ("cache-control", "no-store"),
        ("x-auth-time", "1699999890"),
        ("x-master-flags", r#"{"beta":true}"#),
        ("x-session-id", &*key),
        ("x-tenant-id", ""),
        ("x-tenant-slug", ""),
        ("x-user-id", "alice"),
        ("x-user-roles", "ADMIN,AUDITOR"),
    ];
    if policy::name(asked).as_deref() == Some("mapped") {
        expected.extend([("remote-tenant", ""), ("remote-user", "alice")]);
    }
    let mut told: Vec<_> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().expect("ASCII")))
        .collect();
    told.sort_unstable();
    expected.sort_unstable();
    assert_eq!(told, expected, "{asked:?}");
}

/// Why the request may not be let in; `None` where nothing speaks against it.
fn refusable(peer: SocketAddr, asked: &Parts) -> Option<&'static str> {
    let path = asked.uri.path();
    if !["/auth/verify", "/auth/forward"].iter().any(|own| path.starts_with(own)) {
        return Some("not our path");
    }
    if cookies(&asked.headers) != [COOKIE.as_bytes()] {
        return Some("not the one cookie");
    }
    let keys = scene::edge_keys();
    let marks = keys.binder();
    let agent = asked.headers.get("user-agent").map_or(&b""[..], |value| value.as_bytes());
    if marks.user_agent(agent) != marks.user_agent(AGENT.as_bytes()) {
        return Some("another browser");
    }
    // Another family is no other network: a browser may have both.
    let elsewhere = |ip: IpAddr| ip.is_ipv4() && marks.ip(ip) != marks.ip(CLIENT.into());
    if client(peer, &asked.headers).is_some_and(elsewhere) {
        return Some("another network");
    }
    if is_unsafe(peer, asked) && is_foreign(peer, asked) {
        return Some("another site");
    }
    policy::lacks(asked)
}

/// The values of all cookies of the session's name, each line by itself (RFC 6265 section 5.4).
fn cookies(headers: &HeaderMap) -> Vec<&[u8]> {
    let mut found = Vec::new();
    for line in headers.get_all("cookie") {
        for pair in line.as_bytes().split(|byte| *byte == b';') {
            let pair = pair.trim_ascii();
            if let Some(value) = pair.strip_prefix(b"bff_session=") {
                found.push(value);
            }
        }
    }
    found
}

/// The right-most address that is no proxy's; `None` where a proxy wrote something else.
pub(crate) fn client(peer: SocketAddr, headers: &HeaderMap) -> Option<IpAddr> {
    let is_proxy = |ip: IpAddr| matches!(ip, IpAddr::V4(v4) if v4.octets()[0] == 10);
    if !is_proxy(peer.ip()) {
        return Some(peer.ip());
    }
    let lines = headers.get_all("x-forwarded-for").iter().map(HeaderValue::as_bytes);
    let all = lines.collect::<Vec<_>>().join(&b","[..]);
    let mut last = peer.ip();
    for entry in all.split(|byte| *byte == b',').rev().map(<[u8]>::trim_ascii) {
        if entry.is_empty() {
            continue;
        }
        let text = std::str::from_utf8(entry).ok()?;
        let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let alone = inner.unwrap_or(text).parse::<IpAddr>().ok();
        let ip = alone.or_else(|| text.parse::<SocketAddr>().ok().map(|both| both.ip()))?;
        last = ip.to_canonical();
        if !is_proxy(last) {
            break;
        }
    }
    Some(last)
}

/// What the only line of a proxy's header says; nothing of a stranger's counts.
fn said(peer: SocketAddr, asked: &Parts, name: &str) -> Option<String> {
    let value = asked.headers.get(name).filter(|_| peer == scene::PROXY)?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
}

fn is_unsafe(peer: SocketAddr, asked: &Parts) -> bool {
    let method = said(peer, asked, "x-forwarded-method");
    let method = method.as_deref().unwrap_or(asked.method.as_str());
    let proto = said(peer, asked, "x-forwarded-proto").unwrap_or_default().to_ascii_lowercase();
    let opens_socket = |name: &str| {
        let mut lines = asked.headers.get_all(name).iter();
        lines.any(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
    };
    let safe = [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE];
    !safe.iter().any(|known| known == method)
        || matches!(proto.as_str(), "ws" | "wss")
        || opens_socket("upgrade")
        || opens_socket("sec-fetch-mode")
}

/// Whether a browser says that the request comes from elsewhere, by the crate `url`.
fn is_foreign(peer: SocketAddr, asked: &Parts) -> bool {
    let origins: Vec<_> = asked.headers.get_all("origin").iter().collect();
    let [origin] = &origins[..] else {
        let sites = asked.headers.get_all("sec-fetch-site");
        let mut sites = sites.iter().map(HeaderValue::as_bytes);
        return !origins.is_empty() || sites.any(|site| site != b"same-origin" && site != b"none");
    };
    let read = |text: &str| Url::parse(text).ok().map(|url| url.origin()).filter(Origin::is_tuple);
    let origin = origin.to_str().ok().and_then(read);
    let scheme = said(peer, asked, "x-forwarded-proto").unwrap_or_else(|| "https".to_owned());
    let scheme = match scheme.to_ascii_lowercase().as_str() {
        "http" | "ws" => "http",
        _ => "https",
    };
    let host = said(peer, asked, "x-forwarded-host").or_else(|| {
        let own = asked.headers.get("host").and_then(|host| host.to_str().ok());
        asked.uri.authority().map(Authority::as_str).or(own).map(str::to_owned)
    });
    let own = host.and_then(|host| read(&format!("{scheme}://{host}")));
    let listed = read("https://spa.example.net");
    origin.is_none() || (origin != own && origin != listed)
}

/// A browser that follows stays on its site, and is sent nowhere else afterwards.
fn leads_to_our_login(asked: &Parts, answer: &Answer) {
    assert!(asked.uri.path().starts_with("/auth/forward"), "{asked:?}");
    let location = answer.headers["location"].to_str().expect("ASCII");
    let site = Url::parse("https://app.example.com/here").expect("a URL");
    let login = site.join(location).expect("a URL");
    assert_eq!((login.origin(), login.path()), (site.origin(), "/auth/login"), "{location}");
    let back: Vec<_> = login.query_pairs().filter(|(name, _)| name == "return_to").collect();
    let [(_, back)] = &back[..] else { panic!("{location}") };
    assert!(back.starts_with('/'), "{location}");
    // What is encoded twice is for the login to refuse: the target `return_to` holds it to that.
    crate::sites::stays(back, &site, 1);
}

/// A problem document (RFC 9457) of ours.
fn says_why(asked: &Parts, answer: &Answer) {
    if asked.method == Method::HEAD {
        assert!(answer.body.is_empty());
        return;
    }
    let said = serde_json::from_slice::<serde_json::Value>(&answer.body).expect("JSON");
    assert_eq!(said["status"], answer.status.as_u16(), "{said}");
    assert!(said["code"].is_string() && said["request_id"].is_string(), "{said}");
    if let Some(login) = said["login_url"].as_str() {
        assert!(login.starts_with("/auth/login?return_to=%2F"), "{said}");
    }
}
