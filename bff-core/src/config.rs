//! Owns: every setting of `bff`, parsed once into types.

mod audit;
pub mod catalogue;
mod client;
mod context;
mod cookies;
mod database;
mod file;
mod idps;
mod live;
mod login_methods;
mod network;
mod rate_limits;
mod site;
mod strategy;
mod streams;
mod telemetry;
mod tenants;
mod unavailable;
mod unwise;
mod user_context;
mod watched;

use std::sync::Arc;
use std::time::Duration;

use session::context::ContextSigner;
use session::postgres::PostgresOptions;
use session::seal::SessionKeys;
use session::settings::{ClientSettings, RingFile, StoreSettings, key_ring};
use shell::config::{Settings, parse};
use shell::telemetry::LogConfig;
use shell::traces::TraceSettings;

pub use idps::{BearerEntry, Idps, Introspection, LoginProvider};
use live::ReadIdps;
pub(crate) use live::{Live, NewBff};
pub use login_methods::LoginMethods;
pub use network::Network;
pub use site::Site;
pub use strategy::Strategy;
pub use streams::StreamLimits;
pub use telemetry::Telemetry;
use tenants::Common;
pub use tenants::{Limits, Tenancy, TenantSettings};
pub use user_context::{ContextSettings, Source, SourceKind};
use watched::ConfigFile;

use crate::admin::Access;
use crate::audit::ChainSettings;
use crate::limits::RateLimits;
use crate::proxy::{Clients, Routes};
use crate::sessions::EdgeClaims;

/// Longest wait for one command to the store.
const STORE_TIMEOUT: Duration = Duration::from_millis(500);

/// The configuration of one `bff`.
#[derive(Debug)]
pub struct Config {
    /// Where to listen, and how requests arrive.
    pub network: Network,
    /// Edge keys, binding and trusted proxies: what `forwardauth` reads too.
    pub clients: ClientSettings,
    /// `REDIS_URL` and its kin.
    pub store: StoreSettings,
    /// `DATABASE_URL`.
    pub database: Option<PostgresOptions>,
    /// `BFF_SESSION_KEYS`.
    pub session_keys: SessionKeys,
    /// `tenants.yaml`, and what it overrides.
    pub tenancy: Arc<Tenancy>,
    /// `BFF_STRATEGY`.
    pub strategy: Strategy,
    /// `idps.yaml`.
    pub idps: Arc<Idps>,
    /// `BFF_CONTEXT_*`.
    pub context: Option<ContextSigner>,
    /// Lifetimes, which tenants may only shorten.
    pub lifetimes: Lifetimes,
    /// `BFF_MAX_STREAMS`, `BFF_MAX_STREAMS_PER_SESSION`.
    pub streams: StreamLimits,
    /// `rate_limits` of `bff.yaml`; a tenant may have its own.
    pub rate_limits: RateLimits,
    /// `BFF_EDGE_CLAIMS`.
    pub edge_claims: EdgeClaims,
    /// `telemetry` of `bff.yaml`.
    pub telemetry: Telemetry,
    /// `login_methods` of `bff.yaml`.
    pub login_methods: LoginMethods,
    /// `user_context` of `bff.yaml`.
    pub user_context: ContextSettings,
    /// `routes.yaml`.
    pub routes: Routes,
    /// `BFF_ADMIN_TOKENS`, `BFF_INTERNAL_TOKEN`.
    pub access: Access,
    /// `LOG_FORMAT`, `RUST_LOG`.
    pub log: LogConfig,
    /// `BFF_AUDIT_CHAIN` and its kin.
    pub audit: Option<ChainSettings>,
    /// `OTEL_*`: where traces go; nowhere by default.
    pub traces: Option<TraceSettings>,
    /// Files, as they were read.
    pub(crate) files: Files,
    /// All variables, for files that are read again.
    source: Settings,
}

/// Files that are read again.
#[derive(Debug)]
pub(crate) struct Files {
    /// `BFF_SESSION_KEYS_FILE`.
    pub(crate) session_keys: Option<RingFile>,
    pub(crate) idps: ConfigFile,
    idps_read: ReadIdps,
    pub(crate) bff: ConfigFile,
}

/// How long things live, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetimes {
    /// `SESSION_TTL`: absolute life of a session.
    pub session: u64,
    /// `SESSION_IDLE_TTL`: life without use.
    pub idle: u32,
    /// `TOKEN_REFRESH_THRESHOLD`: refresh this long before expiry.
    pub refresh_before: u64,
}

