//! Owns: which files are read again while `bff` runs, and that a new one agrees with what the others say
//! now.

use std::sync::Arc;

use session::settings::tenants::FILE as TENANTS;
use shell::config::{Problem, Problems};
use shell::reload::{Watched, WatchedFile};

use crate::app::{App, SetupError};

/// All of them. What names others comes behind them. Install the metrics recorder first.
pub fn watched(app: &Arc<App>) -> Vec<Box<dyn Watched>> {
    tenants(app).into_iter().chain([routes(app)]).collect()
}

/// What takes a new `tenants.yaml` into use. None where there was no file at the start: sessions of tenants
/// are others than those of none, so that to begin with them is for a restart.
fn tenants(app: &Arc<App>) -> Option<Box<dyn Watched>> {
    let (path, first) = app.config.tenancy.file.as_ref()?;
    let changed = Arc::clone(app);
    let take = move |text: &str| {
        let tenancy = changed.config.tenancy_of(text)?;
        changed.tenants.exchange(&tenancy).map_err(|error| unusable(TENANTS, &error))
    };
    Some(Box::new(WatchedFile::new(TENANTS, path, Some(*first), take)))
}

/// What exchanges the table of routes when `routes.yaml` changes.
fn routes(app: &Arc<App>) -> Box<dyn Watched> {
    let others = Arc::clone(app);
    app.config.routes.watched(move |table, settings| {
        others.config.agree(table, settings);
        table.know_tenants(|id| others.tenants.knows(id), settings);
    })
}

/// What it says contradicts itself, or TLS cannot be set up for it.
fn unusable(file: &str, error: &SetupError) -> Problems {
    Problems::one(Problem {
        path: file.to_owned(),
        problem: format!("cannot be used: {error}"),
        hint: "Change what it says of that.".to_owned(),
    })
}
