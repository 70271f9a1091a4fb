//! Owns: whose host was asked, and what of that tenant's requests are judged by: its cookie and its origins
//! (bff-checklist 79). Without `tenants.yaml` there is one tenant, whom every host reaches.

use std::net::SocketAddr;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use serde::de::IgnoredAny;
use session::settings::CookieSettings;
use session::settings::tenants::{self, FILE, Hosts, Reader, TenantEntry, auto};
use shell::config::{Problems, Settings};
use shell::origin::Origin;
use shell::reload::{Fingerprint, Watched, WatchedFile};

use crate::config::cors_origins;
use crate::request::Original;

/// What the requests of a tenant are judged by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tenant {
    /// What its sessions know it by; empty without `tenants.yaml`.
    pub(crate) id: String,
    pub(crate) cookie: CookieSettings,
    /// Origins beside its own that may change anything.
    pub(crate) cors_origins: Vec<Origin>,
}

/// The tenants as they stand. Clones are one.
#[derive(Debug, Clone)]
pub(crate) struct TenantTable {
    /// The one, or what those of the file and made ones have by default.
    default: Tenant,
    by_host: Option<Arc<ByHost>>,
}

#[derive(Debug)]
struct ByHost {
    hosts: ArcSwap<Hosts<Arc<Tenant>>>,
    /// Whether unknown hosts of this machine are tenants (`BFF_DEV_AUTO_TENANT`).
    auto: bool,
    path: PathBuf,
    /// What is in use at the start; `None` where there was no file.
    first: Option<Fingerprint>,
    /// For the variables that the file may name.
    settings: Settings,
}

/// The tenant of a request. Those who have none to tell apart share one, which nobody counts.
#[derive(Debug)]
pub(crate) enum Found<'a> {
    Only(&'a Tenant),
    One(Arc<Tenant>),
}

impl Deref for Found<'_> {
    type Target = Tenant;

    fn deref(&self) -> &Tenant {
        match self {
            Self::Only(tenant) => tenant,
            Self::One(tenant) => tenant,
        }
    }
}

impl TenantTable {
    /// Those of `tenants.yaml`, `BFF_COOKIE_*`, `BFF_CORS_ORIGINS` and `BFF_DEV_AUTO_TENANT`, noting all
    /// problems in `settings`.
    pub(crate) fn read(settings: &mut Settings, listeners: &[(&str, SocketAddr)]) -> Self {
        let default = Tenant {
            id: String::new(),
            cookie: CookieSettings::read(settings),
            cors_origins: cors_origins(settings),
        };
        let auto = auto::read(settings, listeners);
        let text = tenants::read(settings);
        if text.is_none() && !auto {
            return Self { default, by_host: None };
        }
        let path = tenants::path(settings);
        let first = text.as_ref().map(|text| Fingerprint::of([text.as_bytes()]));
        let hosts = text.map(|text| parse(&text, &default, settings)).unwrap_or_default();
        let (hosts, settings) = (ArcSwap::from_pointee(hosts), settings.clone());
        let by_host = Some(Arc::new(ByHost { hosts, auto, path, first, settings }));
        Self { default, by_host }
    }

    /// Whether the host tells the tenant, and there is none by default.
    pub(crate) const fn is_by_host(&self) -> bool {
        self.by_host.is_some()
    }

    /// The tenant whose host was asked; `None` where it is nobody's. One look-up, which allocates nothing.
    pub(crate) fn of(&self, original: &Original<'_>) -> Option<Found<'_>> {
        let Some(by_host) = &self.by_host else { return Some(Found::Only(&self.default)) };
        let (scheme, host) = (original.scheme(), original.host?);
        match by_host.hosts.load().of_request(scheme, host) {
            Some(tenant) => Some(Found::One(Arc::clone(tenant))),
            None if by_host.auto => self.made(&Origin::of_request(scheme, host)?),
            None => None,
        }
    }

    fn made(&self, origin: &Origin) -> Option<Found<'_>> {
        let (id, _) = auto::tenant_of(origin)?;
        Some(Found::One(Arc::new(Tenant { id: id.to_owned(), ..self.default.clone() })))
    }

    /// What exchanges them when the file changes. None where there was no file: sessions of tenants are
    /// others than those of none, so that to begin with them is for a restart.
    pub(crate) fn watched(&self) -> Option<Box<dyn Watched>> {
        let by_host = self.by_host.as_ref().filter(|by_host| by_host.first.is_some())?;
        let table = self.clone();
        let watched =
            WatchedFile::new(FILE, &by_host.path, by_host.first, move |text| table.take(text));
        Some(Box::new(watched))
    }

    fn take(&self, text: &str) -> Result<(), Problems> {
        let Some(by_host) = &self.by_host else { return Ok(()) };
        let mut settings = by_host.settings.clone();
        let hosts = parse(text, &self.default, &mut settings);
        let (hosts, _) = settings.finish(Some(hosts))?;
        by_host.hosts.store(Arc::new(hosts));
        Ok(())
    }
}

fn parse(text: &str, default: &Tenant, settings: &mut Settings) -> Hosts<Arc<Tenant>> {
    let Tenant { cookie, cors_origins, .. } = default;
    let entries: Vec<TenantEntry<IgnoredAny, IgnoredAny>> =
        tenants::parse(text, settings, Reader::Forwardauth, cookie, cors_origins);
    let of_tenant = |entry: TenantEntry<IgnoredAny, IgnoredAny>| {
        let TenantEntry { id, hosts, cookie, cors_origins, .. } = entry;
        let tenant = Arc::new(Tenant { id, cookie, cors_origins });
        hosts.into_iter().map(move |host| (host, Arc::clone(&tenant)))
    };
    entries.into_iter().flat_map(of_tenant).collect()
}

#[cfg(test)]
mod tests;
