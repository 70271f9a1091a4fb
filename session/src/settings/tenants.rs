//! Owns: `tenants.yaml` as far as both programs must agree on it: who the tenants are, at which hosts they
//! are reached, and their cookies and origins.
//!
//! What only `bff` reads is parsed by it out of the same shape; `forwardauth` passes over it and needs
//! none of its secrets.

pub mod auto;
mod file;
mod hosts;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use shell::config::{Settings, yaml};
use shell::origin::Origin;

use super::CookieSettings;
#[cfg(feature = "schema")]
pub use file::File as TenantsFile;
pub use file::{CookieFile, LimitsFile, Scalar};
use file::{Entry, File};
pub use hosts::{Hosts, host};

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

/// One entry of the file, and where its problems go.
struct Reading<'a> {
    place: String,
    settings: &'a mut Settings,
}

impl<'a> Reading<'a> {
    fn of<C, R>(number: usize, entry: &Entry<C, R>, settings: &'a mut Settings) -> Self {
        let named = is_name(&entry.id);
        let place = if named { entry.id.clone() } else { format!("number {number}") };
        Self { place: format!("tenants.yaml: tenant {place}"), settings }
    }

    fn problem(&mut self, key: &str, problem: &str, hint: &str) {
        self.settings.problem(&format!("{}: {key}", self.place), problem, hint);
    }

    fn tenant<C, R>(
        mut self,
        entry: Entry<C, R>,
        domain: Option<&str>,
        default: &CookieSettings,
        cors_origins: &[Origin],
    ) -> TenantEntry<C, R> {
        let hint = "Use 1 to 64 letters, digits, dots, hyphens and underscores.";
        if !is_name(&entry.id) {
            self.problem("id", "is not a name", hint);
        }
        let slug = entry.slug.clone().unwrap_or_else(|| entry.id.clone());
        if !is_name(&slug) {
            self.problem("slug", "is not a name", hint);
        }
        let hosts = self.hosts(&entry.hosts, entry.subdomain.as_deref(), domain);
        let cookie = self.cookie(entry.cookie.as_ref(), default);
        let cors_origins = match &entry.cors_origins {
            None => cors_origins.to_vec(),
            Some(listed) => self.origins(listed),
        };
        let bff = BffEntry {
            issuer: entry.issuer,
            client: entry.client,
            idps: entry.idps,
            callback_host: entry.callback_host,
            allowed_redirect_hosts: entry.allowed_redirect_hosts,
            post_logout_redirect_uri: entry.post_logout_redirect_uri,
            limits: entry.limits.unwrap_or_default(),
            rate_limits: entry.rate_limits,
        };
        TenantEntry { id: entry.id, slug, hosts, cookie, cors_origins, bff }
    }

    fn hosts(
        &mut self,
        listed: &[String],
        subdomain: Option<&str>,
        domain: Option<&str>,
    ) -> Vec<String> {
        let mut hosts = Vec::new();
        for text in listed {
            match host(text) {
                Some(host) => hosts.push(host),
                None => self.problem(
                    "hosts",
                    "holds something that is no host",
                    "List names such as acme.example.com, with a port where it is not the default.",
                ),
            }
        }
        if let Some(subdomain) = subdomain {
            let under = domain.and_then(|domain| host(&format!("{subdomain}.{domain}")));
            match under {
                Some(host) if is_name(subdomain) => hosts.push(host),
                _ if domain.is_none() => self.problem(
                    "subdomain",
                    "needs the domain that it is under",
                    "Set domain at the top of the file, or list hosts.",
                ),
                _ => self.problem("subdomain", "is not one", "For example acme."),
            }
        }
        if hosts.is_empty() && listed.is_empty() && subdomain.is_none() {
            let hint = "List its hosts, or give its subdomain: nothing reaches it by default.";
            self.problem("hosts", "is required and not set", hint);
        }
        hosts.sort_unstable();
        hosts.dedup();
        hosts
    }

    fn cookie(&mut self, file: Option<&CookieFile>, default: &CookieSettings) -> CookieSettings {
        let Some(file) = file else { return default.clone() };
        // One code reads both, so that nothing is checked less; the environment is the default.
        let secure = if default.secure { "true" } else { "false" };
        let given = [
            ("BFF_COOKIE_NAME", file.name.as_deref().or(Some(&default.name))),
            ("BFF_COOKIE_DOMAIN", file.domain.as_deref().or(default.domain.as_deref())),
            ("BFF_COOKIE_SAMESITE", file.samesite.as_deref().or(Some(default.same_site.as_str()))),
            ("BFF_COOKIE_SECURE", Some(secure)),
        ];
        let given = given.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let mut own = Settings::from_pairs(given);
        let cookie = CookieSettings::read(&mut own);
        match own.finish(Some(cookie)) {
            Ok((cookie, _)) => cookie,
            Err(problems) => {
                for problem in problems.iter() {
                    let key = problem.path.trim_start_matches("BFF_COOKIE_").to_ascii_lowercase();
                    self.problem(&format!("cookie.{key}"), &problem.problem, &problem.hint);
                }
                default.clone()
            }
        }
    }

    fn origins(&mut self, listed: &[String]) -> Vec<Origin> {
        let origins: Vec<Origin> = listed.iter().filter_map(|text| Origin::parse(text)).collect();
        if origins.len() < listed.len() {
            let hint = "List exact origins, for example https://app.example.com; never *.";
            self.problem("cors_origins", "holds something that is no origin", hint);
        }
        origins
    }
}

#[cfg(test)]
mod tests;
