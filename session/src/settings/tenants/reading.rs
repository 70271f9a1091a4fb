//! Owns: one entry of `tenants.yaml`, from what stands there to a tenant.

use shell::config::Settings;
use shell::origin::Origin;

use super::file::{CookieFile, Entry};
use super::{BffEntry, TenantEntry, host, is_name};
use crate::settings::CookieSettings;

/// One entry of the file, and where its problems go.
pub(super) struct Reading<'a> {
    place: String,
    settings: &'a mut Settings,
}

impl<'a> Reading<'a> {
    pub(super) fn of<C, R>(number: usize, entry: &Entry<C, R>, settings: &'a mut Settings) -> Self {
        let named = is_name(&entry.id);
        let place = if named { entry.id.clone() } else { format!("number {number}") };
        Self { place: format!("tenants.yaml: tenant {place}"), settings }
    }

    fn problem(&mut self, key: &str, problem: &str, hint: &str) {
        self.settings.problem(&format!("{}: {key}", self.place), problem, hint);
    }

    pub(super) fn tenant<C, R>(
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
