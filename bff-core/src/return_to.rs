//! Owns: where a browser may be sent after login.
//!
//! One canonical parser decides (class T13): a path on our own host, or an absolute URL whose host
//! the operator listed. What is not clearly one of the two is `/`.

use std::fmt;

use percent_encoding::percent_decode_str;
use url::Url;

/// Longest target that is kept.
const MAX_LEN: usize = 2_048;

/// A target that never leaves the hosts we serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnTo(String);

impl Default for ReturnTo {
    fn default() -> Self {
        Self("/".to_owned())
    }
}

impl ReturnTo {
    /// Reads a target; anything doubtful is `/`.
    pub fn parse(text: &str, allowed_hosts: &[String]) -> Self {
        Self::path(text).or_else(|| Self::absolute(text, allowed_hosts)).unwrap_or_default()
    }

    fn path(text: &str) -> Option<Self> {
        if !text.starts_with('/') || !is_plain(text) {
            return None;
        }
        let base = Url::parse("https://self.invalid/").ok()?;
        let url = base.join(text).ok()?;
        if url.origin() != base.origin() || !is_plain(url.path()) {
            return None;
        }
        let path = url.path();
        // Back to a page of the login itself would loop, or log out at once.
        if path == "/auth" || path.starts_with("/auth/") || path.starts_with("/api/auth/") {
            return Some(Self::default());
        }
        url.as_str().strip_prefix("https://self.invalid").map(|rest| Self(rest.to_owned()))
    }

    fn absolute(text: &str, allowed_hosts: &[String]) -> Option<Self> {
        let rest = text.strip_prefix("https://")?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let url = Url::parse(text).ok()?;
        let host = url.host_str()?;
        let with_port = url.port().map(|port| format!("{host}:{port}"));
        let named = with_port.as_deref().unwrap_or(host);
        let path = rest.get(authority.len()..)?;
        // What browsers take for the host behind more slashes would be looked at by nobody.
        let authority_is_plain = !authority.is_empty() && !authority.contains(['@', '\\', '%']);
        let clean = path.is_empty() || (path.starts_with('/') && is_plain(path));
        (clean && authority_is_plain && allowed_hosts.iter().any(|allowed| allowed == named))
            .then(|| Self(url.into()))
    }

    /// A target that was parsed before it was sealed.
    pub(crate) const fn kept(text: String) -> Self {
        Self(text)
    }

    /// The `Location`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ReturnTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// No control character, blank, backslash or second leading slash, in clear or encoded once or
/// twice, anywhere that a browser could read as an authority.
fn is_plain(text: &str) -> bool {
    if text.len() > MAX_LEN {
        return false;
    }
    let mut current = text.to_owned();
    for _ in 0..3 {
        let path = current.split(['?', '#']).next().unwrap_or_default();
        let odd = |character: char| {
            character.is_control() || character.is_whitespace() || character == '\\'
        };
        if path.starts_with("//") || path.chars().any(odd) || current.chars().any(char::is_control)
        {
            return false;
        }
        match percent_decode_str(path).decode_utf8() {
            Ok(decoded) if decoded != path => current = decoded.into_owned(),
            Ok(_) => return true,
            Err(_) => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parsed(text: &str) -> String {
        ReturnTo::parse(text, &["app.example.com".to_owned(), "dev.example.com:8443".to_owned()])
            .to_string()
    }

    #[test]
    fn c16_paths_and_listed_hosts_are_kept_with_their_query() {
        for text in [
            "/",
            "/orders?id=1&next=%2Fx#top",
            "/a/b.html?u=https://elsewhere.example/",
            "https://app.example.com/x?y=1",
            "https://dev.example.com:8443/",
        ] {
            assert_eq!(parsed(text), text);
        }
        assert_eq!(parsed("/a/../b"), "/b");
    }

    #[test]
    fn t13_nothing_leads_elsewhere() {
        for text in [
            "",
            "//evil.test",
            "///evil.test",
            "/\\evil.test",
            "\\\\evil.test",
            "/%5cevil.test",
            "/%5C%5Cevil.test",
            "/%2f/evil.test",
            "/%2fevil.test",
            "/%252fevil.test",
            "/%09/evil.test",
            "/\t/evil.test",
            "/ /evil.test",
            "/%20/evil.test",
            "/\n/evil.test",
            "/%0d%0aset-cookie:x",
            "https:evil.test",
            "https:/evil.test",
            "https:///evil.test",
            "https:///app.example.com/",
            "https:///somebody@app.example.com/",
            "https:////app.example.com//evil.test",
            "http://app.example.com/",
            "https://evil.test",
            "https://app.example.com.evil.test/",
            "https://evilapp.example.com/",
            "https://app.example.com@evil.test/",
            "https://evil.test\\@app.example.com/",
            "https://app.example.com:444/",
            "https://app.example.com\\.evil.test/",
            "javascript:alert(1)",
            "data:text/html,x",
            "evil.test",
            "@evil.test",
            ".evil.test",
            "/..//evil.test",
            "/./\\evil.test",
            "/%2e%2e//evil.test",
            "https://app.example.com%2eevil.test",
            "\u{2028}/evil.test",
            "/\u{0}",
            "/%00",
            "ftp://app.example.com/",
            "//app.example.com/",
            "/a/..//evil.test",
            "/auth/logout?lt=x",
            "/auth/login",
            "/api/auth/logout",
        ] {
            assert_eq!(parsed(text), "/", "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn t13_a_browser_never_leaves_the_site(text in "[/\\\\%a-z0-9:.@?#\\t 25cCfF]{0,40}") {
            let base = Url::parse("https://app.example.com/here").unwrap();
            let target = base.join(&parsed(&text)).unwrap();
            prop_assert!(
                ["app.example.com", "dev.example.com"].contains(&target.host_str().unwrap()),
                "{text:?} leads to {target}"
            );
            prop_assert_eq!(target.scheme(), "https");
        }
    }
}
