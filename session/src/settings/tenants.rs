//! Owns: `tenants.yaml` as far as both programs must agree on it: who the tenants are, at which hosts they
//! are reached, and their cookies and origins.
//!
//! What only `bff` reads is parsed by it out of the same shape; `forwardauth` passes over it and needs
//! none of its secrets.

pub mod auto;
mod file;
mod hosts;
mod reading;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use shell::config::{Settings, yaml};
use shell::origin::Origin;

use super::CookieSettings;
#[cfg(feature = "schema")]
pub use file::File as TenantsFile;
use file::File;
pub use file::{CookieFile, LimitsFile, Scalar};
pub use hosts::{Hosts, host};
use reading::Reading;

/// Longest id, slug or subdomain.
const NAME_MAX: usize = 64;

/// One tenant. `C` is what is read of its `client`, and `R` of its `rate_limits`.
#[derive(Debug)]
pub struct TenantEntry<C, R> {
    /// Names it for good: sessions and services know it by this.
    pub id: String,
    /// Names it to people.
    pub slug: String,
    /// Its hosts, each with its port where that is not the default. Never empty.
    pub hosts: Vec<String>,
    /// Its session cookie.
    pub cookie: CookieSettings,
    /// Origins beside its own that may call it.
    pub cors_origins: Vec<Origin>,
    /// What `bff` alone needs.
    pub bff: BffEntry<C, R>,
}

/// What the file says of a tenant to `bff`, as it stands there.
#[derive(Debug)]
pub struct BffEntry<C, R> {
    /// `issuer`
    pub issuer: Option<String>,
    /// `client`
    pub client: Option<C>,
    /// `idps`
    pub idps: Vec<String>,
    /// `callback_host`
    pub callback_host: Option<String>,
    /// `allowed_redirect_hosts`
    pub allowed_redirect_hosts: Vec<String>,
    /// `post_logout_redirect_uri`
    pub post_logout_redirect_uri: Option<String>,
    /// `limits`
    pub limits: LimitsFile,
    /// `rate_limits`
    pub rate_limits: Option<R>,
}

/// The name of the file in `BFF_CONFIG_DIR`.
pub const FILE: &str = "tenants.yaml";

/// Where the file is, whether it is there or not.
pub fn path(settings: &mut Settings) -> PathBuf {
    let directory = settings.text("BFF_CONFIG_DIR").unwrap_or_else(|| "/app/config".to_owned());
    PathBuf::from(directory).join(FILE)
}

/// The text of the file, noting in `settings` where it cannot be read. `None` if there is no such file:
/// then there are no tenants.
pub fn read(settings: &mut Settings) -> Option<String> {
    let path = path(settings);
    // One that cannot be looked at may well be there.
    if !path.try_exists().unwrap_or(true) {
        return None;
    }
    Some(yaml::read(&path).unwrap_or_else(|problem| {
        settings.add(problem);
        String::new()
    }))
}

/// Who of the two reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// Has every variable that the file names.
    Bff,
    /// Has none that is meant for `bff`: those count as given, and fit nothing that is read here.
    Forwardauth,
}

/// The tenants of the text of the file, noting all problems in `settings`. `default` is the cookie, and
/// `cors_origins` are the origins, of who names none.
pub fn parse<C: DeserializeOwned, R: DeserializeOwned>(
    text: &str,
    settings: &mut Settings,
    reader: Reader,
    default: &CookieSettings,
    cors_origins: &[Origin],
) -> Vec<TenantEntry<C, R>> {
    let parsed = match reader {
        Reader::Bff => yaml::parse::<File<C, R>>(FILE, text, settings),
        Reader::Forwardauth => yaml::parse_partly::<File<C, R>>(FILE, text, settings),
    };
    let file = match parsed {
        Ok(file) => file,
        Err(problem) => {
            settings.add(problem);
            return Vec::new();
        }
    };
    if !file.is_known_version() {
        settings.problem(
            "tenants.yaml: version",
            "is not one that this program reads",
            "Write version: \"1.0\".",
        );
    }
    if file.tenants.is_empty() {
        settings.problem("tenants.yaml", "names no tenant", "Name one, or remove the file.");
    }
    let domain = file.domain.clone();
    let entries: Vec<TenantEntry<C, R>> = (1..)
        .zip(file.tenants)
        .map(|(number, entry)| {
            Reading::of(number, &entry, settings).tenant(
                entry,
                domain.as_deref(),
                default,
                cors_origins,
            )
        })
        .collect();
    check_apart(&entries, settings);
    entries
}

/// Whether `text` may name a tenant: it stands in headers, in tokens and in logs.
pub fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=NAME_MAX).contains(&text.len()) && text.bytes().all(plain)
}

/// What one tenant must not share with another.
fn check_apart<C, R>(entries: &[TenantEntry<C, R>], settings: &mut Settings) {
    let (mut ids, mut hosts) = (HashSet::new(), HashMap::new());
    for entry in entries {
        let place = format!("tenants.yaml: tenant {}", entry.id);
        if !ids.insert(entry.id.as_str()) {
            settings.problem(&place, "has the id of another tenant", "Give each its own id.");
        }
        for host in &entry.hosts {
            // Cookies do not know of ports, so neither may what keeps tenants apart.
            let name = hosts::name_of(host);
            if hosts.insert(name, entry.id.as_str()).is_some_and(|other| other != entry.id) {
                settings.problem(
                    &format!("{place}: hosts"),
                    "holds a host of another tenant",
                    "A host belongs to one tenant, whatever its port.",
                );
            }
        }
    }
    for one in entries {
        let same_name = |other: &&TenantEntry<C, R>| {
            other.id != one.id && other.cookie.name.eq_ignore_ascii_case(&one.cookie.name)
        };
        let reached = |other: &TenantEntry<C, R>| {
            other.hosts.iter().any(|host| one.cookie.reaches(hosts::name_of(host)))
        };
        if entries.iter().filter(same_name).any(reached) {
            settings.problem(
                &format!("tenants.yaml: tenant {}: cookie.domain", one.id),
                "sends the session cookie to another tenant, whose cookie has the same name",
                "Give each its own cookie name, or leave the domain out.",
            );
        }
    }
}

#[cfg(test)]
mod tests;
