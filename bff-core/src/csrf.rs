//! Owns: refusing requests that another site made a browser send (bff-checklist 63, 64).
//!
//! `Origin`, where present, must be our own or listed; `null` is nobody's. Without it, a browser's
//! own word (`Sec-Fetch-Site`) that the request comes from elsewhere refuses it. Then the CSRF
//! header: a MAC over the session, which only script of our origin can read from
//! `/api/auth/session`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use session::id::SessionId;
use session::seal::{Purpose, SessionKeys};
use shell::origin::Origin;

use crate::error::ApiError;

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The value of the CSRF header for this session.
pub fn token(keys: &SessionKeys, id: &SessionId) -> String {
    URL_SAFE_NO_PAD.encode(keys.tag(Purpose::Csrf, id.expose().as_bytes()))
}

/// Whether a request may come from where it says it comes.
///
/// # Errors
/// [`ApiError::Csrf`].
pub fn check_origin(
    headers: &HeaderMap,
    own: Option<&Origin>,
    listed: &[Origin],
) -> Result<(), ApiError> {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    if let Some(origin) = origins.next() {
        let known = own.into_iter().chain(listed).any(|allowed| allowed.is(origin.as_bytes()));
        return if known && origins.next().is_none() {
            Ok(())
        } else {
            Err(ApiError::Csrf("csrf_origin"))
        };
    }
    match fetch_site(headers) {
        Some(b"cross-site" | b"same-site") => Err(ApiError::Csrf("csrf_fetch_site")),
        _ => Ok(()),
    }
}

/// Whether a cookie-authenticated request proves that our own script sent it. A safe method may
/// show `Sec-Fetch-Site: same-origin` instead, unless the route is `strict`.
///
/// # Errors
/// [`ApiError::Csrf`].
pub fn check_token(
    headers: &HeaderMap,
    method: &Method,
    header: &HeaderName,
    strict: bool,
    keys: &SessionKeys,
    id: &SessionId,
) -> Result<(), ApiError> {
    if let Some(shown) = headers.get(header) {
        return if token_is_ours(shown, keys, id) {
            Ok(())
        } else {
            Err(ApiError::Csrf("csrf_token_invalid"))
        };
    }
    let safe = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    if safe && !strict && fetch_site(headers) == Some(b"same-origin") {
        return Ok(());
    }
    Err(ApiError::Csrf("csrf_header_missing"))
}

/// Whether a handshake, which no script can give a header, says where it comes from. What it says has
/// passed [`check_origin`].
///
/// # Errors
/// [`ApiError::Csrf`].
pub fn check_websocket(headers: &HeaderMap) -> Result<(), ApiError> {
    if headers.contains_key(header::ORIGIN) {
        Ok(())
    } else {
        Err(ApiError::Csrf("csrf_origin_missing"))
    }
}

fn token_is_ours(shown: &HeaderValue, keys: &SessionKeys, id: &SessionId) -> bool {
    URL_SAFE_NO_PAD
        .decode(shown.as_bytes())
        .is_ok_and(|tag| keys.tag_is_ours(Purpose::Csrf, id.expose().as_bytes(), &tag))
}

/// What the browser says about who began the request (`Sec-Fetch-Site`).
pub(crate) fn fetch_site(headers: &HeaderMap) -> Option<&[u8]> {
    headers.get(FETCH_SITE).map(HeaderValue::as_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use session::keys::KeyRing;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(*name, value.parse().unwrap());
        }
        map
    }

    fn origin_ok(pairs: &[(&'static str, &str)]) -> bool {
        let own = Origin::parse("https://app.example.com").unwrap();
        let listed = [Origin::parse("https://admin.example.com").unwrap()];
        check_origin(&headers(pairs), Some(&own), &listed).is_ok()
    }

    #[test]
    fn c64_only_our_own_and_listed_origins_pass() {
        assert!(origin_ok(&[]));
        assert!(origin_ok(&[("origin", "https://app.example.com")]));
        assert!(origin_ok(&[
            ("origin", "https://admin.example.com"),
            ("sec-fetch-site", "same-site")
        ]));
        assert!(origin_ok(&[("sec-fetch-site", "same-origin")]));
        assert!(origin_ok(&[("sec-fetch-site", "none")]));
        for refused in [
            &[("origin", "https://evil.test")][..],
            &[("origin", "null")],
            &[("origin", "https://sub.app.example.com")],
            &[("origin", "https://evil.test"), ("sec-fetch-site", "same-origin")],
            &[("origin", "https://app.example.com"), ("origin", "https://evil.test")],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site")],
        ] {
            assert!(!origin_ok(refused), "{refused:?}");
        }
    }

    #[test]
    fn c63_the_header_must_be_this_sessions() {
        let keys = SessionKeys::new(KeyRing::single("k", [3; 32]));
        let (mine, other) = (SessionId::from_random([1; 32]), SessionId::from_random([2; 32]));
        let name = HeaderName::from_static("x-csrf-token");
        let check = |method: Method, strict, pairs: &[(&'static str, &str)]| {
            check_token(&headers(pairs), &method, &name, strict, &keys, &mine)
                .map_err(|error| error.reason())
        };
        let good = token(&keys, &mine);
        assert_eq!(check(Method::POST, false, &[("x-csrf-token", &good)]), Ok(()));
        let foreign = token(&keys, &other);
        let invalid = Err("csrf_token_invalid");
        assert_eq!(check(Method::POST, false, &[("x-csrf-token", &foreign)]), invalid);
        assert_eq!(check(Method::GET, false, &[("x-csrf-token", "1")]), invalid);

        let same = [("sec-fetch-site", "same-origin")];
        let missing = Err("csrf_header_missing");
        assert_eq!(check(Method::GET, false, &same), Ok(()));
        assert_eq!(check(Method::GET, true, &same), missing);
        assert_eq!(check(Method::GET, false, &[]), missing);
        assert_eq!(check(Method::POST, false, &same), missing);
    }
}
