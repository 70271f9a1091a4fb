//! Owns: from the host of a request to whom it belongs. Both programs look hosts up here, so that one
//! spelling cannot mean two tenants (class T3).

use std::collections::HashMap;

use shell::origin::Origin;

/// What belongs to each host. One look-up, which allocates nothing for hosts as browsers spell them.
#[derive(Debug, Clone)]
pub struct Hosts<T>(HashMap<Box<str>, T>);

impl<T> Default for Hosts<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T> FromIterator<(String, T)> for Hosts<T> {
    fn from_iter<I: IntoIterator<Item = (String, T)>>(hosts: I) -> Self {
        Self(hosts.into_iter().map(|(host, of)| (host.into_boxed_str(), of)).collect())
    }
}

impl<T> Hosts<T> {
    /// Gives `host` to somebody.
    pub fn insert(&mut self, host: String, of: T) {
        self.0.insert(host.into_boxed_str(), of);
    }

    /// What belongs to `host`, as it stands in a `Host` that was sent by `scheme`; `None` for one that
    /// was not listed.
    pub fn of_request(&self, scheme: &str, host: &str) -> Option<&T> {
        self.0.get(host).or_else(|| self.of(&Origin::of_request(scheme, host)?))
    }

    /// What belongs to the host of `origin`.
    pub fn of(&self, origin: &Origin) -> Option<&T> {
        self.0.get(origin.host())
    }

    /// Whether nothing belongs to any.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A host as an operator writes it, in the one spelling that requests are compared with; `None` if it
/// is none. Default ports mean nothing, whatever the scheme.
pub fn host(text: &str) -> Option<String> {
    let origin = Origin::of_request("https", text)?;
    let host = origin.host();
    Some(host.strip_suffix(":80").unwrap_or(host).to_owned())
}

/// A host without its port.
pub(super) fn name_of(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}
