//! Owns: the tenants of a deployment, from `tenants.yaml` and the settings that it overrides. Without the
//! file there is one, which has no name and whom every host reaches.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use session::settings::CookieSettings;
use session::settings::tenants::{self, BffEntry, LimitsFile, Reader, Scalar, TenantEntry, auto};
use shell::config::Settings;
use shell::origin::Origin;
use shell::reload::Fingerprint;

use super::idps::{ClientFile, client_of_tenant};
use super::rate_limits::RateLimitsFile;
use super::{Idps, Lifetimes, LoginProvider, Network, Site, client, cookies, lifetime, site};
use crate::cookies::Cookies;
use crate::limits::RateLimits;

/// Everything that is one tenant's own.
#[derive(Debug, Clone)]
pub struct TenantSettings {
    /// Empty for the one tenant of a deployment without `tenants.yaml`.
    pub id: String,
    /// Its name for people; empty likewise.
    pub slug: String,
    /// Where it is reached; empty for the one whom every host reaches.
    pub hosts: Vec<String>,
    /// How its users see us.
    pub site: Site,
    /// How its cookies are written.
    pub cookies: Cookies,
    /// Its main relying party, and the authority that is trusted for it beside the system's.
    pub login: LoginProvider,
    /// Further ones, by the name that `/auth/login?idp=` chooses.
    pub idps: BTreeMap<String, LoginProvider>,
    /// What its sessions may.
    pub limits: Limits,
    /// How often its users may ask.
    pub rate_limits: RateLimits,
}

/// What the sessions of a tenant may at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Seconds that a session lives.
    pub session: u64,
    /// Seconds that it lives without use.
    pub idle: u32,
    /// Sessions of one user; zero is no cap.
    pub max_sessions_per_user: usize,
}

/// All tenants.
#[derive(Debug)]
pub struct Tenancy {
    /// In the order of the file.
    pub tenants: Vec<TenantSettings>,
    /// Whether the host tells the tenant, and there is none by default.
    pub by_host: bool,
    /// What tenants are like that are made of unknown hosts (`BFF_DEV_AUTO_TENANT`); `None` if none are.
    pub made: Option<TenantSettings>,
    /// The file as it was read; `None` if there was none.
    pub file: Option<(PathBuf, Fingerprint)>,
    /// Its text likewise.
    pub(super) text: Option<Arc<str>>,
}

/// What holds for everybody.
#[derive(Debug, Clone, Copy)]
pub(super) struct Common<'a> {
    pub(super) network: &'a Network,
    pub(super) lifetimes: Lifetimes,
    pub(super) max_sessions_per_user: usize,
    pub(super) rate_limits: &'a RateLimits,
    pub(super) idps: &'a Idps,
}

/// Settings that would say of all tenants what each must say of itself, and the key for it.
const OF_EACH: [(&str, &str); 4] = [
    ("BFF_DEFAULT_HOST", "callback_host"),
    ("BFF_DYNAMIC_CALLBACK", "hosts"),
    ("BFF_ALLOWED_REDIRECT_HOSTS", "allowed_redirect_hosts"),
    ("BFF_POST_LOGOUT_REDIRECT_URI", "post_logout_redirect_uri"),
];

impl Tenancy {
    /// Whether lists of sessions must know which is older: for a cap, which a new file may bring as well.
    pub(super) fn has_caps(&self) -> bool {
        self.by_host || self.tenants.iter().any(|tenant| tenant.limits.max_sessions_per_user > 0)
    }

    /// Whether `id` is one of them, or may become one.
    pub(super) fn knows(&self, id: &str) -> bool {
        self.by_host && (self.made.is_some() || self.tenants.iter().any(|tenant| tenant.id == id))
    }

    /// The tenant at the host of `origin`: its id, which is empty where there is one tenant. `None` for a
    /// host of nobody.
    pub fn at(&self, origin: &Origin) -> Option<&str> {
        if !self.by_host {
            return Some("");
        }
        let is_at =
            |tenant: &&TenantSettings| tenant.hosts.iter().any(|host| host == origin.host());
        self.tenants.iter().find(is_at).map(|tenant| tenant.id.as_str())
    }

    /// Reads them, noting all problems in `settings`.
    pub(super) fn read(settings: &mut Settings, common: Common<'_>) -> Option<Self> {
        let text = tenants::read(settings);
        let path = tenants::path(settings);
        let tenancy = match &text {
            None => Self::without_file(settings, common),
            Some(text) => Self::parse(text, settings, common),
        };
        let file = text.as_ref().map(|text| (path, Fingerprint::of([text.as_bytes()])));
        tenancy.map(|tenancy| Self { file, text: text.map(Into::into), ..tenancy })
    }

    /// The one of the settings, or those that are made of unknown hosts.
    pub(super) fn without_file(settings: &mut Settings, common: Common<'_>) -> Option<Self> {
        if auto::read(settings, &common.listeners()) {
            Self::made(settings, common)
        } else {
            one(settings, common)
        }
    }

    /// Those that are made of unknown hosts, and no other.
    fn made(settings: &mut Settings, common: Common<'_>) -> Option<Self> {
        let made = template(settings, common)?;
        Some(Self { tenants: Vec::new(), by_host: true, made: Some(made), file: None, text: None })
    }

