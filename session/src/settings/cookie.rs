//! Owns: the session cookie's name and attributes, and taking it away in every form in which it may
//! stand in a browser (RFC 6265; prefixes of draft-ietf-httpbis-rfc6265bis).

use http::HeaderValue;
use shell::config::{Settings, parse};

/// Longest walk up from a host to the domains that could have set its cookies.
const PARENTS_MAX: usize = 6;

/// `SameSite` of the session cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SameSite {
    /// Sent with requests of the same site, and with navigations to it.
    Lax,
    /// Sent with requests of the same site alone.
    Strict,
    /// Sent always.
    None,
}

impl SameSite {
    /// As it stands in `Set-Cookie`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lax => "Lax",
            Self::Strict => "Strict",
            Self::None => "None",
        }
    }
}

/// The session cookie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CookieSettings {
    /// `BFF_COOKIE_NAME`.
    pub name: String,
    /// `BFF_COOKIE_DOMAIN`, without a leading dot; `None` for a host-only cookie.
    pub domain: Option<String>,
    /// `BFF_COOKIE_SAMESITE`.
    pub same_site: SameSite,
    /// `BFF_COOKIE_SECURE`.
    pub secure: bool,
}

impl CookieSettings {
    /// Reads `BFF_COOKIE_NAME`, `BFF_COOKIE_DOMAIN`, `BFF_COOKIE_SAMESITE` and `BFF_COOKIE_SECURE`, and
    /// notes what a browser would refuse.
    pub fn read(settings: &mut Settings) -> Self {
        let name = settings.parsed("BFF_COOKIE_NAME", "For example: bff_session", |text| {
            is_token(text).then(|| text.to_owned()).ok_or_else(|| "is not a cookie name".to_owned())
        });
        let domain = settings.parsed("BFF_COOKIE_DOMAIN", "For example: .example.com", domain);
        let same_site =
            settings.parsed("BFF_COOKIE_SAMESITE", "Use Lax, Strict or None.", |text| {
                [SameSite::Lax, SameSite::Strict, SameSite::None]
                    .into_iter()
                    .find(|known| known.as_str().eq_ignore_ascii_case(text))
                    .ok_or_else(|| "is not a SameSite value".to_owned())
            });
        let secure = settings.parsed("BFF_COOKIE_SECURE", "Use true or false.", parse::switch);
        let config = Self {
            name: name.unwrap_or_else(|| "bff_session".to_owned()),
            domain,
            same_site: same_site.unwrap_or(SameSite::Lax),
            secure: secure.unwrap_or(true),
        };
        config.check(settings);
        config
    }

    fn check(&self, settings: &mut Settings) {
        if self.is_host_only() && self.domain.is_some() {
            settings.problem(
                "BFF_COOKIE_DOMAIN",
                "is set beside a __Host- cookie name",
                "Remove the domain, or choose another name.",
            );
        }
        if self.same_site == SameSite::None {
            settings.warn(
                "BFF_COOKIE_SAMESITE",
                "is None: the session cookie goes along with requests that any site makes",
                "Use Lax, unless your pages are framed or called by another site.",
            );
        }
        let needs_secure = self.is_host_only()
            || self.has_prefix("__Secure-")
            || self.has_prefix("__Http-")
            || self.same_site == SameSite::None;
        if needs_secure && !self.secure {
            settings.problem(
                "BFF_COOKIE_SECURE",
                "is false beside a cookie that browsers take only as Secure",
                "Remove it, or choose another name and SameSite.",
            );
        }
    }

    /// `Set-Cookie` values that take the cookie away in its host-only form and, since another form must
    /// be what came beside it, for every domain that could have set it for `host`.
    pub fn cleared(&self, host: Option<&str>) -> Vec<HeaderValue> {
        let mut domains: Vec<&str> = self.domain.as_deref().into_iter().collect();
        if !self.is_host_only() {
            let parents = host.into_iter().flat_map(domains_of).take(PARENTS_MAX);
            domains.extend(parents.filter(|parent| Some(*parent) != self.domain.as_deref()));
        }
        let forms = std::iter::once(None).chain(domains.into_iter().map(Some));
        forms.filter_map(|domain| HeaderValue::try_from(self.clearing(domain)).ok()).collect()
    }

    fn clearing(&self, domain: Option<&str>) -> String {
        let Self { name, same_site, .. } = self;
        let same_site = same_site.as_str();
        let secure = if self.secure { "; Secure" } else { "" };
        let domain = domain.map(|domain| format!("; Domain={domain}")).unwrap_or_default();
        format!("{name}=; Path=/; Max-Age=0; HttpOnly; SameSite={same_site}{secure}{domain}")
    }

