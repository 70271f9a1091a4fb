//! Owns: comparing origins (RFC 6454) as browsers send them in `Origin`.

use std::fmt;

use url::{Host, Url};

/// A scheme, host and port, in the one spelling browsers use: lower case, no default port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin(String);

impl Origin {
    /// Reads `https://host[:port]`, nothing behind it.
    pub fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let plain = url.username().is_empty() && url.password().is_none();
        // No host has these; a reader might take them for a pattern.
        let pattern = text.contains(['*', '?']);
        let web = matches!(url.scheme(), "http" | "https");
        if !web || !bare || !plain || pattern || text.ends_with('/') {
            return None;
        }
        Some(Self(url.origin().ascii_serialization()))
    }

    /// The origin of a request for `scheme` (`https`, or `wss` which counts as it) and a `Host`.
    pub fn of_request(scheme: &str, host: &str) -> Option<Self> {
        let scheme = match scheme {
            "https" | "wss" => "https",
            "http" | "ws" => "http",
            _ => return None,
        };
        let text = [scheme, "://", host].concat();
        if is_canonical(host) { Some(Self(text)) } else { Self::parse(&text) }
    }

    /// The host, with its port where that is not the scheme's own.
    pub fn host(&self) -> &str {
        self.0.split_once("://").map_or("", |(_, host)| host)
    }

    /// The text that stands in `Origin`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the host is this machine by its very name.
    pub fn is_loopback(&self) -> bool {
        let url = Url::parse(&self.0).ok();
        url.is_some_and(|url| match url.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        })
    }

    /// Whether this is what `header`, an `Origin` value, says. `null` equals nothing.
    pub fn is(&self, header: &[u8]) -> bool {
        self.0.as_bytes() == header
            || std::str::from_utf8(header).ok().and_then(Self::parse).as_ref() == Some(self)
    }
}

/// Whether [`Url`] would give `host` back as it is: a name in lower case without anything that it reads as
/// more than letters (no port, no address, no IDNA). Nearly every request's host is one.
fn is_canonical(host: &str) -> bool {
    let mut first_of_label = b'.';
    let mut before = b'.';
    for byte in host.bytes() {
        match byte {
            b'.' if before == b'.' => return false,
            b'.' | b'a'..=b'z' | b'0'..=b'9' | b'-' => {}
            _ => return false,
        }
        if before == b'.' {
            first_of_label = byte;
        }
        before = byte;
    }
    // A last label that begins like a number may make the host an address.
    before != b'.' && first_of_label.is_ascii_lowercase() && !host.contains("xn--")
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t03_one_origin_has_one_spelling() {
        let origin = Origin::of_request("https", "App.Example.com:443").unwrap();
        assert_eq!(origin.as_str(), "https://app.example.com");
        assert!(origin.is(b"https://app.example.com"));
        assert!(origin.is(b"https://APP.example.com:443"));
        assert_eq!(Origin::of_request("wss", "app.example.com"), Some(origin));
    }

    proptest::proptest! {
        #[test]
        fn t03_the_short_way_to_an_origin_leads_where_the_long_one_does(
            host in "([a-z0-9xn.-]{1,12}|[a-z]{1,3}(\\.[a-z0-9-]{0,4}){0,3}|[a-zA-Z0-9.:_%@\\[\\]-]{0,12})",
        ) {
            let long = Origin::parse(&format!("https://{host}"));
            proptest::prop_assert_eq!(Origin::of_request("https", &host), long);
        }
    }

    #[test]
    fn the_host_of_nearly_every_request_takes_it() {
        assert!(is_canonical("app.example.com") && is_canonical("my-app.test"));
        for other in ["", "127.0.0.1", "app.example.com:8443", "a..b", "a.", "xn--a", "A", "a.0x1"]
        {
            assert!(!is_canonical(other), "{other}");
        }
    }

    #[test]
    fn c65_a_pattern_is_no_origin() {
        for pattern in ["*", "https://*", "https://*.example.com", "https://app.example.*"] {
            assert_eq!(Origin::parse(pattern), None, "{pattern}");
        }
    }

    #[test]
    fn c64_what_only_looks_alike_is_another_origin() {
        let origin = Origin::parse("https://app.example.com").unwrap();
        for other in [
            "null",
            "",
            "http://app.example.com",
            "https://app.example.com:8443",
            "https://app.example.com.evil.test",
            "https://app.example.com@evil.test",
            "https://app.example.com/",
            "https://app.example.com/x",
        ] {
            assert!(!origin.is(other.as_bytes()), "{other}");
        }
    }
}
