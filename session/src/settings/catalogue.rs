//! Owns: the list of the settings that both programs read (docs/CONFIGURATION.md).

use shell::config::catalogue::Setting;
use shell::config::catalogue::Unset::{Is, Means, Refused};

/// What both read.
pub const BOTH: [Setting; 19] = [
    Setting::secret(
        "REDIS_URL",
        Refused,
        "`redis://` or `rediss://` (TLS), with user and password. `redis-cluster://` and `redis-sentinel://` are accepted. `memory://` is for the demo and refused by both programs",
    ),
    Setting::pem("REDIS_TLS_CA", Means("the system's authorities"), "used with a TLS scheme only"),
    Setting::pem("REDIS_TLS_CERT", Means("none"), "a client certificate, with `REDIS_TLS_KEY`"),
    Setting::secret_pem("REDIS_TLS_KEY", Means("none"), "its key; both or neither"),
    Setting::text("BFF_REDIS_PREFIX", Is("bff:"), "begins every key in Redis"),
    Setting::secret(
        "BFF_EDGE_KEYS",
        Refused,
        "list of `kid:base64(32 random bytes)`; authenticates what verify reads. `e1:$(openssl rand -base64 32)` makes one",
    ),
    Setting::text(
        "BFF_TRUSTED_PROXIES",
        Means("nobody"),
        "list of networks or addresses whose `X-Forwarded-*` and `X-Request-Id` are believed. Empty while `BFF_BINDING_IP` is on: refused",
    ),
    Setting::text(
        "BFF_COOKIE_NAME",
        Is("bff_session"),
        "a name that begins with `__Host-` must have no domain and be `Secure`; other such prefixes must be `Secure`",
    ),
    Setting::text("BFF_COOKIE_DOMAIN", Means("host-only"), "for example `.example.com`"),
    Setting::text(
        "BFF_COOKIE_SECURE",
        Is("true"),
        "`false` is for loopback: `bff` refuses it where its public host (`BFF_DEFAULT_HOST`, else the address it listens on; with tenants, any of their hosts) is any other",
    ),
    Setting::text(
        "BFF_COOKIE_SAMESITE",
        Is("Lax"),
        "or `Strict`, `None`. `None` needs `Secure`. With `Strict` a page that leads on by itself ends each login, and stands before yours where another site links to it",
    ),
    Setting::text(
        "BFF_BINDING_UA",
        Is("deny"),
        "what a change of browser family or platform leads to: `off`; `audit` (counted and logged); `reauth` (401, the session waits, and can be signed out of without telling the IdP who it was); `deny` (401 and the session ends)",
    ),
    Setting::text(
        "BFF_BINDING_IP",
        Is("reauth"),
        "the same for the client's network: /24 for IPv4, /48 for IPv6, compared within one family",
    ),
    Setting::text(
        "ENABLE_ADVANCED_SESSION_BINDING",
        Is("false"),
        "`true` makes both `deny`; beside a weaker setting it is refused",
    ),
    Setting::text(
        "BFF_CORS_ORIGINS",
        Means("none"),
        "list of exact origins that may send requests with credentials. In `bff` they also get CORS headers, errors included; a preflight of any other origin, and of `null`, is 403",
    ),
    Setting::text(
        "BFF_CONFIG_DIR",
        Is("/app/config"),
        "where `routes.yaml`, `idps.yaml`, `tenants.yaml`, `bff.yaml` and `forwardauth.yaml` are",
    ),
    Setting::text(
        "BFF_DEV_AUTO_TENANT",
        Is("false"),
        "every unknown loopback host is a tenant, see [`tenants.yaml`](#tenantsyaml)",
    ),
    Setting::text("LOG_FORMAT", Is("json"), "or `text`"),
    Setting::text(
        "RUST_LOG",
        Is("info"),
        "a filter such as `info,bff_core=debug`. Libraries that could print what passes through them stay quiet whatever it says",
    ),
];

/// Context tokens, in both.
pub const CONTEXT: [Setting; 3] = [
    Setting::secret(
        "BFF_CONTEXT_KEYS",
        Means("off"),
        "private JWKs: one, a JSON list, or a JWK Set, of at most eight. P-256 (ES256) or Ed25519 (EdDSA). The first one signs; `bff` publishes the public halves of all in `/.well-known/jwks.json`. A `kid` that is missing is the thumbprint (RFC 7638)",
    ),
    Setting::text(
        "BFF_CONTEXT_ISSUER",
        Means("required with keys"),
        "`iss`. Not the issuer of an identity provider: `OIDC_ISSUER` and those of `idps.yaml` and `tenants.yaml` are refused here",
    ),
    Setting::text(
        "BFF_CONTEXT_TTL",
        Is("60"),
        "duration, 1 s to 60 s. A token is used again for half of it, for the same session and audience, and only while the session says the same",
    ),
];
