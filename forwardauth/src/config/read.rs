//! Owns: single settings, each with its default, its check and its hint.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::thread;
use std::time::Duration;

use shell::config::{Settings, parse};
use shell::listen::Connections;
use shell::origin::Origin;
use shell::tls::Tls;

use super::ContextSettings;
use crate::login::LoginUrl;
use crate::policy::{HandOn, Policies};
use crate::tenants::TenantTable;

const THREADS_MAX: usize = 256;

pub(super) fn address(settings: &mut Settings, name: &str, port: u16) -> SocketAddr {
    settings
        .parsed(name, "For example: 0.0.0.0:8001", parse::any("an address and port"))
        .unwrap_or(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port))
}

/// One a core that this process may use.
pub(super) fn threads(settings: &mut Settings) -> NonZeroUsize {
    let given = settings.parsed("FORWARDAUTH_THREADS", "Use 1 to 256.", |text| {
        let threads = text.parse().ok().and_then(NonZeroUsize::new);
        threads
            .filter(|threads| threads.get() <= THREADS_MAX)
            .ok_or_else(|| "is not a number of threads".to_owned())
    });
    given.or_else(|| thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN)
}

/// Verify answers within this, and within Traefik's own fixed 30 s.
pub(super) fn deadline(settings: &mut Settings) -> Duration {
    let given = settings.parsed("FORWARDAUTH_DEADLINE_MS", "Use 10 to 20000.", |text| {
        let milliseconds: Option<u64> = text.parse().ok();
        milliseconds
            .filter(|milliseconds| (10..=20_000).contains(milliseconds))
            .ok_or_else(|| "is not a number of milliseconds in range".to_owned())
    });
    Duration::from_millis(given.unwrap_or(250))
}

pub(super) fn tls(settings: &mut Settings) -> Option<Tls> {
    Tls::from_settings(settings, "FORWARDAUTH_TLS_CERT", "FORWARDAUTH_TLS_KEY")
}

/// More than a proxy ever opens, and less than what would take the memory of a small machine.
pub(super) fn max_connections(settings: &mut Settings) -> usize {
    let given = settings.parsed("FORWARDAUTH_MAX_CONNECTIONS", "Use 1 to 1000000.", |text| {
        let connections = text.parse().ok().and_then(NonZeroUsize::new);
        connections
            .filter(|connections| connections.get() <= 1_000_000)
            .ok_or_else(|| "is not a number of connections".to_owned())
    });
    given.map_or(Connections::MOST, NonZeroUsize::get)
}

pub(super) fn warn_of_session_keys(settings: &mut Settings) {
    if settings.text("BFF_SESSION_KEYS").is_some()
        || settings.text("BFF_SESSION_KEYS_FILE").is_some()
    {
        let warning = "is set; forwardauth has no use for it and should not see it";
        settings.warn("BFF_SESSION_KEYS", warning, "Give it to bff alone.");
    }
}

/// As in `bff`.
pub(super) fn user_id_claim(settings: &mut Settings) -> String {
    settings.text("OIDC_USER_ID_CLAIM").unwrap_or_else(|| "sub".to_owned())
}

/// Private keys have no business where nobody signs with them.
pub(super) fn warn_of_idle_keys(
    settings: &mut Settings,
    context: Option<&ContextSettings>,
    hand_on: HandOn,
    policies: &Policies,
) {
    let used = hand_on == HandOn::ContextToken || policies.hand_on_any(HandOn::ContextToken);
    if context.is_some() && !used {
        settings.warn(
            "BFF_CONTEXT_KEYS",
            "is set, and no route is given context tokens: forwardauth should not see it",
            "Give it to bff alone.",
        );
    }
}

pub(crate) fn cors_origins(settings: &mut Settings) -> Vec<Origin> {
    let origins = settings.parsed(
        "BFF_CORS_ORIGINS",
        "A comma list of exact origins such as https://spa.example.com; never *",
        parse::list(|text| Origin::parse(text).ok_or_else(|| "is not an origin".to_owned())),
    );
    origins.unwrap_or_default()
}

pub(super) fn login_url(settings: &mut Settings) -> LoginUrl {
    let given = settings.parsed(
        "FORWARDAUTH_LOGIN_URL",
        "A path such as /auth/login, or https://login.example.com/auth/login",
        LoginUrl::parse,
    );
    given.unwrap_or_else(LoginUrl::same_host)
}

/// A login at a host of its own is at nobody's host, or at one tenant's.
pub(super) fn agree_on_login(settings: &mut Settings, url: &LoginUrl, tenants: &TenantTable) {
    if tenants.is_by_host() && url.is_central() {
        settings.problem(
            "FORWARDAUTH_LOGIN_URL",
            "names one host for all tenants",
            "Give a path, such as /auth/login: each tenant signs in at its own host.",
        );
    }
}

pub(super) fn switch(settings: &mut Settings, name: &str) -> bool {
    settings.parsed(name, "Use true or false.", parse::switch).unwrap_or(false)
}
