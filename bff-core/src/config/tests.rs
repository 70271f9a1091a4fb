use shell::config::Warning;

use super::*;

const KEY: &str = "k1:AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";
const EDGE_KEY: &str = "e1:ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";

const GOOD: [(&str, &str); 9] = [
    ("REDIS_URL", "redis://127.0.0.1:6379"),
    ("BFF_SESSION_KEYS", KEY),
    ("BFF_EDGE_KEYS", EDGE_KEY),
    ("BFF_TRUSTED_PROXIES", "127.0.0.1/32"),
    ("BFF_CONFIG_DIR", "/nonexistent"),
    ("BFF_DEFAULT_HOST", "app.example.com"),
    ("OIDC_ISSUER", "https://idp.example.com"),
    ("OIDC_CLIENT_ID", "bff"),
    ("OIDC_CLIENT_SECRET", "canary-secret"),
];

fn read(changes: &[(&str, &str)]) -> Result<(Config, Vec<Warning>), String> {
    let mut settings = Settings::from_pairs(GOOD.iter().chain(changes).copied());
    let config = Config::read(&mut settings, false);
    settings.finish(config).map_err(|problems| problems.to_string())
}

#[test]
fn defaults_are_those_of_the_contract() {
    let (config, warnings) = read(&[]).unwrap();
    assert_eq!(config.network.listen.to_string(), "0.0.0.0:8000");
    assert_eq!(config.network.admin_listen.to_string(), "0.0.0.0:9000");
    let lifetimes = Lifetimes { session: 28_800, idle: 3_600, refresh_before: 300 };
    assert_eq!(config.lifetimes, lifetimes);
    assert_eq!(config.tenancy.tenants[0].cookies.name(), "bff_session");
    assert_eq!(config.tenancy.tenants[0].login.oidc.scopes, "openid profile email offline_access");
    assert_eq!(config.network.csrf_header, "x-csrf-token");
    assert!(warnings.is_empty());
}

#[test]
fn t09_what_works_and_is_unwise_is_told_and_not_refused() {
    let token = ("BFF_INTERNAL_TOKEN", "0123456789abcdef0123456789abcdef");
    for (changes, path) in [
        (vec![("BFF_EDGE_KEYS", KEY)], "BFF_SESSION_KEYS"),
        (vec![("SESSION_TTL", "8d")], "SESSION_TTL"),
        (vec![("SESSION_TTL", "7d"), ("SESSION_IDLE_TTL", "25h")], "SESSION_IDLE_TTL"),
        (vec![token], "BFF_ADMIN_LISTEN"),
    ] {
        let (_, warnings) = read(&changes).unwrap();
        let paths: Vec<_> = warnings.iter().map(|warning| warning.path.as_str()).collect();
        assert_eq!(paths, [path]);
    }
    let (_, none) = read(&[token, ("BFF_ADMIN_LISTEN", "127.0.0.1:9000")]).unwrap();
    assert!(none.is_empty(), "{none:?}");
}

#[test]
fn t09_every_problem_is_told_at_once_and_no_value_is() {
    let report = read(&[
        ("REDIS_URL", "memory://"),
        ("BFF_SESSION_KEYS", "canary"),
        ("BFF_EDGE_KEYS", ""),
        ("BFF_TRUSTED_PROXIES", "canary"),
        ("BFF_LISTEN", "canary"),
        ("BFF_CORS_ORIGINS", "*"),
        ("BFF_COOKIE_SAMESITE", "canary"),
        ("BFF_COOKIE_SECURE", "false"),
        ("BFF_TLS_CERT", "-----BEGIN canary"),
        ("BFF_DYNAMIC_CALLBACK", "true"),
        ("OIDC_ISSUER", "http://idp.example.com"),
        ("OIDC_CLIENT_AUTH", "private_key_jwt"),
        ("OIDC_CLIENT_KEY", "canary"),
        ("OIDC_SCOPES", "${NOT_SET}"),
        ("OIDC_DPOP", "canary"),
        ("OIDC_PROFILE", "canary"),
        ("OIDC_JAR", "canary"),
        ("OIDC_JARM", "canary"),
        ("OIDC_DPOP_ROTATE", "canary"),
        ("BFF_STRATEGY", "canary"),
        ("ENABLE_FAPI_COMPLIANCE", "true"),
        ("SESSION_TTL", "canary"),
        ("RUST_LOG", "bff=canary"),
    ])
    .unwrap_err();
    assert!(!report.contains("canary"), "{report}");
    insta::assert_snapshot!(report);
}

