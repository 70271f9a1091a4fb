//! The cookies of one user agent, as RFC 6265 section 5 stores and sends them (ports are ignored).

use cookie::{Cookie, Expiration};
use http::{HeaderMap, header};
use url::Url;

/// One stored cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Exact name.
    pub name: String,
    /// Value as the server sent it.
    pub value: String,
    /// The host that set it, or the domain it named.
    pub domain: String,
    /// Sent to this host alone.
    pub host_only: bool,
    /// Path prefix.
    pub path: String,
    /// Attributes as sent, for tests that look at them.
    pub line: String,
}

/// A cookie jar.
#[derive(Clone, Debug, Default)]
pub struct Jar(Vec<Stored>);

impl Jar {
    /// Takes the `Set-Cookie` lines of an answer that came from `url`.
    pub fn store(&mut self, url: &Url, headers: &HeaderMap) {
        for line in headers.get_all(header::SET_COOKIE) {
            let text = String::from_utf8_lossy(line.as_bytes()).into_owned();
            let Ok(parsed) = Cookie::parse(text.clone()) else { continue };
            let host = url.host_str().unwrap_or_default().to_owned();
            let domain = parsed.domain().map(|domain| domain.trim_start_matches('.').to_owned());
            if domain.as_ref().is_some_and(|domain| !belongs(&host, domain)) {
                continue;
            }
            let stored = Stored {
                name: parsed.name().to_owned(),
                value: parsed.value().to_owned(),
                host_only: domain.is_none(),
                domain: domain.unwrap_or(host),
                path: parsed.path().unwrap_or("/").to_owned(),
                line: text,
            };
            self.0.retain(|old| {
                (&old.name, &old.domain, &old.path) != (&stored.name, &stored.domain, &stored.path)
            });
            if !gone(&parsed) {
                self.0.push(stored);
            }
        }
    }

    /// The `Cookie` line for a request to `url`; none when there is nothing to send.
    pub fn line(&self, url: &Url) -> Option<String> {
        let host = url.host_str().unwrap_or_default();
        let pairs: Vec<_> = self
            .0
            .iter()
            .filter(|stored| {
                if stored.host_only { host == stored.domain } else { belongs(host, &stored.domain) }
            })
            .filter(|stored| url.path().starts_with(stored.path.as_str()))
            .map(|stored| format!("{}={}", stored.name, stored.value))
            .collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    /// The first cookie of that name.
    pub fn get(&self, name: &str) -> Option<&Stored> {
        self.0.iter().find(|stored| stored.name == name)
    }

    /// Puts a cookie there, as an attacker or another device would.
    pub fn plant(&mut self, host: &str, name: &str, value: &str) {
        self.0.retain(|old| old.name != name);
        self.0.push(Stored {
            name: name.to_owned(),
            value: value.to_owned(),
            domain: host.to_owned(),
            host_only: true,
            path: "/".to_owned(),
            line: String::new(),
        });
    }

    /// Puts each cookie of one host in the place of those of the other, as a mixed-up browser would.
    pub fn swap_hosts(&mut self, one: &str, other: &str) {
        for stored in &mut self.0 {
            let to = match &*stored.domain {
                domain if domain == one => other,
                domain if domain == other => one,
                _ => continue,
            };
            to.clone_into(&mut stored.domain);
        }
    }

    /// Takes the cookies of that name away.
    pub fn forget(&mut self, name: &str) {
        self.0.retain(|stored| stored.name != name);
    }

    /// Every cookie.
    pub fn all(&self) -> &[Stored] {
        &self.0
    }
}

fn belongs(host: &str, domain: &str) -> bool {
    host == domain || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
}

fn gone(cookie: &Cookie<'_>) -> bool {
    let aged = cookie.max_age().is_some_and(|age| age.whole_seconds() <= 0);
    let past =
        matches!(cookie.expires(), Some(Expiration::DateTime(at)) if at.unix_timestamp() <= 0);
    aged || past
}
