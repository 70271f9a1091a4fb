use shell::config::Warning;

use super::*;
use crate::config::Config;
use crate::oidc::{ClientAuth, Mode};

const KEY: &str = "k1:AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";
const EDGE_KEY: &str = "e1:ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";

const GOOD: [(&str, &str); 11] = [
    ("REDIS_URL", "redis://127.0.0.1:6379"),
    ("BFF_SESSION_KEYS", KEY),
    ("BFF_EDGE_KEYS", EDGE_KEY),
    ("BFF_TRUSTED_PROXIES", "127.0.0.1/32"),
    ("OIDC_ISSUER", "https://idp.example.com"),
    ("OIDC_CLIENT_ID", "bff"),
    ("OIDC_CLIENT_SECRET", "canary-main-secret"),
    ("OIDC_SCOPES", "openid orders"),
    ("OIDC_DPOP", "required"),
    ("OIDC_INTERNAL_BASE", "https://inside.example.com"),
    ("SESSION_TTL", "4h"),
];

const TWO: &str = r#"
tenants:
  - id: acme
    slug: acme-corp
    hosts: [acme.example.com, www.acme.test]
    issuer: https://idp.acme.test
    client: { id: acme, auth: client_secret_post, secret: "${ACME_SECRET}", dpop: off }
    cookie: { name: acme_session }
    cors_origins: ["https://spa.acme.test"]
    callback_host: acme.example.com
    allowed_redirect_hosts: [shop.acme.test]
    idps: [partner]
    limits: { session_ttl: 1h, session_idle_ttl: 300, max_sessions_per_user: 2 }
  - { id: globex, hosts: [globex.example.com], client: { id: globex, auth: none } }
  - { id: initech, hosts: [initech.example.com] }
"#;

const IDPS: &str =
    "idps: [{ name: partner, issuer: 'https://p.test', client: { id: x, auth: none } }]";

fn read(yaml: &str, changes: &[(&str, &str)]) -> Result<(Config, Vec<Warning>), String> {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("tenants.yaml"), yaml).unwrap();
    std::fs::write(directory.path().join("idps.yaml"), IDPS).unwrap();
    let place = [("BFF_CONFIG_DIR", directory.path().to_str().unwrap())];
    let secret = [("ACME_SECRET", "canary-acme-secret")];
    let pairs = GOOD.iter().chain(&place).chain(&secret).chain(changes);
    let mut settings = Settings::from_pairs(pairs.copied());
    let config = Config::read(&mut settings, false);
    settings.finish(config).map_err(|problems| problems.to_string())
}

fn issuer_of(tenant: &TenantSettings) -> &str {
    &tenant.login.oidc.issuer
}

#[test]
fn c79_a_tenant_overrides_what_holds_for_all_and_nobody_elses_secret_is_used() {
    let (config, warnings) = read(TWO, &[]).unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    assert!(config.tenancy.by_host);
    let [acme, globex, initech] = config.tenancy.tenants.as_slice() else { panic!() };
    assert_eq!(issuer_of(acme), "https://idp.acme.test");
    assert!(matches!(acme.login.oidc.client_auth, ClientAuth::SecretPost(_)));
    assert_eq!(
        (acme.login.oidc.scopes.as_str(), acme.login.oidc.dpop),
        ("openid orders", Mode::Off)
    );
    assert_eq!(acme.login.oidc.internal_base, None, "that of another issuer");
    assert_eq!(acme.cookies.name(), "acme_session");
    assert_eq!(acme.site.default_origin.as_ref().unwrap().as_str(), "https://acme.example.com");
    assert_eq!(acme.site.allowed_hosts, ["acme.example.com", "www.acme.test", "shop.acme.test"]);
    assert_eq!(acme.idps.keys().collect::<Vec<_>>(), ["partner"]);
    assert_eq!(acme.limits, Limits { session: 3600, idle: 300, max_sessions_per_user: 2 });

    assert_eq!(issuer_of(globex), "https://idp.example.com");
    assert_eq!(globex.login.oidc.client_id, "globex");
    assert!(matches!(globex.login.oidc.client_auth, ClientAuth::None), "not the main secret");
    assert!(globex.login.oidc.internal_base.is_some(), "the same issuer");
    assert!(globex.idps.is_empty() && globex.site.default_origin.is_none());

    assert_eq!(initech.login.oidc.client_id, "bff");
    assert_eq!(initech.limits, Limits { session: 14_400, idle: 3_600, max_sessions_per_user: 0 });
    assert!(!format!("{config:?}").contains("canary"));
}

