//! Owns: which files are read again while `bff` runs, and what becomes of a new one.
//!
//! Each is checked with what the others say now (`config/live.rs`), and taken into use as a whole.

use std::sync::{Arc, Mutex, PoisonError};

use session::context::ContextSigner;
use session::settings::tenants::FILE as TENANTS;
use shell::config::{Problem, Problems};
use shell::idps::FILE as IDPS;
use shell::reload::{Watched, WatchedFile, WatchedFiles};

use crate::app::{App, SetupError};
use crate::config::{Live, NewBff};

/// What the files that providers name are called in logs and metrics.
const NAMED: &str = "files of providers";

/// All of them. What names others comes behind them. Install the metrics recorder first.
pub fn watched(app: &Arc<App>) -> Vec<Box<dyn Watched>> {
    let files = Arc::new(Files { app: Arc::clone(app), live: Mutex::new(app.config.live()) });
    let config = &app.config;
    let context = config.context.as_ref().and_then(ContextSigner::watched);
    let secrets = [context, config.clients.watched_keys(), files.session_keys()];
    let clock = Arc::clone(&app.clock);
    let tokens = config.access.watched(move || clock.unix_seconds());
    let first = secrets.into_iter().flatten().chain(tokens);
    let first = first.chain([files.named(), files.idps()]).chain(files.tenants());
    first.chain([files.bff(), files.routes()]).collect()
}

/// What all files say, for who reads one.
struct Files {
    app: Arc<App>,
    live: Mutex<Live>,
}

impl Files {
    /// New session keys, for all who hold them.
    fn session_keys(&self) -> Option<Box<dyn Watched>> {
        let config = &self.app.config;
        let keys = config.session_keys.clone();
        Some(config.files.session_keys.as_ref()?.watched(move |ring| keys.exchange(ring)))
    }

    /// New secrets and authorities, in the files that the settings of providers, `idps.yaml` and `tenants.yaml`
    /// name.
    fn named(self: &Arc<Self>) -> Box<dyn Watched> {
        let (seen, files) = (Arc::clone(self), Arc::clone(self));
        let in_use = move || seen.live.lock().unwrap_or_else(PoisonError::into_inner).named();
        Box::new(WatchedFiles::new(NAMED, in_use, move || {
            files.change(|app, live| {
                let new = app.config.with_named(live)?;
                take(app, &new).map_err(unusable("OIDC_*"))?;
                Ok(new)
            })
        }))
    }

    /// New issuers of bearer tokens, and new login providers.
    fn idps(self: &Arc<Self>) -> Box<dyn Watched> {
        let files = Arc::clone(self);
        let App { config, .. } = &*self.app;
        config.files.idps.watched(move |text| {
            files.change(|app, live| {
                let new = app.config.with_idps(live, text)?;
                take(app, &new).map_err(unusable(IDPS))?;
                Ok(new)
            })
        })
    }

    /// New tenants. None where there was no file at the start: sessions of tenants are others than those of
    /// none, so that to begin with them is for a restart.
    fn tenants(self: &Arc<Self>) -> Option<Box<dyn Watched>> {
        let (path, first) = self.app.config.tenancy.file.as_ref()?;
        let files = Arc::clone(self);
        let taken = move |text: &str| {
            files.change(|app, live| {
                let new = app.config.with_tenants(live, text)?;
                take(app, &new).map_err(unusable(TENANTS))?;
                Ok(new)
            })
        };
        Some(Box::new(WatchedFile::new(TENANTS, path, Some(*first), taken)))
    }

    /// New limits; the rest is bound at the start.
    fn bff(self: &Arc<Self>) -> Box<dyn Watched> {
        let files = Arc::clone(self);
        let App { config, .. } = &*self.app;
        config.files.bff.watched(move |text| {
            files.change(|app, live| {
                let NewBff { live, needs_restart } = app.config.with_bff(live, text)?;
                app.tenants.exchange_limits(&live.tenancy).map_err(unusable("bff.yaml"))?;
                if needs_restart {
                    tracing::warn!(
                        file = "bff.yaml",
                        "needs restart: of this file only rate_limits change while the program runs"
                    );
                }
                Ok(live)
            })
        })
    }

    /// A new table of routes.
    fn routes(self: &Arc<Self>) -> Box<dyn Watched> {
        let files = Arc::clone(self);
        let App { config, .. } = &*self.app;
        config.routes.watched(move |table, settings| {
            let live = files.live.lock().unwrap_or_else(PoisonError::into_inner);
            files.app.config.agree(&live, table, settings);
        })
    }

    /// What `take` makes of what the files say is what they say from now on.
    fn change(
        &self,
        take: impl FnOnce(&App, &Live) -> Result<Live, Problems>,
    ) -> Result<(), Problems> {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        *live = take(&self.app, &live)?;
        Ok(())
    }
}

/// Takes issuers and tenants into use: both, or none.
fn take(app: &App, new: &Live) -> Result<(), SetupError> {
    let issuers = app.bearers.others(&new.idps, &new.tenancy)?;
    app.tenants.exchange(&new.tenancy)?;
    app.bearers.take(issuers);
    Ok(())
}

/// It contradicts itself, or TLS cannot be set up for it.
fn unusable(file: &str) -> impl FnOnce(SetupError) -> Problems {
    let path = file.to_owned();
    move |error| {
        Problems::one(Problem {
            path,
            problem: format!("cannot be used: {error}"),
            hint: "Change what it says of that.".to_owned(),
        })
    }
}
