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

use super::World;
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
