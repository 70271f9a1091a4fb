//! Owns: replicas of `bff` that differ from the first: another way to the store, another clock, less
//! patience.

use std::sync::Arc;
use std::time::Duration;

use session::any::AnyStore;
use session::faulty::FaultyStore;
use shell::clock::ManualClock;
use shell::config::Settings;
use shell::random::SystemRandom;
use shell::shutdown::Shutdown;
use tempfile::TempDir;

use super::{World, app};
use crate::app::App;
use crate::config::Config;
use crate::refresh::Limits;

/// Times that a test can wait for, in the same proportions as those that ship.
pub(crate) const QUICK: Limits = Limits {
    lease: Duration::from_millis(600),
    beat: Duration::from_millis(200),
    look_every: Duration::from_millis(5),
    look_for: Duration::from_secs(5),
    pause: Duration::from_millis(10),
    store: Duration::from_millis(300),
    last_word: Duration::from_millis(200),
};

/// Another replica, before it starts.
pub(crate) struct Replica<'a> {
    world: &'a World,
    store: AnyStore,
    clock: ManualClock,
    limits: Limits,
    idp_timeout: Option<Duration>,
}

impl World {
    /// Another replica: it shares store, clock and configuration, nothing else.
    pub(crate) fn replica(&self) -> Arc<App> {
        self.replica_with(&self.store)
    }

    /// A replica that has lost the way to its store.
    pub(crate) async fn replica_without_store(&self) -> Arc<App> {
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let url = format!("redis://{closed}");
        let mut settings = Settings::from_pairs([("REDIS_URL", url.as_str())]);
        let timeout = Duration::from_millis(200);
        let store = session::settings::StoreSettings::read(&mut settings, timeout).unwrap();
        self.replica_with(&store.open().await.unwrap())
    }

    /// A replica whose settings differ, as while a new configuration is rolled out.
    pub(crate) fn replica_configured(&self, changes: &[(&str, &str)]) -> Arc<App> {
        let changes = changes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let settings: Vec<_> = self.settings.iter().cloned().chain(changes).collect();
        app(&settings, &self.store, &self.clock, Arc::new(SystemRandom))
    }

    /// A replica with another `routes.yaml`, which lies in the directory that comes with it.
    pub(crate) fn replica_routed(
        &self,
        routes: &str,
        changes: &[(&str, &str)],
    ) -> (Arc<App>, TempDir) {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("routes.yaml"), routes).unwrap();
        let path = directory.path().to_str().unwrap().to_owned();
        let changes: Vec<_> = changes.iter().copied().chain([("BFF_CONFIG_DIR", &*path)]).collect();
        (self.replica_configured(&changes), directory)
    }

    fn replica_with(&self, store: &AnyStore) -> Arc<App> {
        app(&self.settings, store, &self.clock, Arc::new(SystemRandom))
    }

    /// A replica over the same store that can be set up otherwise.
    pub(crate) fn another(&self) -> Replica<'_> {
        let (store, clock) = (self.store.clone(), self.clock.clone());
        Replica { world: self, store, clock, limits: QUICK, idp_timeout: None }
    }

    /// A way of its own to the store that all replicas share.
    pub(crate) fn faulty(&self) -> FaultyStore {
        let AnyStore::Memory(memory) = &self.store else { panic!("worlds live in memory") };
        FaultyStore::over(memory.clone())
    }
}

impl Replica<'_> {
    pub(crate) fn over(self, store: &FaultyStore) -> Self {
        Self { store: AnyStore::Faulty(store.clone()), ..self }
    }

    pub(crate) fn at(self, clock: &ManualClock) -> Self {
        Self { clock: clock.clone(), ..self }
    }

    pub(crate) fn limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Gives the IdP up after `timeout`.
    pub(crate) fn idp_timeout(self, timeout: Duration) -> Self {
        Self { idp_timeout: Some(timeout), ..self }
    }

    pub(crate) fn start(self) -> Arc<App> {
        let mut settings = Settings::from_pairs(self.world.settings.iter().cloned());
        let config = Config::read(&mut settings, true);
        let (mut config, _) = settings.finish(config).unwrap();
        if let Some(timeout) = self.idp_timeout {
            let tenancy = Arc::get_mut(&mut config.tenancy).unwrap();
            tenancy.tenants[0].login.oidc.http_timeout = timeout;
        }
        let (clock, random) = (Arc::new(self.clock), Arc::new(SystemRandom));
        let mut app = App::new(config, self.store, clock, random, Shutdown::new()).unwrap();
        Arc::get_mut(&mut app).unwrap().refresh_limits = self.limits;
        app
    }
}
