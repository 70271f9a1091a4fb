//! Owns: refusing requests that another site made the browser send.
//!
//! The session cookie alone does not show that the user's own page asked. Unsafe methods, and
//! any method that opens a WebSocket, need an `Origin` that is the request's own or listed.

use http::header::{HeaderMap, HeaderName, ORIGIN};
use shell::origin::Origin;

use crate::request::Original;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether a request must show where it comes from.
pub(crate) fn needs_proof(original: &Original<'_>) -> bool {
    original.websocket || !original.method.is_safe()
}

/// Whether a request that needs proof comes from elsewhere, as far as its browser says.
pub(crate) fn is_cross_site(
    original: &Original<'_>,
    headers: &HeaderMap,
    allowed: &[Origin],
) -> bool {
    if !needs_proof(original) {
        return false;
    }
    let mut origins = headers.get_all(ORIGIN).iter();
    match (origins.next(), origins.next()) {
        (Some(origin), None) => {
            let own = original.host.and_then(|host| Origin::of_request(original.scheme(), host));
            !own.iter().chain(allowed).any(|known| known.is(origin.as_bytes()))
        }
        (Some(_), Some(_)) => true,
        // With neither header it is no browser, and carries the cookie of its own will.
        (None, _) => headers
            .get_all(SEC_FETCH_SITE)
            .iter()
            .any(|site| !matches!(site.as_bytes(), b"same-origin" | b"none")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Method;

    fn refused(method: &str, websocket: bool, headers: &[(&'static str, &str)]) -> bool {
        let original = Original {
            method: method.parse::<Method>().unwrap(),
            websocket,
            https: true,
            host: Some("app.example.com"),
            uri: None,
        };
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let listed = [Origin::parse("https://spa.example.net").unwrap()];
        is_cross_site(&original, &map, &listed)
    }

    #[test]
    fn c64_only_the_own_and_listed_origins_may_change_anything() {
        for (origin, expected) in [
            ("https://app.example.com", false),
            ("https://APP.example.com:443", false),
            ("https://spa.example.net", false),
            ("https://evil.example.com", true),
            ("http://app.example.com", true),
            ("https://app.example.com:8443", true),
            ("https://app.example.com.evil.test", true),
            ("null", true),
            ("", true),
        ] {
            assert_eq!(refused("POST", false, &[("origin", origin)]), expected, "{origin}");
            assert_eq!(refused("GET", true, &[("origin", origin)]), expected, "ws {origin}");
            assert!(!refused("GET", false, &[("origin", origin)]), "safe {origin}");
        }
        let twice = [("origin", "https://app.example.com"), ("origin", "https://app.example.com")];
        assert!(refused("POST", false, &twice));
    }

    #[test]
    fn c64_without_origin_the_fetch_site_decides() {
        for (site, expected) in
            [("same-origin", false), ("none", false), ("same-site", true), ("cross-site", true)]
        {
            assert_eq!(refused("DELETE", false, &[("sec-fetch-site", site)]), expected, "{site}");
        }
        let mixed = [("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")];
        assert!(refused("POST", false, &mixed));
        assert!(!refused("POST", false, &[]), "a request with neither comes from no browser");
    }

    #[test]
    fn c64_a_good_fetch_site_does_not_excuse_a_foreign_origin() {
        let headers = [("origin", "https://evil.test"), ("sec-fetch-site", "same-origin")];
        assert!(refused("PATCH", false, &headers));
    }

    #[test]
    fn unknown_methods_are_unsafe() {
        let foreign = [("origin", "https://evil.test")];
        assert!(refused("PROPFIND", false, &foreign));
        assert!(refused("get", false, &foreign), "methods are case-sensitive");
        assert!(!refused("OPTIONS", false, &foreign));
    }
}