impl Config {
    /// Reads everything, noting all problems in `settings`. `memory://` is for one process that
    /// composes both programs, which says so by `embedded`.
    pub fn read(settings: &mut Settings, embedded: bool) -> Option<Self> {
        let source = settings.clone();
        unavailable::tell(settings);
        catalogue::warn_of_unknown(settings);
        strategy::apply_flags(settings);
        let log = LogConfig::from_settings(settings);
        let audit = audit::read(settings);
        let traces = TraceSettings::read(settings, "bff");
        let network = Network::read(settings);
        let clients = ClientSettings::read(settings);
        let store = StoreSettings::read(settings, STORE_TIMEOUT);
        let store =
            store.and_then(|store| if embedded { Some(store) } else { store.shared(settings) });
        let session_ring = key_ring(settings, "BFF_SESSION_KEYS");
        unwise::keys(settings, session_ring.as_ref().map(|(ring, _)| ring));
        let strategy = Strategy::read(settings);
        let (idps_file, text) = ConfigFile::read(shell::idps::FILE, settings);
        let idps_read = ReadIdps::of(text.map(Into::into), settings);
        let idps = Arc::clone(&idps_read.idps);
        let lifetimes = Lifetimes::read(settings);
        let database = database::read(settings, store.as_ref(), lifetimes.session);
        let (bff_file, text) = ConfigFile::read(file::NAME, settings);
        let file = text.map(|text| file::BffFile::parse(&text, settings));
        let mut file = file.unwrap_or_default();
        let rate_limits = file.rate_limits(settings);
        let max_sessions_per_user = max_sessions_per_user(settings);
        let common = Common {
            network: &network,
            lifetimes,
            max_sessions_per_user,
            rate_limits: &rate_limits,
            idps: &idps,
        };
        let tenancy = Tenancy::read(settings, common).map(Arc::new);
        if let Some(tenancy) = &tenancy {
            strategy.agree(settings, tenancy);
        }
        let context = context::read(settings, tenancy.as_deref(), &idps);
        let streams = StreamLimits::read(settings);
        let user_context = ContextSettings::read(file.user_context.take(), settings);
        let login_methods = login_methods::parse(file.take_login_methods(), &idps, settings);
        let edge_claims = EdgeClaims::read(settings);
        let routes = Routes::read(settings);
        if let Some(routes) = &routes {
            let clients_at = clients_at(&idps, tenancy.as_deref());
            context::agree(settings, context.as_ref(), &routes.load());
            routes.load().agree(&idps, &clients_at, strategy, settings);
            routes.load().know(&user_context, settings);
            if let Some(tenancy) = &tenancy {
                routes.load().know_tenants(|id| tenancy.knows(id), settings);
            }
        }
        let access = Access::read(settings);
        unwise::lifetimes(settings, lifetimes);
        unwise::admin(settings, &network, &access);
        let (session_ring, session_keys) = session_ring?;
        Some(Self {
            network,
            clients: clients?,
            store: store?.with_exact_lists(tenancy.as_deref().is_some_and(Tenancy::has_caps)),
            database,
            session_keys: SessionKeys::new(session_ring),
            tenancy: tenancy?,
            strategy,
            idps,
            context,
            lifetimes,
            streams,
            rate_limits,
            edge_claims,
            telemetry: file.telemetry.parse(settings),
            login_methods,
            user_context,
            routes: routes?,
            access,
            log,
            audit,
            traces,
            files: Files { session_keys, idps: idps_file, idps_read, bff: bff_file },
            source,
        })
    }
}

/// The issuers at which we are a client.
fn clients_at(idps: &Idps, tenancy: Option<&Tenancy>) -> Clients {
    let main = tenancy.iter().flat_map(|all| &all.tenants).map(|tenant| &tenant.login);
    idps.login.values().chain(main).map(|login| &login.oidc).collect()
}

/// `SESSION_MAX_PER_USER`; zero is no cap.
fn max_sessions_per_user(settings: &mut Settings) -> usize {
    let most = settings.parsed("SESSION_MAX_PER_USER", "0 is no cap.", parse::any("a number"));
    most.unwrap_or(0)
}

impl Lifetimes {
    fn read(settings: &mut Settings) -> Self {
        let hint = "Give seconds, or a duration such as 8h.";
        let mut seconds =
            |name: &str, default| settings.parsed(name, hint, lifetime).unwrap_or(default);
        let session = seconds("SESSION_TTL", 28_800);
        let idle = seconds("SESSION_IDLE_TTL", 3_600).min(session);
        Self {
            session,
            idle: u32::try_from(idle).unwrap_or(u32::MAX),
            refresh_before: seconds("TOKEN_REFRESH_THRESHOLD", 300),
        }
    }
}

/// Longest life of anything: what is longer is a slip of the pen, and no store could keep it.
const YEAR: u64 = 365 * 86_400;

fn lifetime(text: &str) -> Result<u64, String> {
    match parse::seconds(text)? {
        seconds if seconds > YEAR => Err("is longer than a year".to_owned()),
        seconds => Ok(seconds),
    }
}

#[cfg(test)]
mod schemas;
#[cfg(test)]
mod tests;
