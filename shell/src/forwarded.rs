//! Owns: who the client is when proxies stand between (`BFF_TRUSTED_PROXIES`).
//!
//! `X-Forwarded-*` counts only from a trusted peer; the client is the right-most address that is
//! not itself trusted (classes T1, T6).

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

/// The proxies whose `X-Forwarded-*` headers are believed.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Trusts these networks.
    pub const fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    /// Reads one entry of the list: a network, or an address for itself.
    ///
    /// # Errors
    /// What is expected instead.
    pub fn parse_entry(text: &str) -> Result<IpNet, String> {
        text.parse::<IpNet>()
            .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
            .map_err(|_| "is not a network such as 10.0.0.0/8 or an address".to_owned())
    }

    /// Whether nobody is trusted.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether everybody is trusted, in one of the families.
    pub fn is_everybody(&self) -> bool {
        self.0.iter().any(|network| network.prefix_len() == 0)
    }

    /// Whether `address` is a trusted proxy.
    pub fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The client's address, from the peer and all `X-Forwarded-For` lines in order. `None` where a
    /// trusted proxy sent something that is no address: then nobody knows.
    pub fn client<'a>(
        &self,
        peer: SocketAddr,
        lines: impl DoubleEndedIterator<Item = &'a [u8]>,
    ) -> Option<IpAddr> {
        if self.trusts(peer.ip()) {
            self.client_behind(peer, lines)
        } else {
            Some(peer.ip().to_canonical())
        }
    }

    /// As [`Self::client`], of a peer that is known to be trusted.
    pub fn client_behind<'a>(
        &self,
        peer: SocketAddr,
        lines: impl DoubleEndedIterator<Item = &'a [u8]>,
    ) -> Option<IpAddr> {
        let mut nearest = peer.ip().to_canonical();
        for entry in lines.rev().flat_map(|line| line.rsplit(|byte| *byte == b',')) {
            let entry = entry.trim_ascii();
            if entry.is_empty() {
                continue;
            }
            nearest = parse_address(entry)?.to_canonical();
            if !self.trusts(nearest) {
                break;
            }
        }
        Some(nearest)
    }
}

/// An address as it stands in `X-Forwarded-For`: bare, in brackets, or with a port.
fn parse_address(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?;
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(trusted: &[&str], peer: &str, lines: &[&str]) -> Option<String> {
        let networks = trusted.iter().map(|net| TrustedProxies::parse_entry(net).unwrap());
        let proxies = TrustedProxies::new(networks.collect());
        let peer = SocketAddr::new(peer.parse().unwrap(), 4711);
        proxies.client(peer, lines.iter().map(|line| line.as_bytes())).map(|ip| ip.to_string())
    }

    #[test]
    fn t06_an_untrusted_peer_is_the_client_whatever_it_claims() {
        assert_eq!(client(&[], "192.0.2.1", &["6.6.6.6"]).unwrap(), "192.0.2.1");
        assert_eq!(client(&["10.0.0.0/8"], "192.0.2.1", &["6.6.6.6"]).unwrap(), "192.0.2.1");
    }

    #[test]
    fn t06_the_client_is_the_right_most_address_that_is_not_trusted() {
        let trusted = ["10.0.0.0/8", "::1"];
        let of = |lines: &[&str]| client(&trusted, "10.0.0.1", lines).unwrap();
        assert_eq!(of(&["6.6.6.6, 192.0.2.1, 10.0.0.9"]), "192.0.2.1");
        assert_eq!(of(&["6.6.6.6", "192.0.2.1"]), "192.0.2.1");
        assert_eq!(of(&["[2001:db8::1]:443"]), "2001:db8::1");
        assert_eq!(of(&["::ffff:192.0.2.7"]), "192.0.2.7");
        assert_eq!(of(&[]), "10.0.0.1");
    }

    #[test]
    fn t06_nonsense_from_a_trusted_proxy_is_nobody() {
        assert_eq!(client(&["10.0.0.0/8"], "10.0.0.1", &["192.0.2.1, unknown"]), None);
        assert_eq!(
            client(&["10.0.0.0/8"], "10.0.0.1", &["unknown, 192.0.2.1"]).unwrap(),
            "192.0.2.1"
        );
    }
}
