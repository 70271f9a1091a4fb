//! Owns: the address of the login (`FORWARDAUTH_LOGIN_URL`) and the way back that it is given.
//!
//! The way back never leaves the site (class T13): it is the original path and query, or `/` where
//! that could be read as anything else.

use percent_encoding::{
    AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_decode, percent_encode, utf8_percent_encode,
};
use shell::origin::Origin;

use crate::policy::Requirements;
use crate::request::Original;

/// Longest original target that is carried through a login.
const TARGET_MAX: usize = 2048;

/// What a URL may not hold as it is. `%` stays: the target is encoded already.
const IN_URL: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// All but the unreserved characters of RFC 3986 section 2.3.
const IN_VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Where people sign in: on the same host, or on a central one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginUrl {
    text: String,
    central: bool,
}

impl LoginUrl {
    /// The login of the BFF on the same host.
    pub fn same_host() -> Self {
        Self { text: "/auth/login".to_owned(), central: false }
    }

    /// Reads a path on the same host, or an absolute URL.
    ///
    /// # Errors
    /// What is expected instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        let clean =
            text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#' && byte != b'\\');
        let relative = text.starts_with('/') && !text.starts_with("//");
        let central = text.split_once("://").is_some_and(|(scheme, rest)| {
            let host = rest.split(['/', '?']).next().unwrap_or_default();
            Origin::parse(&format!("{scheme}://{host}")).is_some()
        });
        if clean && (relative || central) {
            Ok(Self { text: text.to_owned(), central })
        } else {
            Err("is neither a path such as /auth/login nor an http(s) URL".to_owned())
        }
    }

    /// The login for `original`; with `step_up`, one that asks for what these requirements name.
    pub(crate) fn for_request(
        &self,
        original: &Original<'_>,
        step_up: Option<&Requirements>,
    ) -> String {
        let mut url = self.text.clone();
        url.push(if url.contains('?') { '&' } else { '?' });
        url.push_str("return_to=");
        if self.central
            && let Some(own) =
                original.host.and_then(|host| Origin::of_request(original.scheme(), host))
        {
            url.extend(utf8_percent_encode(own.as_str(), IN_VALUE));
        }
        url.extend(utf8_percent_encode(&return_to(original.uri), IN_VALUE));
        if let Some(requirements) = step_up {
            if !requirements.acr.is_empty() {
                url.push_str("&acr_values=");
                url.extend(utf8_percent_encode(&requirements.acr.join(" "), IN_VALUE));
            }
            if let Some(age) = requirements.max_age {
                url.push_str("&max_age=");
                url.push_str(&age.to_string());
            }
        }
        url
    }

    /// The configured text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// The way back to `target`, as an ASCII path and query.
fn return_to(target: Option<&[u8]>) -> String {
    match target {
        Some(target) if stays_on_site(target) => percent_encode(target, IN_URL).to_string(),
        _ => "/".to_owned(),
    }
}

/// Whether no reader, however often it decodes or normalises once, takes `target` for another
/// site's.
fn stays_on_site(target: &[u8]) -> bool {
    if target.len() > TARGET_MAX || !target.starts_with(b"/") {
        return false;
    }
    let decoded: Vec<u8> = percent_decode(target).collect();
    let path = target.split(|byte| *byte == b'?').next().unwrap_or_default();
    let path: Vec<u8> = percent_decode(path).collect();
    !decoded.iter().any(u8::is_ascii_control)
        && !path.contains(&b'\\')
        && !path.windows(2).any(|pair| pair == b"//")
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Method;
    use proptest::prelude::*;

    fn original(uri: Option<&[u8]>) -> Original<'_> {
        Original {
            method: Method::GET,
            websocket: false,
            https: true,
            host: Some("app.example.com"),
            uri,
            client: None,
        }
    }

    fn login(uri: &[u8]) -> String {
        LoginUrl::same_host().for_request(&original(Some(uri)), None)
    }

    #[test]
    fn a_deep_link_survives_with_its_query() {
        for (uri, expected) in [
            (&b"/svc/page?a=1&b=2"[..], "%2Fsvc%2Fpage%3Fa%3D1%26b%3D2"),
            (b"/", "%2F"),
            (b"/a%20b", "%2Fa%2520b"),
            (b"/a%2Fb?u=https://x.test/", "%2Fa%252Fb%3Fu%3Dhttps%3A%2F%2Fx.test%2F"),
            (b"/caf\xc3\xa9?q=\xff", "%2Fcaf%25C3%25A9%3Fq%3D%25FF"),
        ] {
            assert_eq!(login(uri), format!("/auth/login?return_to={expected}"));
        }
    }

    #[test]
    fn t13_a_way_back_that_could_leave_the_site_is_the_root() {
        for uri in [
            &b"//evil.test"[..],
            b"/\\evil.test",
            b"/%2fevil.test",
            b"/%2Fevil.test",
            b"/%5cevil.test",
            b"/.//evil.test",
            b"/a/..//evil.test",
            b"/%09/evil.test",
            b"/%0d%0aSet-Cookie:x",
            b"/a?x=%0d%0ay",
            b"https://evil.test",
            b"*",
            b"",
            &[b'/'; 3],
            &[b"/".as_slice(), &[b'a'; TARGET_MAX]].concat(),
        ] {
            assert_eq!(login(uri), "/auth/login?return_to=%2F", "{}", uri.escape_ascii());
        }
        let none = LoginUrl::same_host().for_request(&original(None), None);
        assert_eq!(none, "/auth/login?return_to=%2F");
    }

    #[test]
    fn a_central_login_is_told_the_whole_address() {
        let central = LoginUrl::parse("https://login.example.com/auth/login?idp=main").unwrap();
        assert_eq!(
            central.for_request(&original(Some(b"/x")), None),
            "https://login.example.com/auth/login?idp=main&return_to=https%3A%2F%2Fapp.example.com%2Fx"
        );
    }

    #[test]
    fn a_step_up_names_what_it_asks_for() {
        let requirements = Requirements {
            acr: vec!["urn:mfa".to_owned(), "urn:hwk".to_owned()],
            max_age: Some(60),
            ..Requirements::default()
        };
        assert_eq!(
            LoginUrl::same_host().for_request(&original(Some(b"/x")), Some(&requirements)),
            "/auth/login?return_to=%2Fx&acr_values=urn%3Amfa%20urn%3Ahwk&max_age=60"
        );
    }

    #[test]
    fn t13_only_a_path_or_an_http_url_is_a_login() {
        for good in
            ["/auth/login", "/login?x=1", "https://login.example.com", "http://a.test:8080/l"]
        {
            assert!(LoginUrl::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "auth/login",
            "//evil.test",
            "/\\evil.test",
            "javascript://x",
            "https://",
            "/a b",
            "/a#b",
        ] {
            assert!(LoginUrl::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn t13_the_login_is_always_one_local_ascii_url(uri in proptest::collection::vec(any::<u8>(), 0..80)) {
            let url = login(&uri);
            let value = url.strip_prefix("/auth/login?return_to=").unwrap();
            prop_assert!(url.bytes().all(|byte| byte.is_ascii_graphic()));
            let back = percent_decode(value.as_bytes()).decode_utf8().unwrap();
            prop_assert!(back.starts_with('/') && !back.starts_with("//") && !back.contains('\\'));
        }
    }
}
