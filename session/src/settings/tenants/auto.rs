//! Owns: `BFF_DEV_AUTO_TENANT`: on a developer's machine, a host that nobody listed is a tenant of its own.
//!
//! A rule and no state, so that both programs know the same tenants without telling each other.

use std::net::SocketAddr;

use secrecy::ExposeSecret as _;
use shell::config::{Settings, parse};
use shell::origin::Origin;

use super::hosts;

/// The setting.
pub const NAME: &str = "BFF_DEV_AUTO_TENANT";

/// Whether unknown hosts are tenants, which is refused unless everything is on this machine: `listeners`
/// with the settings that name them, the store, and the identity provider.
pub fn read(settings: &mut Settings, listeners: &[(&str, SocketAddr)]) -> bool {
    if settings.parsed(NAME, "Use true or false.", parse::switch) != Some(true) {
        return false;
    }
    let mut beyond = Vec::new();
    beyond.extend(listeners.iter().filter(|(_, on)| !on.ip().is_loopback()).map(|(name, _)| *name));
    let store = settings.secret("REDIS_URL");
    if store.is_some_and(|url| !is_store_here(url.expose_secret())) {
        beyond.push("REDIS_URL");
    }
    for name in ["OIDC_ISSUER", "OIDC_INTERNAL_BASE"] {
        if settings.text(name).is_some_and(|url| !is_here(&url)) {
            beyond.push(name);
        }
    }
    if !beyond.is_empty() {
        settings.problem(
            NAME,
            &format!("is on while {} is not on loopback", beyond.join(", ")),
            "It is for a developer's own machine. Name your tenants in tenants.yaml.",
        );
    }
    true
}

/// The id of the tenant that is made for `origin`, and its slug; `None` beyond this machine, and for
/// addresses, whose tenants nobody could tell apart.
pub fn tenant_of(origin: &Origin) -> Option<(&str, &str)> {
    let id = hosts::name_of(origin.host());
    let named = origin.is_loopback() && super::is_name(id);
    let named = named && id.ends_with("localhost");
    named.then(|| (id, id.split('.').next().unwrap_or(id)))
}

/// Whether a URL leads to this machine by its very name.
pub fn is_here(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    Origin::of_request(scheme, host).is_some_and(|origin| origin.is_loopback())
}

/// `memory://`, or one server of this machine. What names several is nobody's development set-up.
fn is_store_here(url: &str) -> bool {
    if url.starts_with("memory:") {
        return true;
    }
    let one = ["redis://", "rediss://"].iter().find_map(|scheme| url.strip_prefix(scheme));
    let Some(rest) = one else { return false };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    !rest.contains("node=") && is_here(&format!("http://{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: [(&str, &str); 3] = [
        (NAME, "true"),
        ("REDIS_URL", "redis://user:pass@127.0.0.1:6379/1"),
        ("OIDC_ISSUER", "http://localhost:9000/realm"),
    ];

    fn refused(changes: &[(&str, &str)], listen: &str) -> Option<String> {
        let mut settings = Settings::from_pairs(HERE.iter().chain(changes).copied());
        let auto = read(&mut settings, &[("BFF_LISTEN", listen.parse().unwrap())]);
        assert!(auto);
        settings.finish(Some(())).err().map(|problems| problems.to_string())
    }

    #[test]
    fn t09_c79_tenants_are_made_on_loopback_alone() {
        assert_eq!(refused(&[], "127.0.0.1:8000"), None);
        assert_eq!(refused(&[("REDIS_URL", "memory://")], "[::1]:8000"), None);
        assert!(refused(&[], "0.0.0.0:8000").unwrap().contains("BFF_LISTEN"));
        for (name, value) in [
            ("REDIS_URL", "redis://redis:6379"),
            ("REDIS_URL", "redis://127.0.0.1@redis:6379"),
            ("REDIS_URL", "redis-cluster://127.0.0.1:6379?node=redis:6379"),
            ("REDIS_URL", "redis://127.0.0.1:6379?node=redis:6379"),
            ("OIDC_ISSUER", "https://idp.example.com"),
            ("OIDC_ISSUER", "https://localhost.example.com"),
            ("OIDC_INTERNAL_BASE", "http://idp:9000"),
        ] {
            let report = refused(&[(name, value)], "127.0.0.1:8000").unwrap();
            assert!(report.contains(name) && !report.contains(value), "{report}");
        }
    }

    #[test]
    fn c79_a_made_tenant_is_called_as_its_host() {
        let of = |text: &str| {
            let origin = Origin::parse(text).unwrap();
            tenant_of(&origin).map(|(id, slug)| (id.to_owned(), slug.to_owned()))
        };
        let named = |id: &str, slug: &str| Some((id.to_owned(), slug.to_owned()));
        assert_eq!(of("http://acme.localhost:8080"), named("acme.localhost", "acme"));
        assert_eq!(of("http://ACME.localhost"), named("acme.localhost", "acme"));
        assert_eq!(of("http://localhost:1"), named("localhost", "localhost"));
        for other in ["https://acme.example.com", "http://127.0.0.1:8080", "http://[::1]"] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
