//! Owns: whom a request is for. One look-up at the entry of every request, by the host that trusted
//! proxies tell; whatever is one tenant's own is reached through its [`Tenant`] and no other way
//! (bff-checklist 79).
//!
//! A deployment without `tenants.yaml` is one tenant, whose id is empty and whom every host reaches.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use http::HeaderName;
use serde_json::Value;
use session::record::Management;
use session::settings::tenants::Hosts;
use shell::origin::Origin;
use shell::random::Random;
use tower_http::cors::CorsLayer;

use crate::app::SetupError;
use crate::config::{Limits, Site, Tenancy, TenantSettings};
use crate::cookies::Cookies;
use crate::cors;
use crate::oidc::{RelyingParty, SharedNonces};
use crate::providers::Providers;

/// One tenant, and everything that is its own.
pub struct Tenant {
    /// What sessions and services know it by; empty without `tenants.yaml`.
    pub id: String,
    /// Its name for people; empty likewise.
    pub slug: String,
    /// Its hosts; empty for the one whom every host reaches.
    pub hosts: Vec<String>,
    /// Where its users log in.
    pub providers: Providers,
    /// How its cookies are written.
    pub cookies: Cookies,
    /// How its users see us.
    pub site: Site,
    /// What its sessions may.
    pub limits: Limits,
    /// What scripts of other origins may; `None` where there are none.
    pub cors: Option<CorsLayer>,
}

impl fmt::Debug for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tenant").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What tenants are made with.
pub(crate) struct Common<'a> {
    pub(crate) csrf_header: &'a HeaderName,
    pub(crate) random: &'a Arc<dyn Random>,
    pub(crate) nonces: &'a Arc<dyn SharedNonces>,
}

impl Tenant {
    fn new(settings: &TenantSettings, common: &Common<'_>) -> Result<Self, SetupError> {
        Ok(Self {
            id: settings.id.clone(),
            slug: settings.slug.clone(),
            hosts: settings.hosts.clone(),
            providers: Providers::new(settings, common.random, common.nonces)?,
            cookies: settings.cookies.clone(),
            site: settings.site.clone(),
            limits: settings.limits,
            cors: cors::layer(&settings.site.cors_origins, common.csrf_header),
        })
    }
}

/// All tenants, as they are now. What a request or a task was given stays as it was for as long as that
/// lasts.
pub struct Tenants(ArcSwap<Table>);

#[derive(Debug)]
struct Table {
    by_id: BTreeMap<String, Arc<Tenant>>,
    by_host: ByHost,
}

#[derive(Debug)]
enum ByHost {
    /// There is one tenant.
    Any(Arc<Tenant>),
    Listed(Hosts<Arc<Tenant>>),
}

impl fmt::Debug for Tenants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tenants").field("by_id", &self.0.load().by_id).finish_non_exhaustive()
    }
}

impl Tenants {
    /// Puts them together. Calls nobody.
    ///
    /// # Errors
    /// [`SetupError`] if the settings of one contradict each other.
    pub(crate) fn new(tenancy: &Tenancy, common: &Common<'_>) -> Result<Self, SetupError> {
        Table::new(tenancy, common).map(|table| Self(ArcSwap::from_pointee(table)))
    }

    /// The tenant at the host of `origin`; `None` for a host that is nobody's.
    pub fn at(&self, origin: Option<&Origin>) -> Option<Arc<Tenant>> {
        match &self.0.load().by_host {
            ByHost::Any(tenant) => Some(Arc::clone(tenant)),
            ByHost::Listed(hosts) => hosts.of(origin?).cloned(),
        }
    }

    /// The tenant of this id.
    pub fn named(&self, id: &str) -> Option<Arc<Tenant>> {
        self.0.load().by_id.get(id).cloned()
    }

    /// All of them, by their ids.
    pub fn all(&self) -> Vec<Arc<Tenant>> {
        self.0.load().by_id.values().cloned().collect()
    }

    /// The one tenant of a deployment without `tenants.yaml`.
    #[cfg(test)]
    pub(crate) fn only(&self) -> Arc<Tenant> {
        self.named("").unwrap()
    }

    /// Whether the host tells the tenant.
    pub fn is_by_host(&self) -> bool {
        matches!(self.0.load().by_host, ByHost::Listed(_))
    }

    /// The public halves of the keys that we authenticate with at their providers, each once.
    pub fn public_keys(&self) -> Vec<Value> {
        let mut keys = Vec::new();
        for tenant in self.all() {
            for (_, party) in tenant.providers.all() {
                let mut set = party.public_jwks();
                let found = set.get_mut("keys").and_then(Value::as_array_mut);
                for key in found.map(std::mem::take).unwrap_or_default() {
                    if !keys.contains(&key) {
                        keys.push(key);
                    }
                }
            }
        }
        keys
    }

    /// The provider that a session came from: that of its own tenant, whatever request or task asks.
    /// `None` if it is no longer configured.
    pub fn provider_of(&self, session: &Management) -> Option<Arc<RelyingParty>> {
        self.named(&session.tenant)?.providers.of(session).cloned()
    }
}

impl Table {
    fn new(tenancy: &Tenancy, common: &Common<'_>) -> Result<Self, SetupError> {
        let mut by_id = BTreeMap::new();
        let mut hosts = Vec::new();
        for settings in &tenancy.tenants {
            let tenant = Arc::new(Tenant::new(settings, common)?);
            hosts.extend(tenant.hosts.iter().map(|host| (host.clone(), Arc::clone(&tenant))));
            by_id.insert(tenant.id.clone(), tenant);
        }
        let by_host = match (tenancy.by_host, by_id.values().next()) {
            (false, Some(tenant)) => ByHost::Any(Arc::clone(tenant)),
            _ => ByHost::Listed(hosts.into_iter().collect()),
        };
        Ok(Self { by_id, by_host })
    }
}
