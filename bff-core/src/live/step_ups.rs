//! Owns: telling all open pages of a session, at every replica, that a service asks for a fresher or stronger
//! login (RFC 9470). The call that it refused has its own answer (`proxy.rs`).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use moka::sync::Cache;
use session::id::StoreKey;

use crate::app::App;
use crate::audit;
use crate::caller::Caller;
use crate::news::News;
use crate::step_up::{Recent, StepUp};

/// Sessions that are remembered, and for how long: longer than anything is held back.
const MOST: u64 = 50_000;
const KEEP: Duration = Duration::from_secs(60);

/// What this process told of each session.
pub(crate) struct StepUps(Cache<StoreKey, Arc<Mutex<Recent>>>);

impl Default for StepUps {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(MOST).time_to_idle(KEEP).build())
    }
}

impl StepUps {
    fn is_new(&self, key: StoreKey, asked: &StepUp, now: u64) -> bool {
        let recent = self.0.get_with(key, Arc::default);
        recent.lock().unwrap_or_else(PoisonError::into_inner).is_new(asked, now)
    }
}

impl App {
    /// Writes down that `service` asks for it, and tells the pages of the session, unless either was done a
    /// moment ago. Waits for nobody.
    pub(crate) fn tell_step_up(
        &self,
        caller: &Caller,
        key: StoreKey,
        service: &str,
        asked: &StepUp,
    ) {
        if self.step_ups.is_new(key, asked, self.now()) {
            audit::step_up_required(caller, &key, service, asked);
            self.tell(&[News::StepUp { session: key, asked: asked.clone() }]);
        }
    }
}
