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
use session::settings::tenants::{Hosts, auto};
use shell::origin::Origin;
use shell::random::Random;

use crate::app::SetupError;
use crate::config::{Limits, Site, Tenancy, TenantSettings};
use crate::cookies::Cookies;
use crate::cors::Cors;
use crate::limits::RateLimits;
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
    /// How often its users may ask.
    pub rate_limits: RateLimits,
    /// What scripts of other origins may; `None` where there are none.
    pub cors: Option<Cors>,
}

impl fmt::Debug for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tenant").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What tenants are made with.
pub(crate) struct Common {
    pub(crate) csrf_header: HeaderName,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) nonces: Arc<dyn SharedNonces>,
}

impl Tenant {
    /// One with `providers`, or with those that the settings tell.
    fn new(
        settings: &TenantSettings,
        common: &Common,
        providers: Option<Providers>,
    ) -> Result<Self, SetupError> {
        let made = || Providers::new(settings, &common.random, &common.nonces);
        Ok(Self {
            id: settings.id.clone(),
            slug: settings.slug.clone(),
            hosts: settings.hosts.clone(),
            providers: providers.map_or_else(made, Ok)?,
            cookies: settings.cookies.clone(),
            site: settings.site.clone(),
            limits: settings.limits,
            rate_limits: settings.rate_limits.clone(),
            cors: Cors::new(&settings.site.cors_origins, &common.csrf_header),
        })
    }
}

/// All tenants, as they are now. What a request or a task was given stays as it was for as long as that
/// lasts.
pub struct Tenants {
    table: ArcSwap<Table>,
    common: Common,
}

#[derive(Debug, Clone)]
struct Table {
    by_id: BTreeMap<String, Arc<Tenant>>,
    by_host: ByHost,
    /// What those are like that are made of unknown hosts.
    template: Option<Arc<TenantSettings>>,
    /// The ids of those that were.
    made: Vec<String>,
}

#[derive(Debug, Clone)]
enum ByHost {
    /// There is one tenant.
    Any(Arc<Tenant>),
    Listed(Hosts<Arc<Tenant>>),
}

impl fmt::Debug for Tenants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tenants").field("by_id", &self.table.load().by_id).finish_non_exhaustive()
    }
}

impl Tenants {
    /// Puts them together. Calls nobody.
    ///
    /// # Errors
    /// [`SetupError`] if the settings of one contradict each other.
    pub(crate) fn new(tenancy: &Tenancy, common: Common) -> Result<Self, SetupError> {
        let table = ArcSwap::from_pointee(Table::new(tenancy, &common, None)?);
        Ok(Self { table, common })
    }

    /// Puts these in the place of all there are, or none of them. What is under way goes on as it began.
    ///
    /// # Errors
    /// As [`Tenants::new`].
    pub(crate) fn exchange(&self, tenancy: &Tenancy) -> Result<(), SetupError> {
        self.table.store(Arc::new(Table::new(tenancy, &self.common, None)?));
        Ok(())
    }

    /// As [`Tenants::exchange`], where nothing is said of the providers: what is known of them is kept.
    ///
    /// # Errors
    /// As [`Tenants::new`].
    pub(crate) fn exchange_limits(&self, tenancy: &Tenancy) -> Result<(), SetupError> {
        let before = self.table.load();
        self.table.store(Arc::new(Table::new(tenancy, &self.common, Some(&before))?));
        Ok(())
    }

    /// The tenant at the host of `origin`; `None` for a host that is nobody's.
    pub fn at(&self, origin: Option<&Origin>) -> Option<Arc<Tenant>> {
        match &self.table.load().by_host {
            ByHost::Any(tenant) => Some(Arc::clone(tenant)),
            ByHost::Listed(hosts) => {
                let origin = origin?;
                hosts.of(origin).cloned().or_else(|| self.made(origin))
            }
        }
    }

    /// The tenant that is made of an unknown host of this machine, if that is asked for.
    fn made(&self, origin: &Origin) -> Option<Arc<Tenant>> {
        let (id, slug) = auto::tenant_of(origin)?;
        let table = self.table.load();
        let template = table.template.as_ref()?;
        // A host with another port is the same tenant; an id that the file gave is somebody else's.
        let is_made = table.made.iter().any(|made| made == id);
        match table.by_id.get(id) {
            Some(tenant) => return is_made.then(|| Arc::clone(tenant)),
            None if table.made.len() >= MADE_MAX => return None,
            None => {}
        }
        let settings = TenantSettings {
            id: id.to_owned(),
            slug: slug.to_owned(),
            hosts: vec![origin.host().to_owned()],
            ..TenantSettings::clone(template)
        };
        let made = Arc::new(Tenant::new(&settings, &self.common, None).ok()?);
        tracing::warn!(tenant = id, "made a tenant of an unknown host");
        self.table.rcu(|table| table.with(origin.host(), &made));
        // Of two requests that made it at once, the later one counts.
        self.named(id)
    }

    /// The tenant of this id.
    pub fn named(&self, id: &str) -> Option<Arc<Tenant>> {
        self.table.load().by_id.get(id).cloned()
    }

    /// All of them, by their ids.
    pub fn all(&self) -> Vec<Arc<Tenant>> {
        self.table.load().by_id.values().cloned().collect()
    }

    /// The one tenant of a deployment without `tenants.yaml`.
    #[cfg(test)]
    pub(crate) fn only(&self) -> Arc<Tenant> {
        self.named("").unwrap()
    }

    /// Whether the host tells the tenant.
    pub fn is_by_host(&self) -> bool {
        matches!(self.table.load().by_host, ByHost::Listed(_))
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

/// Most tenants that are made of hosts.
const MADE_MAX: usize = 64;

impl Table {
    /// This, with a tenant that was made of `host`.
    fn with(&self, host: &str, tenant: &Arc<Tenant>) -> Self {
        let mut table = self.clone();
        if let ByHost::Listed(hosts) = &mut table.by_host {
            hosts.insert(host.to_owned(), Arc::clone(tenant));
        }
        if !table.made.contains(&tenant.id) {
            table.made.push(tenant.id.clone());
        }
        table.by_id.insert(tenant.id.clone(), Arc::clone(tenant));
        table
    }

    fn new(tenancy: &Tenancy, common: &Common, keep: Option<&Self>) -> Result<Self, SetupError> {
        let mut by_id = BTreeMap::new();
        let mut hosts = Vec::new();
        for settings in &tenancy.tenants {
            let known = keep.and_then(|table| table.by_id.get(&settings.id));
            let providers = known.map(|tenant| tenant.providers.clone());
            let tenant = Arc::new(Tenant::new(settings, common, providers)?);
            hosts.extend(tenant.hosts.iter().map(|host| (host.clone(), Arc::clone(&tenant))));
            by_id.insert(tenant.id.clone(), tenant);
        }
        let by_host = match (tenancy.by_host, by_id.values().next()) {
            (false, Some(tenant)) => ByHost::Any(Arc::clone(tenant)),
            _ => ByHost::Listed(hosts.into_iter().collect()),
        };
        let template = tenancy.made.clone().map(Arc::new);
        Ok(Self { by_id, by_host, template, made: Vec::new() })
    }
}
