//! Owns: the URL of a user's rights, and that no name of a user leads anywhere else.

use std::fmt;

use http::Uri;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::permissions::User;

/// A URL with places for a user.
#[derive(Clone)]
pub(super) struct Template {
    parts: Vec<Part>,
}

#[derive(Clone)]
enum Part {
    Text(String),
    Place(Name),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Name {
    User,
    Tenant,
    Issuer,
}

impl Template {
    /// `None` for what is no URL with a place for a user in its path or query.
    pub(super) fn read(url: &str) -> Option<Self> {
        let mut parts = Vec::new();
        let mut rest = url;
        while let Some((text, behind)) = rest.split_once('{') {
            let (name, behind) = behind.split_once('}')?;
            let name = match name {
                "user" => Name::User,
                "tenant" => Name::Tenant,
                "issuer" => Name::Issuer,
                _ => return None,
            };
            parts.extend([Part::Text(text.to_owned()), Part::Place(name)]);
            rest = behind;
        }
        parts.push(Part::Text(rest.to_owned()));
        let template = Self { parts };
        let asks_for_a_user =
            template.parts.iter().any(|part| matches!(part, Part::Place(Name::User)));
        // Two users lead to one host, which is the one that was written.
        let filled = |text: &str| template.fill(&User::new(text, text).tenant(text))?.parse().ok();
        let (one, other): (Uri, Uri) = (filled("a")?, filled("b")?);
        let is_url = matches!(one.scheme_str(), Some("http" | "https"));
        let fixed = one.authority()? == other.authority()? && !url.contains('#');
        (asks_for_a_user && is_url && fixed).then_some(template)
    }

    /// The URL for `user`; `None` for somebody who cannot be named in it. Servers take `%2E%2E` for `..`, and
    /// an empty part for none.
    pub(super) fn fill(&self, user: &User) -> Option<String> {
        let mut url = String::new();
        for part in &self.parts {
            let name = match part {
                Part::Text(text) => {
                    url.push_str(text);
                    continue;
                }
                Part::Place(Name::User) => user.id(),
                Part::Place(Name::Issuer) => user.issuer(),
                Part::Place(Name::Tenant) => user.tenant_id()?,
            };
            if matches!(name, "" | "." | "..") {
                return None;
            }
            url.extend(utf8_percent_encode(name, NON_ALPHANUMERIC));
        }
        Some(url)
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for part in &self.parts {
            f.write_str(match part {
                Part::Text(text) => text,
                Part::Place(Name::User) => "{user}",
                Part::Place(Name::Tenant) => "{tenant}",
                Part::Place(Name::Issuer) => "{issuer}",
            })?;
        }
        f.write_str("\"")
    }
}

#[cfg(test)]
mod tests {
    use super::Template;
    use crate::permissions::User;

    fn filled(url: &str, user: &User) -> Option<String> {
        Template::read(url).unwrap().fill(user)
    }

    #[test]
    fn no_name_of_a_user_leads_anywhere_else() {
        let url = "https://d.internal/t/{tenant}/u/{user}?by={issuer}";
        let user = User::new("https://i/?a=b&c", "../bob?x=y#z/%2e").tenant("a/b");
        assert_eq!(
            filled(url, &user).unwrap(),
            "https://d.internal/t/a%2Fb/u/%2E%2E%2Fbob%3Fx%3Dy%23z%2F%252e?by=https%3A%2F%2Fi%2F%3Fa%3Db%26c"
        );
        for odd in ["", ".", ".."] {
            assert_eq!(filled(url, &User::new("i", odd).tenant("t")), None, "{odd:?}");
            assert_eq!(filled(url, &User::new("i", "u").tenant(odd)), None, "{odd:?}");
        }
        assert_eq!(filled(url, &User::new("i", "u")), None, "no tenant");
        let without = filled("http://d/{user}", &User::new("i", "u").tenant("t"));
        assert_eq!(without.unwrap(), "http://d/u");
    }

    #[test]
    fn t09_a_url_that_asks_for_nobody_or_lets_a_user_name_the_host_is_refused() {
        for url in [
            "",
            "/users/{user}",
            "https://d.internal/users",
            "https://d.internal/users/{tenant}",
            "https://d.internal/users/{name}",
            "https://d.internal/users/{user",
            "https://{user}/rights",
            "https://{user}.internal/{user}",
            "https://{user}@d.internal/",
            "ftp://d.internal/{user}",
            "https://d.internal/{user}#x",
            "https://d.internal/#{user}",
        ] {
            assert!(Template::read(url).is_none(), "{url}");
        }
    }
}
