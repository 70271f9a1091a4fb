//! Owns: who is asking, as far as trusted proxies tell (`BFF_TRUSTED_PROXIES`).
//!
//! Built once, before any route; everything later reads this and not the headers (classes T1, T6).

use std::net::{IpAddr, SocketAddr};
use std::ops::Deref;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use shell::forwarded::TrustedProxies;
use shell::origin::Origin;
use shell::request_id::{RequestId, RequestIds};

use crate::tenants::Tenant;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Where a connection comes from.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    /// The other end.
    pub address: SocketAddr,
    /// Whether it speaks TLS with us.
    pub tls: bool,
}

/// Who asks, and how they see us.
#[derive(Debug, Clone)]
pub struct Requester {
    /// Follows the request through logs and services.
    pub request_id: RequestId,
    /// The client's address; `None` where a proxy sent nonsense.
    pub ip: Option<IpAddr>,
    /// Our origin in the browser's eyes; `None` without a usable host.
    pub origin: Option<Origin>,
    /// `User-Agent`, empty if missing.
    pub user_agent: HeaderValue,
    /// Whether a person looks at the answer: a navigation rather than a script's request.
    pub navigates: bool,
    /// Whether the browser itself says that it navigates (`Sec-Fetch-Mode`).
    pub says_navigation: bool,
    /// Whether the browser itself says that a script asks (`Sec-Fetch-Mode`, which script cannot
    /// set).
    pub is_script: bool,
}

/// Who asks, and of which tenant: what every route of a tenant is given.
#[derive(Debug, Clone)]
pub struct Caller {
    requester: Requester,
    /// Whose host was asked.
    pub tenant: Arc<Tenant>,
}

impl Caller {
    /// `requester`, at a host of `tenant`.
    pub const fn new(requester: Requester, tenant: Arc<Tenant>) -> Self {
        Self { requester, tenant }
    }
}

impl Deref for Caller {
    type Target = Requester;

    fn deref(&self) -> &Requester {
        &self.requester
    }
}

/// A trusted proxy sent one of these headers twice: whose word counts is unclear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ambiguous(pub &'static str);

impl Requester {
    /// Somebody whose headers cannot be believed.
    pub const fn unknown(request_id: RequestId) -> Self {
        Self {
            request_id,
            ip: None,
            origin: None,
            user_agent: HeaderValue::from_static(""),
            navigates: false,
            says_navigation: false,
            is_script: false,
        }
    }

    /// Reads the connection and the headers.
    ///
    /// # Errors
    /// [`Ambiguous`].
    pub fn of(
        headers: &HeaderMap,
        authority: Option<&str>,
        peer: Peer,
        trusted: &TrustedProxies,
        ids: &RequestIds,
    ) -> Result<Self, Ambiguous> {
        let from_proxy = trusted.trusts(peer.address.ip());
        let forwarded = |name: &HeaderName, label| {
            if from_proxy { single(headers, name, label) } else { Ok(None) }
        };
        let proto = forwarded(&FORWARDED_PROTO, "X-Forwarded-Proto")?;
        let host = forwarded(&FORWARDED_HOST, "X-Forwarded-Host")?;
        let own_host = single(headers, &header::HOST, "Host")?.or(authority);
        let scheme = proto.unwrap_or(if peer.tls { "https" } else { "http" });
        let request_id = headers
            .get(&REQUEST_ID)
            .filter(|_| from_proxy)
            .and_then(|value| RequestId::parse(value.as_bytes()));
        let says_navigation = headers.get(&FETCH_MODE).map(|mode| mode == "navigate");
        let lines = headers.get_all(&FORWARDED_FOR).iter().map(HeaderValue::as_bytes);
        Ok(Self {
            request_id: request_id.unwrap_or_else(|| ids.fresh()),
            ip: trusted.client(peer.address, lines),
            origin: host.or(own_host).and_then(|host| Origin::of_request(scheme, host)),
            user_agent: headers
                .get(header::USER_AGENT)
                .cloned()
                .unwrap_or(HeaderValue::from_static("")),
            navigates: says_navigation.unwrap_or_else(|| accepts_a_page(headers)),
            says_navigation: says_navigation == Some(true),
            is_script: says_navigation == Some(false),
        })
    }
}

fn single<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
    label: &'static str,
) -> Result<Option<&'a str>, Ambiguous> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(Ambiguous(label));
    }
    first.map(|value| value.to_str().map_err(|_| Ambiguous(label))).transpose()
}

/// What `Accept` prefers, of a browser that does not send `Sec-Fetch-Mode`.
fn accepts_a_page(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.trim_start().starts_with("text/html"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use shell::random::CountingRandom;

    fn caller(trusted: &[&str], pairs: &[(&'static str, &str)]) -> Result<Requester, Ambiguous> {
        let networks = trusted.iter().map(|net| TrustedProxies::parse_entry(net).unwrap());
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        Requester::of(
            &headers,
            None,
            Peer { address: "10.0.0.1:4711".parse().unwrap(), tls: false },
            &TrustedProxies::new(networks.collect()),
            &RequestIds::new(&CountingRandom::default()),
        )
    }

    const FORWARDED: [(&str, &str); 4] = [
        ("host", "bff:8000"),
        ("x-forwarded-for", "192.0.2.1"),
        ("x-forwarded-host", "app.example.com"),
        ("x-forwarded-proto", "https"),
    ];

    #[test]
    fn t01_forwarded_headers_count_from_a_trusted_proxy_only() {
        let told = caller(&["10.0.0.0/8"], &FORWARDED).unwrap();
        assert_eq!(told.origin.unwrap().as_str(), "https://app.example.com");
        assert_eq!(told.ip.unwrap().to_string(), "192.0.2.1");

        let claimed = caller(&[], &FORWARDED).unwrap();
        assert_eq!(claimed.origin.unwrap().as_str(), "http://bff:8000");
        assert_eq!(claimed.ip.unwrap().to_string(), "10.0.0.1");
    }

    #[test]
    fn t01_a_doubled_header_is_refused() {
        let doubled = [FORWARDED[2], FORWARDED[2]];
        assert_eq!(caller(&["10.0.0.1"], &doubled).unwrap_err(), Ambiguous("X-Forwarded-Host"));
        assert_eq!(caller(&[], &[FORWARDED[0], FORWARDED[0]]).unwrap_err(), Ambiguous("Host"));
    }

    #[test]
    fn c68_a_script_is_told_from_a_navigation() {
        let navigates = |pairs: &[(&'static str, &str)]| caller(&[], pairs).unwrap().navigates;
        assert!(navigates(&[("sec-fetch-mode", "navigate")]));
        assert!(!navigates(&[("sec-fetch-mode", "cors"), ("accept", "text/html")]));
        assert!(navigates(&[("accept", "text/html,*/*;q=0.8")]));
        assert!(!navigates(&[("accept", "application/json, text/html")]));
        assert!(!navigates(&[]));
    }
}
