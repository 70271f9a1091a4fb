//! Owns: what `/health` says of Redis and the IdP.
//!
//! The IdP is asked at most every few seconds, however often `/health` is.

use std::sync::Arc;
use std::time::{Duration, Instant};

use session::store::Store as _;
use tokio::sync::Mutex;

use crate::app::App;

/// How long an answer of the IdP is believed.
const IDP_EVERY: Duration = Duration::from_secs(5);

/// The last word of the IdP, and when it was asked.
#[derive(Debug, Default)]
pub struct Health {
    idp: Mutex<Option<(Instant, bool)>>,
}

/// What works now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checks {
    /// The store answers.
    pub redis: bool,
    /// The IdP serves its metadata.
    pub idp: bool,
}

impl Checks {
    /// Whether everything works.
    pub const fn healthy(self) -> bool {
        self.redis && self.idp
    }
}

impl App {
    /// Looks.
    pub async fn checks(self: &Arc<Self>) -> Checks {
        let (redis, idp) = tokio::join!(self.store.ping(), self.idp_answers());
        Checks { redis: redis.is_ok(), idp }
    }

    async fn idp_answers(&self) -> bool {
        // Held while asking, so that a crowd asks once.
        let mut known = self.health.idp.lock().await;
        if let Some((asked, answered)) = *known
            && asked.elapsed() < IDP_EVERY
        {
            return answered;
        }
        let answered = self.providers.main().check_health().await.is_ok();
        *known = Some((Instant::now(), answered));
        answered
    }
}
