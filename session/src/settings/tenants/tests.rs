use super::*;
use proptest::prelude::*;
use serde::de::IgnoredAny;

const TWO: &str = r#"
version: "1.0"
description: everybody we serve
domain: example.com
tenants:
  - id: acme
    slug: acme-corp
    description: the first
    subdomain: acme
    hosts: [www.acme.test, "acme.localhost:8443"]
    cookie: { name: acme_session, domain: .acme.test }
    cors_origins: ["https://spa.acme.test"]
    issuer: https://idp.acme.test
    client: { id: wicket, secret: ${ACME_SECRET} }
    limits: { session_ttl: 1h, session_idle_ttl: 600, max_sessions_per_user: 3 }
  - { id: globex, subdomain: globex, client: { id: "${GLOBEX}" } }
"#;

fn read_with(
    yaml: &str,
    environment: &[(&str, &str)],
) -> Result<Vec<TenantEntry<IgnoredAny, IgnoredAny>>, String> {
    let mut settings = Settings::from_pairs(environment.iter().copied());
    let default = CookieSettings::read(&mut settings);
    let tenants = parse(yaml, &mut settings, Reader::Forwardauth, &default, &[]);
    settings
        .finish(Some(tenants))
        .map(|(tenants, _)| tenants)
        .map_err(|problems| problems.to_string())
}

fn read(yaml: &str) -> Result<Vec<TenantEntry<IgnoredAny, IgnoredAny>>, String> {
    read_with(yaml, &[])
}

#[test]
fn c79_a_tenant_is_known_by_its_hosts() {
    let tenants = read(TWO).unwrap();
    let [acme, globex] = tenants.as_slice() else { panic!("{tenants:?}") };
    assert_eq!((acme.id.as_str(), acme.slug.as_str()), ("acme", "acme-corp"));
    assert_eq!(acme.hosts, ["acme.example.com", "acme.localhost:8443", "www.acme.test"]);
    assert_eq!(acme.cookie.name, "acme_session");
    assert_eq!(acme.cors_origins, [Origin::parse("https://spa.acme.test").unwrap()]);
    assert_eq!((globex.slug.as_str(), globex.cookie.name.as_str()), ("globex", "bff_session"));
    assert_eq!(globex.hosts, ["globex.example.com"]);
}

#[test]
fn t09_what_is_wrong_with_tenants_is_told_at_once() {
    let report = read(
        r#"
version: "2"
tenants:
  - { id: "a b", hosts: ["*.example.com", "a/b"] }
  - { id: one, slug: "", hosts: [] }
  - { id: two, subdomain: two, cors_origins: ["*"], cookie: { name: "a b" } }
  - { id: three, hosts: [a.example.com], cookie: { name: __Host-x, domain: example.com } }
  - { id: three, hosts: ["A.example.com:8443"] }
  - { id: four, hosts: ["A.EXAMPLE.COM:443"] }
  - { id: five, hosts: [b.example.com], cookie: { domain: example.com } }
  - { id: six, hosts: ["${UNSET}"] }
"#,
    )
    .unwrap_err();
    insta::assert_snapshot!(report);
}

#[test]
fn t09_a_file_without_tenants_or_with_unknown_keys_is_refused() {
    assert!(read("tenants: []").is_err());
    assert!(read("").is_err());
    assert!(read("tenants: [{ id: a, hosts: [a.test], defualt: true }]").is_err());
    assert!(read("tenants: [{ id: a, hosts: [a.test], limits: { rate: 1 } }]").is_err());
}

#[test]
fn t13_cookies_of_one_name_never_reach_another_tenant() {
    let yaml = |a: &str, b: &str| {
        format!(
            "tenants:\n  - {{ id: a, hosts: [a.example.com], cookie: {{ {a} }} }}\n  \
             - {{ id: b, hosts: [b.example.com], cookie: {{ {b} }} }}\n"
        )
    };
    let shared = "name: s, domain: .example.com";
    assert!(read(&yaml(shared, "name: s")).unwrap_err().contains("another tenant"));
    assert!(read(&yaml(shared, "name: t, domain: .example.com")).is_ok());
    let all = [("BFF_COOKIE_DOMAIN", "example.com")];
    assert!(read_with(&yaml("", ""), &all).is_err(), "also where the environment says so");
}

#[test]
fn t09_a_file_that_cannot_be_read_is_not_no_file() {
    let mut settings = Settings::from_pairs([("BFF_CONFIG_DIR", "/nonexistent")]);
    assert_eq!(super::read(&mut settings), None);
    assert!(settings.finish(Some(())).is_ok());

    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join(FILE)).unwrap();
    let place = [("BFF_CONFIG_DIR", directory.path().to_str().unwrap())];
    let mut settings = Settings::from_pairs(place);
    assert!(super::read(&mut settings).is_some());
    assert!(settings.finish(Some(())).is_err());
}

#[test]
fn t03_one_host_has_one_tenant_however_it_is_spelt() {
    let hosts: Hosts<&str> =
        [(host("a.example.com").unwrap(), "a"), (host("b.example.com:8443").unwrap(), "b")]
            .into_iter()
            .collect();
    for (scheme, asked, expected) in [
        ("https", "a.example.com", Some("a")),
        ("https", "A.Example.COM", Some("a")),
        ("https", "a.example.com:443", Some("a")),
        ("http", "a.example.com:80", Some("a")),
        ("http", "a.example.com:443", None),
        ("https", "a.example.com.", None),
        ("https", "a.example.com:8443", None),
        ("https", "x@a.example.com", None),
        ("https", "a.example.com/", None),
        ("https", "b.example.com", None),
        ("https", "B.example.com:8443", Some("b")),
        ("https", "", None),
        ("https", "a.example.com,b.example.com:8443", None),
    ] {
        assert_eq!(hosts.of_request(scheme, asked).copied(), expected, "{scheme} {asked}");
    }
}

proptest! {
    /// The short way, which parses nothing, finds what the long way finds.
    #[test]
    fn t03_both_ways_to_a_tenant_agree(
        listed in "[a-c]{1,2}(\\.[a-c]{1,2})?(:(80|443|8[0-9]))?",
        asked in "[a-cA-C]{1,2}(\\.[a-c]{1,2})?(:(80|443|8[0-9]))?\\.?",
        secure: bool,
    ) {
        let hosts: Hosts<()> = host(&listed).map(|host| (host, ())).into_iter().collect();
        let scheme = if secure { "https" } else { "http" };
        let long = Origin::of_request(scheme, &asked).and_then(|origin| hosts.of(&origin));
        prop_assert_eq!(hosts.of_request(scheme, &asked), long);
    }
}