    /// Whether browsers send the cookie to the host `name`, once another host has set it.
    pub fn reaches(&self, name: &str) -> bool {
        self.domain.as_deref().is_some_and(|domain| {
            name.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        })
    }

    /// Browsers take such a cookie from the host itself only. They compare prefixes without case.
    fn is_host_only(&self) -> bool {
        self.has_prefix("__Host-")
    }

    fn has_prefix(&self, prefix: &str) -> bool {
        self.name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    }
}

/// A token of RFC 9110 section 5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// A domain, without the leading dot that browsers ignore.
fn domain(text: &str) -> Result<String, String> {
    let bare = text.strip_prefix('.').unwrap_or(text);
    if is_host_name(bare) {
        Ok(bare.to_ascii_lowercase())
    } else {
        Err("is not a domain".to_owned())
    }
}

fn is_host_name(text: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    text.split('.').all(label)
}

/// The host of `Host` and its parents that have a dot: public suffixes among them are refused by
/// browsers. Nothing for an address, whose cookies are host-only.
fn domains_of(host: &str) -> impl Iterator<Item = &str> {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let numeric =
        name.rsplit('.').next().is_none_or(|last| last.bytes().all(|b| b.is_ascii_digit()));
    let first = (is_host_name(name) && !numeric).then_some(name);
    std::iter::successors(first, |name| name.split_once('.').map(|(_, parent)| parent))
        .filter(|name| name.contains('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<CookieSettings, Vec<String>> {
        let mut settings = Settings::from_pairs(pairs.iter().copied());
        let config = CookieSettings::read(&mut settings);
        settings
            .finish(Some(config))
            .map(|(config, _)| config)
            .map_err(|problems| problems.iter().map(|problem| problem.path.clone()).collect())
    }

    fn cleared(pairs: &[(&str, &str)], host: &str) -> Vec<String> {
        let values = read(pairs).unwrap().cleared(Some(host));
        values.iter().map(|value| value.to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn c35_names_with_a_prefix_keep_what_they_promise() {
        assert!(read(&[("BFF_COOKIE_NAME", "__Host-sid")]).is_ok());
        for (pairs, path) in [
            (
                [("BFF_COOKIE_NAME", "__Host-sid"), ("BFF_COOKIE_DOMAIN", ".a.test")],
                "BFF_COOKIE_DOMAIN",
            ),
            (
                [("BFF_COOKIE_NAME", "__host-http-s"), ("BFF_COOKIE_SECURE", "false")],
                "BFF_COOKIE_SECURE",
            ),
            (
                [("BFF_COOKIE_NAME", "__Secure-sid"), ("BFF_COOKIE_SECURE", "false")],
                "BFF_COOKIE_SECURE",
            ),
            (
                [("BFF_COOKIE_SAMESITE", "none"), ("BFF_COOKIE_SECURE", "false")],
                "BFF_COOKIE_SECURE",
            ),
            ([("BFF_COOKIE_NAME", "a b"), ("BFF_COOKIE_SECURE", "true")], "BFF_COOKIE_NAME"),
            ([("BFF_COOKIE_NAME", "é"), ("BFF_COOKIE_SECURE", "true")], "BFF_COOKIE_NAME"),
            ([("BFF_COOKIE_DOMAIN", "a;b"), ("BFF_COOKIE_SECURE", "true")], "BFF_COOKIE_DOMAIN"),
        ] {
            assert_eq!(read(&pairs).unwrap_err(), [path], "{pairs:?}");
        }
    }

    #[test]
    fn c37_both_forms_are_taken_away() {
        const BARE: &str = "bff_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure";
        assert_eq!(
            cleared(&[], "app.example.com:8443"),
            [
                BARE.to_owned(),
                format!("{BARE}; Domain=app.example.com"),
                format!("{BARE}; Domain=example.com"),
            ]
        );
        assert_eq!(
            cleared(&[("BFF_COOKIE_DOMAIN", ".example.com")], "example.com"),
            [BARE.to_owned(), format!("{BARE}; Domain=example.com")]
        );
        for host in ["localhost:8080", "127.0.0.1", "[::1]:80", "a..b", "x;y.z"] {
            assert_eq!(cleared(&[], host), [BARE], "{host}");
        }
        let prefixed = cleared(&[("BFF_COOKIE_NAME", "__Host-sid")], "app.example.com");
        assert_eq!(prefixed.len(), 1);
    }
}
