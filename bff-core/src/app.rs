//! Owns: what every route shares, made once at start.

use std::fmt;
use std::sync::Arc;

use session::any::AnyStore;
use session::binding::MarkMemo;
use session::context::ContextTokens;
use shell::clock::Clock;
use shell::random::Random;
use shell::request_id::RequestIds;
use shell::shutdown::Shutdown;
use shell::traces::Tracer;

use crate::bearer::{self, Bearers};
use crate::config::Config;
use crate::context_token;
use crate::exchanges::Exchanges;
use crate::health::Health;
use crate::http_client::HttpSetupError;
use crate::insisted::Insisted;
use crate::limits::RateLimiter;
use crate::live::{Live, StepUps};
use crate::oidc::OidcError;
use crate::proxy::Upstream;
use crate::refresh::{Failures, Flights, Limits};
use crate::routes::backchannel::Logouts;
use crate::sessions::Opened;
use crate::store_nonces::StoreNonces;
use crate::streams::Streams;
use crate::tenants::{self, Tenants};
use crate::user_context::UserContexts;

/// One running `bff`.
pub struct App {
    /// The settings.
    pub config: Config,
    /// The sessions.
    pub store: AnyStore,
    /// Whom requests are for, and what is each tenant's own.
    pub tenants: Tenants,
    /// The issuers of bearer tokens.
    pub(crate) bearers: Bearers,
    /// Tokens for one service.
    pub(crate) exchanges: Exchanges,
    /// Tokens that are not replaced because a service refuses them.
    pub(crate) insisted: Insisted,
    /// The services.
    pub upstream: Upstream,
    /// Context tokens, where keys sign them.
    pub context: Option<ContextTokens>,
    /// Refreshes under way.
    pub flights: Flights,
    /// Refreshes that failed a moment ago.
    pub failures: Failures,
    /// Readings of user contexts under way.
    pub user_contexts: UserContexts,
    /// Back-channel logouts under way.
    pub(crate) logouts: Logouts,
    /// Counts requests.
    pub limiter: RateLimiter,
    /// Open streams of `/api/auth/events`.
    pub live: Live,
    /// What these were told of stronger logins.
    pub(crate) step_ups: StepUps,
    /// Open streams and sockets of the proxy.
    pub streams: Streams,
    /// How long the steps of a refresh may take.
    pub refresh_limits: Limits,
    /// What `/health` knows.
    pub health: Health,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Tokens opened lately.
    pub(crate) opened: Opened,
    /// The marks of clients seen lately.
    pub(crate) marks: MarkMemo,
    /// Spans, where traces are exported.
    pub(crate) tracer: Option<Tracer>,
    /// Names for requests that come without one.
    pub request_ids: RequestIds,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// The end of the process. What must not be dropped with a request runs as its task.
    pub shutdown: Shutdown,
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("tenants", &self.tenants).finish_non_exhaustive()
    }
}

/// Why a `bff` cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// TLS roots cannot be used.
    #[error(transparent)]
    Http(#[from] HttpSetupError),
    /// The `OIDC_*` settings contradict each other.
    #[error(transparent)]
    Oidc(#[from] OidcError),
}

impl App {
    /// Puts the parts together. Calls nobody.
    ///
    /// # Errors
    /// [`SetupError`].
    pub fn new(
        config: Config,
        store: AnyStore,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        shutdown: Shutdown,
    ) -> Result<Arc<Self>, SetupError> {
        let context = config.context.clone();
        let nonces = StoreNonces::shared(store.clone(), shutdown.clone());
        let csrf_header = config.network.csrf_header.clone();
        let common = tenants::Common { csrf_header, random: Arc::clone(&random), nonces };
        let of_bearers = bearer::Common {
            store: store.clone(),
            clock: Arc::clone(&clock),
            random: Arc::clone(&random),
            tasks: shutdown.clone(),
        };
        let tracer = config
            .traces
            .as_ref()
            .map(|settings| Tracer::new(settings, Arc::clone(&clock), Arc::clone(&random)));
        Ok(Arc::new(Self {
            tracer,
            bearers: Bearers::new(&config.idps, &config.tenancy, of_bearers)?,
            upstream: Upstream::new(Arc::clone(&random)),
            tenants: Tenants::new(&config.tenancy, common)?,
            exchanges: Exchanges::default(),
            insisted: Insisted::default(),
            context: context.map(|signer| ContextTokens::new(signer, context_token::KEPT_BYTES)),
            flights: Flights::default(),
            failures: Failures::default(),
            user_contexts: UserContexts::new()?,
            logouts: Logouts::default(),
            limiter: RateLimiter::new(store.clone(), config.session_keys.clone()),
            live: Live::default(),
            step_ups: StepUps::default(),
            streams: Streams::new(config.streams),
            refresh_limits: Limits::default(),
            health: Health::default(),
            opened: Opened::default(),
            marks: MarkMemo::new(),
            request_ids: RequestIds::new(&*random),
            config,
            store,
            clock,
            random,
            shutdown,
        }))
    }

    /// Seconds since the epoch.
    pub fn now(&self) -> u64 {
        self.clock.unix_seconds()
    }
}