#[test]
fn c79_a_tenants_own_limits_stand_in_the_place_of_those_of_all() {
    let yaml = "tenants:\n- { id: a, hosts: [a.test], rate_limits: { login: off, proxy: { limit: 5000, window: 10s } } }\n- { id: b, hosts: [b.test] }\n";
    let (config, _) = read(yaml, &[]).unwrap();
    let quota = |rule: &Option<crate::limits::Rule>| {
        rule.as_ref().map(|rule| (rule.quota().limit(), rule.quota().window().as_secs()))
    };
    let [a, b] = config.tenancy.tenants.as_slice() else { panic!() };
    assert_eq!(quota(&a.rate_limits.login), None);
    assert_eq!(quota(&a.rate_limits.proxy), Some((5_000, 10)));
    assert_eq!(quota(&a.rate_limits.session), Some((100, 60)), "as for all");
    assert_eq!(quota(&b.rate_limits.login), Some((10, 60)));
}

#[test]
fn t09_a_route_names_tenants_that_there_are() {
    let directory = tempfile::tempdir().unwrap();
    let read = |tenants: Option<&str>| {
        let path = directory.path().join("tenants.yaml");
        let routes = "services: { s: { base_url: 'http://s' } }\nroutes: [{ id: r, path: /x, target_service: s, methods: [GET], auth: none, tenants: [a, b] }]";
        std::fs::write(directory.path().join("routes.yaml"), routes).unwrap();
        if let Some(yaml) = tenants {
            std::fs::write(&path, yaml).unwrap();
        }
        let place = [("BFF_CONFIG_DIR", directory.path().to_str().unwrap())];
        let mut settings = Settings::from_pairs(GOOD.iter().chain(&place).copied());
        let config = Config::read(&mut settings, false);
        settings.finish(config).map(|_| ()).map_err(|problems| problems.to_string())
    };
    let without = read(None).unwrap_err();
    let other = read(Some("tenants: [{ id: a, hosts: [a.test] }]")).unwrap_err();
    insta::assert_snapshot!(format!("no file:\n{without}\none of two:\n{other}"));
    read(Some("tenants: [{ id: a, hosts: [a.test] }, { id: b, hosts: [b.test] }]")).unwrap();
}

#[test]
fn c79_without_a_main_issuer_every_tenant_brings_its_own() {
    let unset = [("OIDC_ISSUER", ""), ("OIDC_CLIENT_ID", ""), ("OIDC_CLIENT_SECRET", "")];
    let own = "tenants: [{ id: a, hosts: [a.test], issuer: 'https://a.test', client: { id: a, auth: none } }]";
    assert!(read(own, &unset).is_ok());
    let report = read("tenants: [{ id: a, hosts: [a.test] }]", &unset).unwrap_err();
    assert!(report.contains("tenant a: client: is required"), "{report}");
}

#[test]
fn t09_every_problem_of_every_tenant_is_told_at_once_and_no_value_is() {
    let yaml = r#"
tenants:
  - { id: one, hosts: [one.test], issuer: "https://canary.test" }
  - { id: two, hosts: [two.test], client: { id: canary } }
  - { id: three, hosts: [three.test], client: { id: a, auth: canary, dpop: canary } }
  - { id: four, hosts: [four.test], issuer: "http://canary.test", client: { id: a, auth: none } }
  - { id: five, hosts: [five.test], idps: [canary], callback_host: canary.test }
  - { id: six, hosts: [six.test], allowed_redirect_hosts: ["canary/x"], post_logout_redirect_uri: canary }
  - { id: seven, hosts: [seven.test], limits: { session_ttl: 5h, session_idle_ttl: canary, max_sessions_per_user: 9 } }
  - { id: eight, hosts: [eight.test], cookie: { samesite: canary }, cors_origins: [canary] }
  - { id: nine, hosts: [nine.test], rate_limits: { login: { limit: 0, window: 1m }, proxy: { limit: 1, window: 1m, key: ip }, backchannel: off } }
"#;
    let report = read(
        yaml,
        &[
            ("BFF_DEFAULT_HOST", "canary.test"),
            ("BFF_DYNAMIC_CALLBACK", "true"),
            ("BFF_ALLOWED_REDIRECT_HOSTS", "canary.test"),
            ("BFF_POST_LOGOUT_REDIRECT_URI", "https://canary.test/"),
            ("SESSION_MAX_PER_USER", "5"),
            ("BFF_COOKIE_SECURE", "false"),
        ],
    )
    .unwrap_err();
    assert!(!report.contains("canary"), "{report}");
    insta::assert_snapshot!(report);
}

#[test]
fn clear_text_cookies_are_for_tenants_on_loopback_alone() {
    let clear = [("BFF_COOKIE_SECURE", "false"), ("BFF_DEFAULT_SCHEME", "http")];
    let hosts = |more: &str| format!("tenants: [{{ id: a, hosts: ['a.localhost:8080'{more}] }}]");
    assert!(read(&hosts(""), &clear).is_ok());
    assert!(read(&hosts(", a.test"), &clear).is_err());
}
