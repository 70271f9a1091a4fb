//! Owns: what `/health` says of Redis and the IdP.
//!
//! The IdP is asked at most every few seconds, however often `/health` is.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt as _};
use session::store::Store as _;
use tokio::sync::Mutex;

use crate::app::App;
use crate::oidc::RelyingParty;

/// How long an answer of the IdP is believed.
const IDP_EVERY: Duration = Duration::from_secs(5);

/// IdPs that are asked at a time.
const AT_ONCE: usize = 8;

/// The last word of the IdPs, and when it was asked.
#[derive(Debug, Default)]
pub struct Health {
    idp: Mutex<Option<(Instant, bool)>>,
}

/// What works now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checks {
    /// The store answers.
    pub redis: bool,
    /// The IdP, of several tenants' at least one, serves its metadata.
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
        let answered = self.some_idp_answers().await;
        *known = Some((Instant::now(), answered));
        answered
    }

    /// The trouble of one tenant's IdP is not that of the others.
    async fn some_idp_answers(&self) -> bool {
        let tenants = self.tenants.all();
        let idps: Vec<Arc<RelyingParty>> =
            tenants.iter().map(|tenant| Arc::clone(tenant.providers.main())).collect();
        let asked = stream::iter(idps)
            .map(|idp| async move { idp.check_health().await.is_ok() })
            .buffer_unordered(AT_ONCE);
        let mut asked = std::pin::pin!(asked);
        while let Some(answers) = asked.next().await {
            if answers {
                return true;
            }
        }
        tenants.is_empty()
    }
}
