//! Owns: who the client is, for the sessions that are bound to one: `X-Forwarded-For` as far as trusted
//! proxies wrote it (classes T1, T6). Read only where a session was found.

use std::net::{IpAddr, SocketAddr};

use http::header::{HeaderMap, HeaderName};
use session::binding::Memo;
use shell::forwarded::TrustedProxies;

use crate::fields::Lines;
use crate::request::Peer;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Finds the client's address, which only the sessions that are bound to one need.
pub(crate) struct Clients {
    proxies: TrustedProxies,
    /// Most clients make many requests.
    known: Memo<Option<IpAddr>>,
}

impl Clients {
    pub(crate) fn new(proxies: TrustedProxies) -> Self {
        Self { proxies, known: Memo::new() }
    }

    /// Whether `X-Forwarded-*` of `peer` count.
    pub(crate) fn trusts(&self, peer: SocketAddr) -> bool {
        self.proxies.trusts(peer.ip())
    }

    /// The address of the client behind `peer`; `None` where a trusted proxy sent one that cannot be
    /// read. `lines` are `X-Forwarded-For` of `headers`.
    pub(crate) fn address(
        &self,
        peer: Peer,
        lines: Lines<'_>,
        headers: &HeaderMap,
    ) -> Option<IpAddr> {
        let Peer { address, trusted, .. } = peer;
        match lines {
            _ if !trusted => Some(address.ip().to_canonical()),
            Lines::One(line) => {
                let line = line.as_bytes();
                let find = || self.proxies.client_behind(address, [line].into_iter());
                // A line that ends in an address says it all; of any other the peer may be the answer.
                match line.last() {
                    Some(last) if last.is_ascii_alphanumeric() => self.known.get_or(line, find),
                    _ => find(),
                }
            }
            lines => self.proxies.client_behind(address, lines.values(headers, &FORWARDED_FOR)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fields::Fields;
    use proptest::prelude::*;

    fn proxies() -> TrustedProxies {
        TrustedProxies::new(vec![TrustedProxies::parse_entry("10.0.0.0/8").unwrap()])
    }

    fn peer(address: &str) -> Peer {
        let address = SocketAddr::new(address.parse().unwrap(), 4711);
        Peer { address, tls: false, trusted: proxies().trusts(address.ip()) }
    }

    proptest! {
        /// What is remembered of one peer's line is what would be found for the next.
        #[test]
        fn t06_a_remembered_client_is_the_one_that_would_be_found(
            lines in proptest::collection::vec("(10\\.0\\.0\\.[1-3]|192\\.0\\.2\\.[1-3]|x|,| ){0,4}", 1..20),
            untrusted in any::<bool>(),
        ) {
            let clients = Clients::new(proxies());
            for _ in 0..2 {
                for line in &lines {
                    for address in ["10.0.0.1", "10.9.9.9", if untrusted { "192.0.2.9" } else { "10.0.0.2" }] {
                        let mut headers = HeaderMap::new();
                        headers.insert(FORWARDED_FOR, line.parse().unwrap());
                        let peer = peer(address);
                        let lines = Fields::of(&headers).forwarded_for;
                        let expected = proxies().client(peer.address, [line.as_bytes()].into_iter());
                        prop_assert_eq!(clients.address(peer, lines, &headers), expected);
                    }
                }
            }
        }
    }
}
