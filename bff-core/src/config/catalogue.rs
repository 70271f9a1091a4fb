//! Owns: the list of the settings of `bff` (docs/CONFIGURATION.md).

mod oidc;

use session::settings::catalogue::{BOTH, CONTEXT};
use shell::config::Settings;
use shell::config::catalogue::Unset::{Is, Means, Refused};
use shell::config::catalogue::{self, Setting};
use shell::traces::TRACES;

pub use oidc::OIDC;

/// What `bff` reads beside what both programs do, and the relying party.
pub const SETTINGS: [Setting; 32] = [
    Setting::text("BFF_LISTEN", Is("0.0.0.0:8000"), "for Traefik"),
    Setting::text(
        "BFF_ADMIN_LISTEN",
        Is("0.0.0.0:9000"),
        "`/metrics`, `/health/live`, `/health/ready`, the [admin API](ADMIN.md); never for the internet",
    ),
    Setting::pem("BFF_TLS_CERT", Means("plain HTTP/1.1"), "as `FORWARDAUTH_TLS_CERT`"),
    Setting::secret_pem("BFF_TLS_KEY", Means("plain HTTP/1.1"), "both or neither"),
    Setting::secret(
        "BFF_INTERNAL_TOKEN",
        Means("none"),
        "what `forwardauth` shows at `POST /internal/refresh` on the admin listener; without it that endpoint does not exist. Whoever has it and a session cookie gets the access token: at least 32 random characters, and TLS on the admin listener",
    ),
    Setting::pem(
        "BFF_ADMIN_TLS_CERT",
        Means("plain"),
        "the same for the admin listener. `bff healthcheck` speaks plain HTTP and cannot ask a TLS listener",
    ),
    Setting::secret_pem("BFF_ADMIN_TLS_KEY", Means("plain"), "both or neither"),
    Setting::secret(
        "BFF_SESSION_KEYS",
        Refused,
        "list as `BFF_EDGE_KEYS`; the first seals, all open. Not for `forwardauth`, which warns if it sees them",
    ),
    Setting::secret(
        "DATABASE_URL",
        Means("sessions are in Redis alone"),
        "`postgres://user:password@host/database?sslmode=verify-full`, with `sslrootcert` for an authority of your own: sessions outlive Redis, see [Sessions that outlive Redis](#sessions-that-outlive-redis)",
    ),
    Setting::text(
        "BFF_DEFAULT_HOST",
        Means("the request's host"),
        "public host, with its port unless it is the scheme's. Redirect URIs are built on it, and who asks for the login at another host is sent here first: the cookie of a login is host-only. Set it",
    ),
    Setting::text("BFF_DEFAULT_SCHEME", Is("https"), "or `http`"),
    Setting::text(
        "BFF_DYNAMIC_CALLBACK",
        Is("false"),
        "builds the redirect URI on the request's host where `BFF_ALLOWED_REDIRECT_HOSTS` lists it, else on the default; needs that list",
    ),
    Setting::text(
        "BFF_ALLOWED_REDIRECT_HOSTS",
        Means("none"),
        "list; the only hosts that an absolute `return_to` may name",
    ),
    Setting::text(
        "BFF_POST_LOGOUT_REDIRECT_URI",
        Means("`/auth/login` on the origin of the redirect URI"),
        "where the IdP sends the browser after a logout; register it there",
    ),
    Setting::text(
        "BFF_CSRF_HEADER",
        Is("X-CSRF-Token"),
        "the header that an unsafe request must carry, with the token of `/api/auth/session`",
    ),
    Setting::text(
        "BFF_MAX_STREAMS",
        Is("10000"),
        "1 to 1000000. Most open streams and WebSockets of the proxy, see [Streams and WebSockets](#streams-and-websockets). Each takes up to three file descriptors",
    ),
    Setting::text("BFF_MAX_STREAMS_PER_SESSION", Is("100"), "the same for one session"),
    Setting::text(
        "BFF_EDGE_CLAIMS",
        Means("none more"),
        "list of at most 16 ID token claims, nested by dots, that sessions keep for `forwardauth.yaml` beside `preferred_username`, `email`, `email_verified` and `name`. `off` keeps none, not even these ([updates](SESSION-FORMAT.md#versions)). They lie in Redis in clear, as roles do",
    ),
    Setting::text(
        "ENABLE_MTLS_BACKEND",
        Is("false"),
        "refuses services in `routes.yaml` without a client certificate",
    ),
    Setting::secret(
        "BFF_INTERNAL_HMAC_SECRET",
        Means("off"),
        "at least 16 bytes; [signs](SIGNATURES.md) every request to services, so that they can tell them from those of others. Bodies beyond 1 MiB are then 413, unless a service takes them unsigned (`signature` in `routes.yaml`)",
    ),
    Setting::text(
        "BFF_SIGNATURE_HEADER_PREFIX",
        Is("X-Wicket"),
        "names the two headers; what a browser sends under these names is removed either way",
    ),
    Setting::text(
        "SESSION_TTL",
        Is("8h"),
        "duration, at most a year; the absolute end of a session",
    ),
    Setting::text(
        "SESSION_IDLE_TTL",
        Is("1h"),
        "duration; the end of a session that is not used. At most `SESSION_TTL`",
    ),
    Setting::text(
        "SESSION_MAX_PER_USER",
        Is("0"),
        "most sessions of one user; the oldest ends when another begins. `0` is no cap",
    ),
    Setting::secret(
        "BFF_ADMIN_TOKENS",
        Means("none"),
        "list of `name:token`; turns on the [admin API](ADMIN.md) on the admin listener. Give each administrator a token of their own, of at least 32 random characters: the name is in every audit event",
    ),
    Setting::text(
        "BFF_AUDIT_CHAIN",
        Is("false"),
        "`true` [chains the audit log](LOGGING.md#the-chain), so that `bff audit verify` finds what was changed in it",
    ),
    Setting::text(
        "BFF_AUDIT_FILE",
        Means("standard output alone"),
        "with a chain: a regular file that audit events are appended to besides, by one process at a time",
    ),
    Setting::secret(
        "BFF_AUDIT_CHAIN_KEY",
        Means("none"),
        "with a chain: base64 of at least 32 bytes (`openssl rand -base64 32`); without it anybody who can write the log can make a chain. Exchange it by a restart",
    ),
    Setting::text(
        "TOKEN_REFRESH_THRESHOLD",
        Is("300"),
        "duration before expiry from which an access token is renewed in the background; at most a fifth of its life, less up to half of it as jitter",
    ),
    Setting::text(
        "BFF_STRATEGY",
        Is("pass_through"),
        "which token services are shown unless they say: `pass_through`, `downscope`, `fapi`: see [tokens for services](#tokens-for-services)",
    ),
    Setting::text(
        "ENABLE_TOKEN_DOWNSCOPING",
        Is("false"),
        "`true` stands for `BFF_STRATEGY=downscope`; beside another value refused",
    ),
    Setting::text(
        "ENABLE_FAPI_COMPLIANCE",
        Is("false"),
        "`true` stands for `BFF_STRATEGY=fapi` with `OIDC_PROFILE=fapi2`; beside another value, or the one above, refused",
    ),
];

/// Everything that `bff` reads.
pub const ALL: [&[Setting]; 5] = [&BOTH, &TRACES, &CONTEXT, &SETTINGS, &OIDC];

/// Names of `forwardauth` are its own to judge.
pub(super) fn warn_of_unknown(settings: &mut Settings) {
    catalogue::warn_of_unknown(settings, &["BFF_", "OIDC_", "SESSION_"], &ALL);
}

#[cfg(test)]
mod tests;
