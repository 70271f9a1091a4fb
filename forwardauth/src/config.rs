//! Owns: the settings of verify, from the environment to checked values (docs/CONFIGURATION.md).
//!
//! A setting that this version does not implement is a problem and never ignored: whoever set it
//! relies on it (class T9).

mod bearer;
mod bff;
mod cache;
pub mod catalogue;
mod context;
mod credential;
mod read;
mod unavailable;

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::time::Duration;

use session::settings::{ClientSettings, StoreSettings};
use shell::config::Settings;
use shell::reload::Watched;
use shell::tls::Tls;
use shell::traces::TraceSettings;

pub(crate) use bearer::{BearerIssuers, Issuers, NotAnIssuer};
pub(crate) use read::cors_origins;

pub use bff::{AccessSettings, BffSettings};
pub use context::ContextSettings;
pub use credential::Credential;

use crate::login::LoginUrl;
pub use crate::policy::HandOn;
use crate::policy::{Given, PolicyTable};
use crate::tenants::TenantTable;

/// Whether verify is a program of its own or a part of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Embedding {
    /// A program: sessions are in a Redis that the BFF shares.
    Standalone,
    /// Composed with the BFF in one process, whose store it is given: `memory://` will do.
    Composed,
}

/// Everything that verify is told.
#[derive(Debug, Clone)]
pub struct Config {
    /// `FORWARDAUTH_LISTEN`.
    pub listen: SocketAddr,
    /// `FORWARDAUTH_ADMIN_LISTEN`.
    pub admin_listen: SocketAddr,
    /// `FORWARDAUTH_THREADS`: one a core.
    pub threads: NonZeroUsize,
    /// `FORWARDAUTH_TLS_CERT` and `FORWARDAUTH_TLS_KEY`.
    pub tls: Option<Tls>,
    /// `FORWARDAUTH_MAX_CONNECTIONS`, on all threads together.
    pub max_connections: usize,
    /// `REDIS_URL` and what belongs to it.
    pub store: StoreSettings,
    /// `OTEL_*`: where traces go; nowhere by default.
    pub traces: Option<TraceSettings>,
    /// What requests are judged by.
    pub verify: VerifyConfig,
}

/// What requests are judged by.
#[derive(Debug, Clone)]
pub struct VerifyConfig {
    /// Edge keys, binding and trusted proxies.
    pub clients: ClientSettings,
    /// `tenants.yaml`, `BFF_COOKIE_*` and `BFF_CORS_ORIGINS`.
    pub(crate) tenants: TenantTable,
    /// `FORWARDAUTH_LOGIN_URL`.
    pub login_url: LoginUrl,
    /// `FORWARDAUTH_DEADLINE_MS`.
    pub deadline: Duration,
    /// `FORWARDAUTH_DURABLE_SESSIONS`: Redis may have lost what `bff` will give back to it.
    pub durable_sessions: bool,
    /// `FORWARDAUTH_INLINE_POLICY`.
    pub inline_policy: bool,
    /// `forwardauth.yaml`.
    pub(crate) policies: PolicyTable,
    /// `FORWARDAUTH_AUTHORIZATION`: what routes without a policy of their own are given.
    pub hand_on: HandOn,
    /// `FORWARDAUTH_BFF_URL` and what belongs to it.
    pub bff: Option<BffSettings>,
    /// `BFF_CONTEXT_*` and `FORWARDAUTH_CONTEXT_AUD`.
    pub context: Option<ContextSettings>,
    /// `idps.yaml`, as far as bearer tokens go.
    pub(crate) bearer: BearerIssuers,
    /// `OIDC_USER_ID_CLAIM`, for the users of bearer tokens.
    pub user_id_claim: String,
}