#[test]
fn t12_the_issuer_of_context_tokens_is_no_identity_provider() {
    let key = ("BFF_CONTEXT_KEYS", crate::testing::CONTEXT_KEY);
    let directory = tempfile::tempdir().unwrap();
    let idps = "idps: [{ name: partner, issuer: 'https://partner.example', audience: api }]";
    std::fs::write(directory.path().join("idps.yaml"), idps).unwrap();
    let place = ("BFF_CONFIG_DIR", directory.path().to_str().unwrap());
    let with = |issuer| read(&[key, place, ("BFF_CONTEXT_ISSUER", issuer)]);
    assert!(with("https://edge.example").unwrap().0.context.is_some());
    for (issuer, named) in [
        ("https://idp.example.com", "OIDC_ISSUER"),
        ("https://idp.example.com/", "OIDC_ISSUER"),
        ("https://partner.example", "idp partner"),
    ] {
        let report = with(issuer).unwrap_err();
        assert!(report.contains("BFF_CONTEXT_ISSUER") && report.contains(named), "{report}");
    }
}

#[test]
fn t09_no_key_of_context_tokens_has_the_name_of_a_client_key() {
    let key = |kid| crate::testing::CONTEXT_KEY.replacen('{', &format!(r#"{{"kid":"{kid}","#), 1);
    let client = crate::oidc::mock::client_jwk();
    let with = |kid| {
        read(&[
            ("OIDC_CLIENT_AUTH", "private_key_jwt"),
            ("OIDC_CLIENT_SECRET", ""),
            ("OIDC_CLIENT_KEY", &client),
            ("BFF_CONTEXT_KEYS", &key(kid)),
            ("BFF_CONTEXT_ISSUER", "https://edge.example"),
        ])
    };
    assert!(with("context-key").is_ok());
    let report = with("client-key").unwrap_err();
    assert!(
        report.contains("BFF_CONTEXT_KEYS: has a key with the kid of the client key"),
        "{report}"
    );
}

#[test]
fn t09_a_service_that_is_to_be_shown_context_tokens_needs_their_keys() {
    let directory = tempfile::tempdir().unwrap();
    let routes = "services: { a: { base_url: 'http://a', audience: a, token: context } }\nroutes: [{ path: \
                  /a, target_service: a, methods: [GET], auth: session }]";
    std::fs::write(directory.path().join("routes.yaml"), routes).unwrap();
    let place = ("BFF_CONFIG_DIR", directory.path().to_str().unwrap());
    assert!(read(&[place]).unwrap_err().contains("BFF_CONTEXT_KEYS"));
    let key = ("BFF_CONTEXT_KEYS", crate::testing::CONTEXT_KEY);
    assert!(read(&[place, key, ("BFF_CONTEXT_ISSUER", "https://edge.example")]).is_ok());
}

#[test]
fn c83_debug_of_the_configuration_shows_no_secret() {
    let (config, _) = read(&[]).unwrap();
    let shown = format!("{config:?}");
    assert!(!shown.contains("canary") && !shown.contains(KEY), "{shown}");
}

#[test]
fn t09_lifetimes_that_no_store_could_keep_are_refused() {
    for (value, good) in [("8h", true), ("365d", true), ("366d", false), ("0", false)] {
        assert_eq!(read(&[("SESSION_TTL", value)]).is_ok(), good, "{value}");
    }
}

#[test]
fn clear_text_cookies_are_for_loopback_only() {
    let local = [("BFF_COOKIE_SECURE", "false"), ("BFF_DEFAULT_SCHEME", "http")];
    for (host, allowed) in [
        ("localhost:8080", true),
        ("app.localhost", true),
        ("127.0.0.1:8080", true),
        ("app.example.com", false),
        ("localhost.evil.test", false),
    ] {
        let mut changes = local.to_vec();
        changes.push(("BFF_DEFAULT_HOST", host));
        assert_eq!(read(&changes).is_ok(), allowed, "{host}");
    }
}

#[test]
fn t09_fapi2_sends_codes_to_https_or_loopback_alone() {
    let key = rcgen::KeyPair::generate().unwrap().serialize_pem();
    let profile = [
        ("OIDC_PROFILE", "fapi2"),
        ("OIDC_CLIENT_AUTH", "private_key_jwt"),
        ("OIDC_CLIENT_KEY", key.as_str()),
    ];
    let with = |scheme, host| {
        let mut changes = profile.to_vec();
        changes.extend([("BFF_DEFAULT_SCHEME", scheme), ("BFF_DEFAULT_HOST", host)]);
        read(&changes)
    };
    assert!(with("https", "app.example.com").is_ok());
    assert!(with("http", "localhost:8080").is_ok());
    let report = with("http", "app.example.com").unwrap_err();
    assert!(report.contains("BFF_DEFAULT_SCHEME: must be https"), "{report}");
}
