//! Owns: one entry of `tenants.yaml`: each key it has, else what the settings have for everybody.

use std::collections::BTreeMap;

use session::settings::tenants::{BffEntry, LimitsFile, Scalar, TenantEntry};
use shell::config::Settings;
use shell::origin::Origin;

use super::super::idps::{ClientFile, client_of_tenant};
use super::super::rate_limits::RateLimitsFile;
use super::super::{LoginProvider, Site, client, lifetime, site};
use super::{Common, Limits, TenantSettings};
use crate::cookies::Cookies;
use crate::limits::RateLimits;

/// One tenant's entry, and where its problems go.
pub(super) struct Reading<'a> {
    pub(super) place: String,
    pub(super) common: Common<'a>,
    pub(super) main: Option<&'a LoginProvider>,
    /// Whether there is to be a main one, whether it can be used or not.
    pub(super) has_main: bool,
    pub(super) settings: &'a mut Settings,
}

impl Reading<'_> {
    fn problem(&mut self, key: &str, problem: &str, hint: &str) {
        self.settings.problem(&format!("{}: {key}", self.place), problem, hint);
    }

    pub(super) fn tenant(
        mut self,
        entry: TenantEntry<ClientFile, RateLimitsFile>,
    ) -> Option<TenantSettings> {
        let TenantEntry { id, slug, hosts, cookie, cors_origins, bff } = entry;
        let limits = self.limits(&bff.limits);
        let rate_limits = self.rate_limits(bff.rate_limits.as_ref());
        let idps = self.idps(&bff.idps);
        let site = self.site(&hosts, cors_origins, &bff);
        let login = self.login(bff);
        if let Some(LoginProvider { oidc, .. }) = &login {
            let path = format!("{}: callback_host", self.place);
            client::agree(self.settings, oidc, site.default_origin.as_ref(), &path);
        }
        let cookies = Cookies::new(cookie);
        Some(TenantSettings {
            id,
            slug,
            hosts,
            site,
            cookies,
            login: login?,
            idps,
            limits,
            rate_limits,
        })
    }

    /// Its own client, or that of the `OIDC_*` settings. Nobody's credentials go to another's issuer.
    fn login(&mut self, entry: BffEntry<ClientFile, RateLimitsFile>) -> Option<LoginProvider> {
        let main_issuer = self.settings.text("OIDC_ISSUER");
        let Some(client) = entry.client else {
            if entry.issuer.is_some() && entry.issuer != main_issuer {
                let hint = "Add the client that is registered there for this tenant.";
                self.problem("client", "is required beside an issuer of its own", hint);
            } else if !self.has_main {
                let hint = "Give it a client, or set OIDC_ISSUER and OIDC_CLIENT_ID for all.";
                self.problem("client", "is required and not set", hint);
            }
            return self.main.cloned();
        };
        let Some(issuer) = entry.issuer.or(main_issuer) else {
            self.problem("issuer", "is required and not set", "For example https://idp.acme.com.");
            return None;
        };
        let (oidc, ca) = client_of_tenant(&issuer, client, &self.place, self.settings)?;
        Some(LoginProvider { oidc, ca })
    }

    fn idps(&mut self, names: &[String]) -> BTreeMap<String, LoginProvider> {
        let mut idps = BTreeMap::new();
        for name in names {
            match self.common.idps.login.get(name) {
                Some(provider) => drop(idps.insert(name.clone(), provider.clone())),
                None => self.problem(
                    "idps",
                    "names something that is no login provider",
                    "Name entries of idps.yaml that have a client.",
                ),
            }
        }
        idps
    }

    fn site(
        &mut self,
        hosts: &[String],
        cors_origins: Vec<Origin>,
        entry: &BffEntry<ClientFile, RateLimitsFile>,
    ) -> Site {
        let scheme = site::default_scheme(self.settings);
        let callback = entry.callback_host.as_deref().map(|text| {
            let origin = Origin::of_request(&scheme, text);
            origin.filter(|origin| hosts.iter().any(|host| host == origin.host()))
        });
        if callback == Some(None) {
            let hint =
                "Name one of the tenant's hosts; the login could not be finished at another.";
            self.problem("callback_host", "is not one of its hosts", hint);
        }
        let mut allowed_hosts = hosts.to_vec();
        for text in &entry.allowed_redirect_hosts {
            match site::host(text) {
                Ok(host) => allowed_hosts.push(host),
                Err(problem) => {
                    let hint = "List hosts, for example www.acme.example.com.";
                    self.problem("allowed_redirect_hosts", &problem, hint);
                }
            }
        }
        let after = entry.post_logout_redirect_uri.as_deref().map(site::uri).transpose();
        let post_logout_redirect_uri = after.unwrap_or_else(|problem| {
            let hint = "Give the URI that is registered at the IdP.";
            self.problem("post_logout_redirect_uri", &problem, hint);
            None
        });
        Site {
            default_origin: callback.flatten(),
            // The request's own host is one of the tenant's, or the request was refused.
            dynamic_callback: false,
            allowed_hosts,
            cors_origins,
            post_logout_redirect_uri,
        }
    }

    fn limits(&mut self, file: &LimitsFile) -> Limits {
        let all = self.common.limits();
        let session = self.seconds("session_ttl", file.session_ttl.as_ref(), all.session);
        let idle =
            self.seconds("session_idle_ttl", file.session_idle_ttl.as_ref(), all.idle.into());
        let most = file.max_sessions_per_user.unwrap_or(all.max_sessions_per_user);
        if all.max_sessions_per_user > 0 && (most == 0 || most > all.max_sessions_per_user) {
            let hint = "A tenant's limits only narrow what holds for all.";
            self.problem("limits.max_sessions_per_user", "is more than SESSION_MAX_PER_USER", hint);
        }
        let idle = u32::try_from(idle.min(session)).unwrap_or(u32::MAX);
        Limits { session, idle, max_sessions_per_user: most }
    }

    /// Its own rate limits, which may be more or less than those of all.
    fn rate_limits(&mut self, file: Option<&RateLimitsFile>) -> RateLimits {
        let all = self.common.rate_limits;
        let place = format!("{}: rate_limits", self.place);
        file.map_or_else(|| all.clone(), |file| file.of_tenant(all, &place, self.settings))
    }

    /// A time in seconds, at most that of all tenants.
    fn seconds(&mut self, key: &str, given: Option<&Scalar>, most: u64) -> u64 {
        let Some(given) = given else { return most };
        let problem = match lifetime(&given.to_string()) {
            Ok(seconds) if seconds <= most => return seconds,
            Ok(_) => "is longer than that of all tenants".to_owned(),
            Err(problem) => problem,
        };
        let hint =
            "Give seconds, or a duration such as 1h, within SESSION_TTL and SESSION_IDLE_TTL.";
        self.problem(&format!("limits.{key}"), &problem, hint);
        most
    }
}