    /// Those of the text of `tenants.yaml`, noting all problems in `settings`.
    pub(super) fn parse(text: &str, settings: &mut Settings, common: Common<'_>) -> Option<Self> {
        let site = Site::read(settings);
        let cookie = CookieSettings::read(settings);
        let listed = tenants::parse(text, settings, Reader::Bff, &cookie, &site.cors_origins);
        for (name, key) in OF_EACH {
            if settings.text(name).is_some_and(|value| value != "false") {
                settings.problem(
                    name,
                    "is set beside tenants.yaml, and would be the same for all tenants",
                    &format!("Remove it; the key {key} of a tenant says it."),
                );
            }
        }
        let all = listed.iter().flat_map(|entry| &entry.hosts);
        let is_loopback = listed.is_empty() || all.clone().all(|host| is_loopback(host));
        cookies::check(settings, &cookie, is_loopback);
        // Where every tenant brings its own, there need not be a main one.
        let names = ["OIDC_ISSUER", "OIDC_CLIENT_ID"];
        let has_main = names.into_iter().any(|name| settings.text(name).is_some());
        let main = if has_main { main(settings) } else { None };
        let mut complete = true;
        let mut tenants = Vec::new();
        for entry in listed {
            let place = format!("tenants.yaml: tenant {}", entry.id);
            let reading = Reading { place, common, main: main.as_ref(), has_main, settings };
            match reading.tenant(entry) {
                Some(tenant) => tenants.push(tenant),
                None => complete = false,
            }
        }
        let made = if auto::read(settings, &common.listeners()) {
            refuse_beyond_loopback(settings, &tenants);
            Some(template(settings, common)?)
        } else {
            None
        };
        complete.then_some(Self { tenants, by_host: true, made, file: None, text: None })
    }
}

/// What a tenant is like that nobody described.
fn template(settings: &mut Settings, common: Common<'_>) -> Option<TenantSettings> {
    Some(TenantSettings {
        id: String::new(),
        slug: String::new(),
        hosts: Vec::new(),
        site: Site { cors_origins: Site::read(settings).cors_origins, ..Site::default() },
        cookies: Cookies::new(CookieSettings::read(settings)),
        login: main(settings)?,
        idps: BTreeMap::new(),
        limits: common.limits(),
        rate_limits: common.rate_limits.clone(),
    })
}

/// Who makes tenants of unknown hosts has none that the world knows.
fn refuse_beyond_loopback(settings: &mut Settings, tenants: &[TenantSettings]) {
    for TenantSettings { id, hosts, login, .. } in tenants {
        let here = hosts.iter().all(|host| is_loopback(host));
        if !here || !auto::is_here(&login.oidc.issuer) {
            settings.problem(
                auto::NAME,
                &format!(
                    "is on beside the tenant {id}, whose hosts and issuer are not all loopback"
                ),
                "It is for a developer's own machine. Name your tenants in tenants.yaml.",
            );
        }
    }
}

/// The one tenant of a deployment without the file.
fn one(settings: &mut Settings, common: Common<'_>) -> Option<Tenancy> {
    let site = Site::read(settings);
    let cookie = CookieSettings::read(settings);
    let is_loopback = match &site.default_origin {
        Some(origin) => origin.is_loopback(),
        None => common.network.listen.ip().is_loopback(),
    };
    cookies::check(settings, &cookie, is_loopback);
    let login = main(settings);
    if let Some(LoginProvider { oidc, .. }) = &login {
        client::agree(settings, oidc, site.default_origin.as_ref(), "BFF_DEFAULT_SCHEME");
    }
    let tenant = TenantSettings {
        id: String::new(),
        slug: String::new(),
        hosts: Vec::new(),
        site,
        cookies: Cookies::new(cookie),
        login: login?,
        idps: common.idps.login.clone(),
        limits: common.limits(),
        rate_limits: common.rate_limits.clone(),
    };
    Some(Tenancy { tenants: vec![tenant], by_host: false, made: None, file: None, text: None })
}

/// The relying party of the `OIDC_*` settings.
fn main(settings: &mut Settings) -> Option<LoginProvider> {
    let oidc = client::read(settings);
    let ca = settings.pem("OIDC_TLS_CA");
    Some(LoginProvider { oidc: oidc?, ca })
}

fn is_loopback(host: &str) -> bool {
    Origin::of_request("https", host).is_some_and(|origin| origin.is_loopback())
}

impl Common<'_> {
    const fn listeners(&self) -> [(&'static str, SocketAddr); 2] {
        [("BFF_LISTEN", self.network.listen), ("BFF_ADMIN_LISTEN", self.network.admin_listen)]
    }

    const fn limits(&self) -> Limits {
        Limits {
            session: self.lifetimes.session,
            idle: self.lifetimes.idle,
            max_sessions_per_user: self.max_sessions_per_user,
        }
    }
}

/// One tenant's entry, and where its problems go.
struct Reading<'a> {
    place: String,
    common: Common<'a>,
    main: Option<&'a LoginProvider>,
    /// Whether there is to be a main one, whether it can be used or not.
    has_main: bool,
    settings: &'a mut Settings,
}

impl Reading<'_> {
    fn problem(&mut self, key: &str, problem: &str, hint: &str) {
        self.settings.problem(&format!("{}: {key}", self.place), problem, hint);
    }

    fn tenant(mut self, entry: TenantEntry<ClientFile, RateLimitsFile>) -> Option<TenantSettings> {
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

#[cfg(test)]
mod tests;
