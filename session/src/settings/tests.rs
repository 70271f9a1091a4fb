use super::*;

const KEYS: &str = "k1:AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";

fn problems(pairs: &[(&str, &str)]) -> Vec<String> {
    let base = [("BFF_EDGE_KEYS", KEYS), ("BFF_TRUSTED_PROXIES", "127.0.0.1")];
    let mut settings = Settings::from_pairs(base.into_iter().chain(pairs.iter().copied()));
    let clients = ClientSettings::read(&mut settings);
    match settings.finish(clients) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(|problem| problem.path.clone()).collect(),
    }
}

#[test]
fn t09_ip_binding_without_trusted_proxies_is_refused() {
    assert!(problems(&[]).is_empty());
    assert_eq!(problems(&[("BFF_TRUSTED_PROXIES", "")]), ["BFF_BINDING_IP"]);
    let off = [("BFF_TRUSTED_PROXIES", ""), ("BFF_BINDING_IP", "off")];
    assert!(problems(&off).is_empty());
}

#[test]
fn t09_a_binding_weaker_than_the_switch_promises_is_refused() {
    let strict = ("ENABLE_ADVANCED_SESSION_BINDING", "true");
    assert!(problems(&[strict]).is_empty());
    assert!(problems(&[strict, ("BFF_BINDING_IP", "deny")]).is_empty());
    assert_eq!(problems(&[strict, ("BFF_BINDING_IP", "audit")]), ["BFF_BINDING_IP"]);
}

fn warnings(pairs: &[(&str, &str)]) -> Vec<String> {
    let base = [("BFF_EDGE_KEYS", KEYS), ("BFF_TRUSTED_PROXIES", "10.0.0.0/8")];
    let mut settings = Settings::from_pairs(base.into_iter().chain(pairs.iter().copied()));
    let store = StoreSettings::read(&mut settings, Duration::from_millis(250));
    let clients = ClientSettings::read(&mut settings);
    CookieSettings::read(&mut settings);
    let (_, warnings) = settings.finish(store.zip(clients)).unwrap();
    warnings.into_iter().map(|warning| warning.path).collect()
}

#[test]
fn t09_what_works_and_is_unwise_is_told_and_not_refused() {
    let safe = ("REDIS_URL", "rediss://user:canary@redis");
    assert_eq!(warnings(&[safe]), [""; 0]);
    assert_eq!(warnings(&[("REDIS_URL", "redis://127.0.0.1")]), [""; 0]);
    assert_eq!(warnings(&[("REDIS_URL", "redis://redis")]), ["REDIS_URL", "REDIS_URL"]);
    let audit = [safe, ("BFF_BINDING_UA", "audit"), ("BFF_BINDING_IP", "off")];
    assert_eq!(warnings(&audit), ["BFF_BINDING_UA, BFF_BINDING_IP"]);
    for (name, value) in [
        ("BFF_TRUSTED_PROXIES", "0.0.0.0/0"),
        ("BFF_TRUSTED_PROXIES", "10.0.0.0/8,::/0"),
        ("BFF_COOKIE_SAMESITE", "None"),
    ] {
        assert_eq!(warnings(&[safe, (name, value)]), [name]);
    }
}

#[test]
fn t09_bad_values_are_told_by_name() {
    let bad = [
        ("BFF_EDGE_KEYS", "canary"),
        ("BFF_TRUSTED_PROXIES", "canary"),
        ("BFF_BINDING_UA", "maybe"),
    ];
    assert_eq!(problems(&bad), ["BFF_EDGE_KEYS", "BFF_TRUSTED_PROXIES", "BFF_BINDING_UA"]);
}

#[test]
fn t09_memory_is_refused_to_a_program_on_its_own() {
    let mut settings = Settings::from_pairs([("REDIS_URL", "memory://")]);
    let store = StoreSettings::read(&mut settings, Duration::from_millis(250));
    assert!(matches!(store, Some(StoreSettings::Memory)));
    let store = store.and_then(|store| store.shared(&mut settings));
    assert!(settings.finish(store).unwrap_err().to_string().starts_with("REDIS_URL:"));
}
