//! Target: header lines around a good request.
//!
//! Oracle: what a stranger says in forwarding headers changes nothing in the answer of verify, nor in what
//! `bff` takes the caller for. Of a proxy's, the address of the client is that of a second reading.

use std::net::SocketAddr;

use bff_core::caller::{Peer, Requester};
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, StatusCode};
use shell::forwarded::TrustedProxies;
use shell::random::CountingRandom;
use shell::request_id::RequestIds;

use crate::scene::{self, AGENT, Answer, COOKIE, PROXY, STRANGER};
use crate::verify::client;

/// Headers of this kind count only from a proxy.
const FORWARDING: [&str; 14] = [
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-method",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-proto",
    "x-forwarded-uri",
    "x-original-method",
    "x-original-uri",
    "x-original-url",
    "x-real-ip",
    "x-request-id",
    "true-client-ip",
];

/// Asks both programs who is asking.
pub(crate) fn run(data: &[u8]) {
    let headers = lines(data);
    let mut bare = headers.clone();
    for name in FORWARDING {
        bare.remove(name);
    }
    let (with, without) = (answer(&headers), answer(&bare));
    assert_eq!(told(&with), told(&without), "{headers:?}");
    assert_eq!(seen(STRANGER, &headers), seen(STRANGER, &bare), "{headers:?}");

    let lines = || headers.get_all("x-forwarded-for").iter().map(HeaderValue::as_bytes);
    for peer in [PROXY, STRANGER] {
        assert_eq!(proxies().client(peer, lines()), client(peer, &headers), "{headers:?}");
    }
}

fn proxies() -> TrustedProxies {
    TrustedProxies::new(vec![TrustedProxies::parse_entry("10.0.0.0/8").expect("a network")])
}

/// As many of the lines as are header fields, sixty at most.
fn lines(data: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in data.split(|byte| *byte == b'\n').take(60) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name), HeaderValue::from_bytes(value))
        {
            headers.append(name, value);
        }
    }
    headers
}

/// Of verify, to a stranger whose session is good but for his address.
fn answer(headers: &HeaderMap) -> Answer {
    let mut request = Request::new(());
    *request.uri_mut() = "/auth/forward".parse().expect("a path");
    *request.method_mut() = Method::GET;
    *request.headers_mut() = headers.clone();
    let more = request.headers_mut();
    more.append("cookie", format!("bff_session={COOKIE}").parse().expect("a value"));
    more.append("user-agent", HeaderValue::from_static(AGENT));
    scene::with(|scene| scene.ask(STRANGER, request))
}

/// All of an answer but the number of the request.
fn told(answer: &Answer) -> (StatusCode, Vec<String>, String) {
    let mut headers: Vec<String> = answer
        .headers
        .iter()
        .filter(|(name, _)| *name != "content-length")
        .map(|(name, value)| format!("{name}: {value:?}"))
        .collect();
    headers.sort_unstable();
    let body = match serde_json::from_slice::<serde_json::Value>(&answer.body) {
        Ok(mut said) => {
            if let Some(members) = said.as_object_mut() {
                members.remove("request_id");
            }
            said.to_string()
        }
        Err(_) => format!("{:?}", answer.body),
    };
    (answer.status, headers, body)
}

/// Whom `bff` takes the caller for.
fn seen(address: SocketAddr, headers: &HeaderMap) -> String {
    let peer = Peer { address, tls: true };
    let ids = RequestIds::new(&CountingRandom::default());
    match Requester::of(headers, None, peer, &proxies(), &ids) {
        Err(ambiguous) => format!("{ambiguous:?}"),
        Ok(one) => {
            format!("{:?} {:?} {:?} {}", one.ip, one.origin, one.user_agent, one.navigates)
        }
    }
}
