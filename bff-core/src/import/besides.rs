//! Owns: what no option stands for: settings that oauth2-proxy has as a default or not at all, and what is otherwise
//! than before.

use shell::random::Random;

use super::made::Made;
use super::report::Report;
use super::routes;
use super::source::Given;

/// The issuers of providers that oauth2-proxy knows without an address.
const ISSUERS: [(&str, &str); 4] = [
    ("", "https://accounts.google.com"),
    ("google", "https://accounts.google.com"),
    ("gitlab", "https://gitlab.com"),
    ("login.gov", "https://secure.login.gov"),
];

/// Options that show who the client is.
const CREDENTIALS: [&str; 4] = ["client_secret", "client_secret_file", "jwt_key", "jwt_key_file"];

/// Without these nothing starts, or nobody gets in; and where to take them from.
const NEEDED: [(&str, &str); 5] = [
    ("OIDC_ISSUER", "the issuer of the provider, to the letter: `bff probe-idp` shows it"),
    ("OIDC_CLIENT_ID", "as it is registered at the provider"),
    ("REDIS_URL", "sessions lie in Redis, and not in the cookie"),
    ("BFF_DEFAULT_HOST", "the public host: register https://HOST/auth/callback at the provider"),
    ("BFF_TRUSTED_PROXIES", "the networks of Traefik: nobody else's X-Forwarded-* are believed"),
];

/// Adds them, and tells of them.
pub(super) fn add(given: &Given, made: &mut Made, report: &mut Report, random: &dyn Random) {
    made.set_key("BFF_SESSION_KEYS", "i1", random);
    made.set_key("BFF_EDGE_KEYS", "i1", random);
    report.added.push(("BFF_SESSION_KEYS", "a fresh key, which seals sessions"));
    report.added.push(("BFF_EDGE_KEYS", "a fresh key, which authenticates what verify reads"));
    add_defaults(given, made, report);
    let wanted = NEEDED.into_iter().filter(|(name, _)| !made.has(name));
    report.wanted.extend(wanted);
    report.otherwise = otherwise(given);
}

fn add_defaults(given: &Given, made: &mut Made, report: &mut Report) {
    let mut default = |name, value: &str, why| {
        if !made.has(name) {
            made.set(name, value);
            report.added.push((name, why));
        }
    };
    let provider = given.one("provider");
    if let Some((_, issuer)) = ISSUERS.into_iter().find(|(known, _)| *known == provider) {
        default("OIDC_ISSUER", issuer, "that of the provider, which stands for oidc_issuer_url");
    }
    let groups = if given.has("allowed_groups") { " groups" } else { "" };
    default(
        "OIDC_SCOPES",
        &format!("openid email profile{groups}"),
        "the default of oauth2-proxy; ours asks for offline_access besides, which renews tokens",
    );
    if !CREDENTIALS.into_iter().any(|name| given.has(name)) {
        default("OIDC_CLIENT_AUTH", "none", "there is no client secret");
    }
    if !given.has("trusted_proxy_ips") {
        let why = "oauth2-proxy binds no session to an address; on, it needs BFF_TRUSTED_PROXIES";
        default("BFF_BINDING_IP", "off", why);
    }
}

fn otherwise(given: &Given) -> Vec<&'static str> {
    let has_routes = routes::are_there(given);
    let all = [
        (
            true,
            "paths: /auth/login, /auth/callback and /auth/logout in place of /oauth2/...; register the new callback at the provider",
        ),
        (
            true,
            "verify asks for policy oauth2-proxy by /auth/forward?policy=oauth2-proxy in the middleware's address",
        ),
        (
            !given.has("cookie_expire"),
            "a session ends after 8 hours (SESSION_TTL) and not after 7 days",
        ),
        (true, "a session that nobody uses ends after an hour (SESSION_IDLE_TTL)"),
        (
            has_routes,
            "through bff, POST, PUT, PATCH and DELETE need the CSRF header; an application with forms of its own belongs behind ForwardAuth",
        ),
        (
            has_routes && !given.has("pass_user_headers"),
            "services read X-User-Id in place of X-Forwarded-User, X-Forwarded-Email and X-Forwarded-Groups",
        ),
        (
            has_routes && !given.has("pass_host_header"),
            "services are asked by their own host name in place of the public one",
        ),
    ];
    all.into_iter().filter(|(is, _)| *is).map(|(_, line)| line).collect()
}

impl Given {
    fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }
}
