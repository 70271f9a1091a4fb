//! Owns: the tenants of a deployment, from `tenants.yaml` and the settings that it overrides. Without the
//! file there is one, which has no name and whom every host reaches.

mod entry;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use session::settings::CookieSettings;
use session::settings::tenants::{self, Reader, auto};
use shell::config::{NamedFiles, Settings};
use shell::origin::Origin;
use shell::reload::Fingerprint;

use super::{Idps, Lifetimes, LoginProvider, Network, Site, client, cookies};
use crate::cookies::Cookies;
use crate::limits::RateLimits;
use entry::Reading;

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
    /// Files that it and the settings of the providers name.
    pub(super) named: NamedFiles,
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
        drop(settings.take_named());
        let text = tenants::read(settings);
        let path = tenants::path(settings);
        let tenancy = match &text {
            None => Self::without_file(settings, common),
            Some(text) => Self::parse(text, settings, common),
        };
        let file = text.as_ref().map(|text| (path, Fingerprint::of([text.as_bytes()])));
        let named = settings.take_named();
        tenancy.map(|tenancy| Self { file, text: text.map(Into::into), named, ..tenancy })
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
        Some(Self {
            tenants: Vec::new(),
            by_host: true,
            made: Some(made),
            file: None,
            text: None,
            named: NamedFiles::default(),
        })
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
        complete.then_some(Self {
            tenants,
            by_host: true,
            made,
            file: None,
            text: None,
            named: NamedFiles::default(),
        })
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
    Some(Tenancy {
        tenants: vec![tenant],
        by_host: false,
        made: None,
        file: None,
        text: None,
        named: NamedFiles::default(),
    })
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

#[cfg(test)]
mod tests;
