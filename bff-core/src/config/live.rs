//! Owns: what the files that are read again say now, and that a new one fits all others as it would at the
//! start.

use std::sync::Arc;

use shell::config::{NamedFiles, Problems, Settings};

use super::file::BffFile;
use super::tenants::Common;
use super::{
    Config, ContextSettings, Idps, Telemetry, Tenancy, clients_at, context, login_methods,
    max_sessions_per_user, strategy,
};
use crate::limits::RateLimits;
use crate::proxy::RouteTable;

/// What `idps.yaml`, `tenants.yaml` and `bff.yaml` say.
#[derive(Debug, Clone)]
pub(crate) struct Live {
    /// `idps.yaml`.
    pub(crate) idps: Arc<Idps>,
    idps_read: ReadIdps,
    /// All tenants, by these.
    pub(crate) tenancy: Arc<Tenancy>,
    /// The text of `tenants.yaml`; `None` where there is no such file.
    tenants: Option<Arc<str>>,
    /// Files that the settings of the providers and `tenants.yaml` name.
    tenants_named: NamedFiles,
    rate_limits: RateLimits,
}

impl Live {
    /// The files of secrets and authorities that the providers are made of, as they were then.
    pub(crate) fn named(&self) -> NamedFiles {
        self.idps_read.named.clone().and(self.tenants_named.clone())
    }
}

/// `idps.yaml` as it was read, and the files that it names.
#[derive(Debug, Clone)]
pub(super) struct ReadIdps {
    pub(super) idps: Arc<Idps>,
    text: Option<Arc<str>>,
    named: NamedFiles,
}

impl ReadIdps {
    /// Of its text; `None` where there is no such file.
    pub(super) fn of(text: Option<Arc<str>>, settings: &mut Settings) -> Self {
        drop(settings.take_named());
        let idps = text.as_deref().map(|text| Idps::parse(text, settings)).unwrap_or_default();
        Self { idps: Arc::new(idps), text, named: settings.take_named() }
    }
}

/// What a new `bff.yaml` is to.
pub(crate) struct NewBff {
    pub(crate) live: Live,
    /// Whether it says something that was bound at the start.
    pub(crate) needs_restart: bool,
}

impl Config {
    /// What they said at the start.
    pub(crate) fn live(&self) -> Live {
        Live {
            idps: Arc::clone(&self.idps),
            idps_read: self.files.idps_read.clone(),
            tenancy: Arc::clone(&self.tenancy),
            tenants: self.tenancy.text.clone(),
            tenants_named: self.tenancy.named.clone(),
            rate_limits: self.rate_limits.clone(),
        }
    }

    /// With this `tenants.yaml` in place of that of `now`.
    ///
    /// # Errors
    /// All [`Problems`] of it, and of what no longer fits.
    pub(crate) fn with_tenants(&self, now: &Live, text: &str) -> Result<Live, Problems> {
        let (idps, limits) = (now.idps_read.clone(), now.rate_limits.clone());
        self.made(self.settings(), idps, Some(text.into()), limits)
    }

    /// With this `idps.yaml` in place of that of `now`.
    ///
    /// # Errors
    /// As [`Config::with_tenants`].
    pub(crate) fn with_idps(&self, now: &Live, text: &str) -> Result<Live, Problems> {
        self.with(Some(text.into()), now)
    }

    /// With what the files that are named say now: those of secrets and authorities.
    ///
    /// # Errors
    /// As [`Config::with_tenants`].
    pub(crate) fn with_named(&self, now: &Live) -> Result<Live, Problems> {
        self.with(now.idps_read.text.clone(), now)
    }

    fn with(&self, idps: Option<Arc<str>>, now: &Live) -> Result<Live, Problems> {
        let mut settings = self.settings();
        let idps = ReadIdps::of(idps, &mut settings);
        self.made(settings, idps, now.tenants.clone(), now.rate_limits.clone())
    }

    /// With the limits of this `bff.yaml`; the rest of it is checked, and compared with the start.
    ///
    /// # Errors
    /// As [`Config::with_tenants`].
    pub(crate) fn with_bff(&self, now: &Live, text: &str) -> Result<NewBff, Problems> {
        let mut settings = self.settings();
        let mut file = BffFile::parse(text, &mut settings);
        let limits = file.rate_limits(&mut settings);
        let user_context = ContextSettings::read(file.user_context.take(), &mut settings);
        let methods = login_methods::parse(file.take_login_methods(), &now.idps, &mut settings);
        let telemetry: Telemetry = file.telemetry.parse(&mut settings);
        self.routes.load().know(&user_context, &mut settings);
        let live = self.made(settings, now.idps_read.clone(), now.tenants.clone(), limits)?;
        // Providers stay as they are: what was read of their files just now is not in use.
        let live = Live { tenants_named: now.tenants_named.clone(), ..live };
        let needs_restart = user_context != self.user_context
            || telemetry != self.telemetry
            || methods != self.login_methods;
        Ok(NewBff { live, needs_restart })
    }

    /// Notes in `settings` where a table of routes and what the others say `now` do not fit.
    pub(crate) fn agree(&self, now: &Live, table: &RouteTable, settings: &mut Settings) {
        context::agree(settings, self.context.as_ref(), table);
        let clients_at = clients_at(&now.idps, Some(&now.tenancy));
        table.agree(&now.idps, &clients_at, self.strategy, settings);
        table.know(&self.user_context, settings);
        table.know_tenants(|id| now.tenancy.knows(id), settings);
    }

    /// The settings of the start, of which nothing was found wrong yet.
    fn settings(&self) -> Settings {
        let mut settings = self.source.anew();
        strategy::apply_flags(&mut settings);
        settings
    }

    fn made(
        &self,
        mut settings: Settings,
        idps_read: ReadIdps,
        tenants: Option<Arc<str>>,
        rate_limits: RateLimits,
    ) -> Result<Live, Problems> {
        let idps = Arc::clone(&idps_read.idps);
        drop(settings.take_named());
        let common = Common {
            network: &self.network,
            lifetimes: self.lifetimes,
            max_sessions_per_user: max_sessions_per_user(&mut settings),
            rate_limits: &rate_limits,
            idps: &idps,
        };
        let tenancy = match &tenants {
            Some(text) => Tenancy::parse(text, &mut settings, common),
            None => Tenancy::without_file(&mut settings, common),
        };
        let tenancy = tenancy.map(Arc::new);
        let tenants_named = settings.take_named();
        if let Some(signer) = &self.context {
            context::differs(&mut settings, signer, tenancy.as_deref(), &idps);
        }
        let live = tenancy.map(|tenancy| Live {
            idps,
            idps_read,
            tenancy,
            tenants,
            tenants_named,
            rate_limits,
        });
        if let Some(live) = &live {
            self.strategy.agree(&mut settings, &live.tenancy);
            self.agree(live, &self.routes.load(), &mut settings);
        }
        settings.finish(live).map(|(live, _)| live)
    }
}
