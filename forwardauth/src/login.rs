//! Owns: the address of the login (`FORWARDAUTH_LOGIN_URL`) and the way back that it is given.
//!
//! The way back never leaves the site (class T13): it is the original path and query, or `/` where
//! that could be read as anything else.

mod return_to;

use bytes::{BufMut as _, BytesMut};
use http::Uri;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use shell::origin::Origin;

use crate::policy::StepUp;
use crate::request::Original;

/// All but the unreserved characters of RFC 3986 section 2.3.
const IN_VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Where people sign in: on the same host, or on a central one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginUrl {
    text: String,
    central: bool,
    has_query: bool,
}

impl LoginUrl {
    /// The login of the BFF on the same host.
    pub fn same_host() -> Self {
        Self { text: "/auth/login".to_owned(), central: false, has_query: false }
    }

    /// Reads a path on the same host, or an absolute URL.
    ///
    /// # Errors
    /// What is expected instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        // RFC 3986 knows none of these in a URL, and JSON would have to escape some.
        let clean =
            text.bytes().all(|byte| byte.is_ascii_graphic() && !b"#\\\"<>^`{|}".contains(&byte));
        let relative = text.starts_with('/') && !text.starts_with("//");
        let central = text.split_once("://").is_some_and(|(scheme, rest)| {
            let host = rest.split(['/', '?']).next().unwrap_or_default();
            Origin::parse(&format!("{scheme}://{host}")).is_some()
        });
        if clean && (relative || central) {
            Ok(Self { text: text.to_owned(), central, has_query: text.contains('?') })
        } else {
            Err("is neither a path such as /auth/login nor an http(s) URL".to_owned())
        }
    }

    /// The address of a login at a host of its own.
    pub(crate) fn central(&self) -> Option<Uri> {
        if self.central { self.text.parse().ok() } else { None }
    }

    /// The login for `original`; with `step_up`, one that asks for what it names.
    pub(crate) const fn for_request<'a>(
        &'a self,
        original: &'a Original<'a>,
        step_up: Option<&'a StepUp>,
    ) -> Login<'a> {
        Login { url: self, original, step_up }
    }

    /// Whether it is at a host of its own.
    pub(crate) const fn is_central(&self) -> bool {
        self.central
    }

    /// The configured text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// The login for one request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Login<'a> {
    url: &'a LoginUrl,
    original: &'a Original<'a>,
    step_up: Option<&'a StepUp>,
}

impl Login<'_> {
    /// Writes its URL: ASCII without quotes, so that it can stand in a header and in JSON as it is.
    pub(crate) fn write(&self, out: &mut BytesMut) {
        let Self { url, original, step_up } = *self;
        out.put_slice(url.text.as_bytes());
        out.put_slice(if url.has_query { b"&return_to=" } else { b"?return_to=" });
        let own = original.host.filter(|_| url.central);
        if let Some(own) = own.and_then(|host| Origin::of_request(original.scheme(), host)) {
            put_value(out, own.as_str());
        }
        return_to::put(out, original.uri);
        if let Some(StepUp { acr, max_age }) = step_up {
            if !acr.is_empty() {
                out.put_slice(b"&acr_values=");
                put_value(out, &acr.join(" "));
            }
            if let Some(age) = max_age {
                out.put_slice(b"&max_age=");
                put_value(out, itoa::Buffer::new().format(*age));
            }
        }
    }
}

fn put_value(out: &mut BytesMut, value: &str) {
    utf8_percent_encode(value, IN_VALUE).for_each(|piece| out.put_slice(piece.as_bytes()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Method;
    use percent_encoding::percent_decode;
    use proptest::prelude::*;
    use return_to::TARGET_MAX;

    fn original(uri: Option<&[u8]>) -> Original<'_> {
        Original {
            method: Method::GET,
            websocket: false,
            https: true,
            host: Some("app.example.com"),
            uri,
        }
    }

    fn url(login: &LoginUrl, uri: Option<&[u8]>, step_up: Option<&StepUp>) -> String {
        let mut url = BytesMut::new();
        login.for_request(&original(uri), step_up).write(&mut url);
        String::from_utf8(url.to_vec()).unwrap()
    }

    fn login(uri: &[u8]) -> String {
        url(&LoginUrl::same_host(), Some(uri), None)
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
        let none = url(&LoginUrl::same_host(), None, None);
        assert_eq!(none, "/auth/login?return_to=%2F");
    }

    #[test]
    fn a_central_login_is_told_the_whole_address() {
        let central = LoginUrl::parse("https://login.example.com/auth/login?idp=main").unwrap();
        assert_eq!(
            url(&central, Some(b"/x"), None),
            "https://login.example.com/auth/login?idp=main&return_to=https%3A%2F%2Fapp.example.com%2Fx"
        );
    }

    #[test]
    fn a_step_up_names_what_it_asks_for() {
        let step_up =
            StepUp { acr: vec!["urn:mfa".to_owned(), "urn:hwk".to_owned()], max_age: Some(60) };
        assert_eq!(
            url(&LoginUrl::same_host(), Some(b"/x"), Some(&step_up)),
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
            "/a\"b",
            "/a<b>",
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
