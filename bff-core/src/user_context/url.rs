//! Owns: the address of an HTTP source, in which the user's id stands as one segment or value.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

/// What may stand for itself (RFC 3986 section 2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Longest id that is put into an address.
const MAX_ID: usize = 256;

/// An address with places for `{user_id}`, `{subject}` and `{tenant_id}` behind its host.
#[derive(Clone, PartialEq, Eq)]
pub struct UrlTemplate(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Fixed(String),
    UserId,
    Subject,
    TenantId,
}

impl fmt::Debug for UrlTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UrlTemplate({} pieces)", self.0.len())
    }
}

impl UrlTemplate {
    /// Takes an `http` or `https` URL whose host is fixed.
    pub fn parse(text: &str) -> Option<Self> {
        let (_, behind_scheme) = text.split_once("://")?;
        let host = behind_scheme.split(['/', '?', '#', '\\']).next().unwrap_or_default();
        if host.is_empty() || host.contains(['{', '}', '@']) {
            return None;
        }
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((fixed, behind)) = rest.split_once('{') {
            let (name, behind) = behind.split_once('}')?;
            pieces.push(Piece::Fixed(fixed.to_owned()));
            pieces.push(match name {
                "user_id" => Piece::UserId,
                "subject" => Piece::Subject,
                "tenant_id" => Piece::TenantId,
                _ => return None,
            });
            rest = behind;
        }
        pieces.push(Piece::Fixed(rest.to_owned()));
        let this = Self(pieces);
        let (url, other) = (this.filled("x", "x", "x")?, this.filled("y.z", "y.z", "y.z")?);
        let plain = matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.origin() == other.origin()
            && url.username().is_empty()
            && url.password().is_none()
            && url.fragment().is_none()
            && !rest.contains('}');
        plain.then_some(this)
    }

    /// Where it leads, whoever it is about.
    pub(crate) fn of_anybody(&self) -> Option<Url> {
        self.filled("x", "x", "x")
    }

    /// The address for this user; `None` if an id cannot stand in one without changing it.
    pub(super) fn filled(&self, user_id: &str, subject: &str, tenant_id: &str) -> Option<Url> {
        let mut text = String::new();
        for piece in &self.0 {
            let id = match piece {
                Piece::Fixed(fixed) => {
                    text.push_str(fixed);
                    continue;
                }
                Piece::UserId => user_id,
                Piece::Subject => subject,
                Piece::TenantId => tenant_id,
            };
            if id.is_empty() || id.len() > MAX_ID || matches!(id, "." | "..") {
                return None;
            }
            text.extend(utf8_percent_encode(id, RESERVED));
        }
        Url::parse(&text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn template(text: &str) -> UrlTemplate {
        UrlTemplate::parse(text).unwrap()
    }

    #[test]
    fn an_id_is_one_segment_whatever_it_holds() {
        let url = template("http://a:8/users/{user_id}/x?of={subject}");
        let filled = url.filled("../b/c?d#e%2f é", "a&b=c", "").unwrap();
        assert_eq!(
            filled.as_str(),
            "http://a:8/users/..%2Fb%2Fc%3Fd%23e%252f%20%C3%A9/x?of=a%26b%3Dc"
        );
        for bad in ["", ".", "..", &"x".repeat(257)] {
            assert!(url.filled(bad, "s", "t").is_none(), "{bad}");
        }
    }

    #[test]
    fn an_address_whose_host_is_not_fixed_is_refused() {
        for bad in [
            "",
            "accounts",
            "ftp://a/{user_id}",
            "http://{user_id}/",
            "http://a{user_id}/",
            "http://u:p@a/",
            "http://a/#x",
            "http://a/{tenant}",
            "http://a/{user_id",
            "http://a/user_id}",
            "https:///x",
            "http:///{user_id}/",
            "http:\\\\{user_id}/",
        ] {
            assert!(UrlTemplate::parse(bad).is_none(), "{bad}");
        }
        assert!(UrlTemplate::parse("https://a").is_some());
    }

    proptest! {
        #[test]
        fn no_id_changes_where_a_request_goes(id in ".{1,24}") {
            if let Some(url) = template("http://a:8/users/{user_id}/x").filled(&id, "s", "t") {
                prop_assert_eq!(url.host_str(), Some("a"));
                prop_assert_eq!(url.path().split('/').count(), 4);
                prop_assert!(url.path().starts_with("/users/") && url.path().ends_with("/x"));
                prop_assert!(url.query().is_none() && url.fragment().is_none());
            }
        }
    }
}