impl VerifyConfig {
    /// What exchanges the issuers of bearer tokens when `idps.yaml` changes. A new file must have what policies
    /// name now, and nobody who is called as our own context tokens are.
    pub(crate) fn watched_issuers(&self) -> Option<Box<dyn Watched>> {
        let (policies, context) = (self.policies.clone(), self.context.clone());
        self.bearer.watched(move |issuers, settings| {
            let policies = policies.load();
            if policies.issuers().next().is_some() {
                issuers.problems().iter().for_each(|problem| settings.add(problem.clone()));
            }
            for name in policies.issuers().filter(|name| issuers.check(name).is_err()) {
                settings.problem(
                    &format!("idps.yaml: idp {name}"),
                    "is taken by a policy, and is no entry with an audience and a jwks_url",
                    "Keep it, or take it out of forwardauth.yaml first.",
                );
            }
            for (name, issuer) in issuers.all() {
                if let Some(ContextSettings { signer, .. }) = &context {
                    signer.differs_from(issuer, &format!("idps.yaml: idp {name}"), settings);
                }
            }
        })
    }
}

impl Config {
    /// Reads all settings, so that one run tells every problem.
    ///
    /// What is wrong is noted in `settings`, whose `finish` refuses the whole; `None` where a setting
    /// without a default is missing.
    pub fn from_settings(settings: &mut Settings, embedding: Embedding) -> Option<Self> {
        unavailable::refuse(settings);
        catalogue::warn_of_unknown(settings);
        if embedding == Embedding::Standalone {
            read::warn_of_session_keys(settings);
        }
        let listen = read::address(settings, "FORWARDAUTH_LISTEN", 8001);
        let admin_listen = admin_listen(settings);
        let threads = read::threads(settings);
        let tls = read::tls(settings);
        let max_connections = read::max_connections(settings);
        let deadline = read::deadline(settings);
        let reads = cache::reads(settings, threads);
        let store = StoreSettings::read(settings, command_timeout(deadline))
            .and_then(|store| cache::apply(settings, store, reads));
        let store = match embedding {
            Embedding::Composed => store,
            Embedding::Standalone => store.and_then(|store| store.shared(settings)),
        };
        let clients = ClientSettings::read(settings);
        let listeners =
            [("FORWARDAUTH_LISTEN", listen), ("FORWARDAUTH_ADMIN_LISTEN", admin_listen)];
        let tenants = TenantTable::read(settings, &listeners);
        let login_url = read::login_url(settings);
        read::agree_on_login(settings, &login_url, &tenants);
        let durable_sessions = read::switch(settings, "FORWARDAUTH_DURABLE_SESSIONS");
        let inline_policy = read::switch(settings, "FORWARDAUTH_INLINE_POLICY");
        let hand_on = bff::hand_on(settings);
        let bff = bff::read(settings, threads, hand_on);
        // As the setting says it: what is wrong with the rest of the BFF's settings is told above.
        let access = settings.text("FORWARDAUTH_BFF_URL").is_some();
        let bearer = BearerIssuers::read(settings);
        let context = context::read(settings, threads, hand_on, &bearer);
        let given = Given {
            default: hand_on,
            access,
            context: context.is_some(),
            audience: context.as_ref().is_some_and(|context| context.audience.is_some()),
            bearer: bearer.clone(),
        };
        let policies = PolicyTable::read(settings, given);
        let traces = TraceSettings::read(settings, "forwardauth");
        read::warn_of_idle_keys(settings, context.as_ref(), hand_on, &policies.load());
        Some(Self {
            listen,
            admin_listen,
            threads,
            tls,
            max_connections,
            store: store?,
            traces,
            verify: VerifyConfig {
                clients: clients?,
                tenants,
                login_url,
                deadline,
                durable_sessions,
                inline_policy,
                policies,
                hand_on,
                bff,
                context,
                bearer,
                user_id_claim: read::user_id_claim(settings),
            },
        })
    }
}

/// Before verify gives up, so that the store's own watch over time-outs sees them.
fn command_timeout(deadline: Duration) -> Duration {
    deadline.saturating_sub(deadline / 10)
}

/// `FORWARDAUTH_ADMIN_LISTEN`, all that `healthcheck` needs to know.
pub fn admin_listen(settings: &mut Settings) -> SocketAddr {
    read::address(settings, "FORWARDAUTH_ADMIN_LISTEN", 9001)
}
