//! Which files may say that a policy takes tokens.

use crate::config::{Config, Embedding};

#[test]
fn t09_a_policy_takes_tokens_of_known_issuers_with_known_keys_alone() {
    let check = |policy: &str, idps: Option<&str>| {
        let files = tempfile::tempdir().unwrap();
        std::fs::write(files.path().join("forwardauth.yaml"), policy).unwrap();
        if let Some(idps) = idps {
            std::fs::write(files.path().join("idps.yaml"), idps).unwrap();
        }
        let mut settings = shell::config::Settings::from_pairs([
            ("REDIS_URL", "redis://127.0.0.1:6379"),
            ("BFF_EDGE_KEYS", "k1:AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="),
            ("BFF_TRUSTED_PROXIES", "10.0.0.0/8"),
            ("BFF_CONFIG_DIR", files.path().to_str().unwrap()),
        ]);
        let config = Config::from_settings(&mut settings, Embedding::Standalone);
        settings.finish(config).map(|_| ()).map_err(|problems| problems.to_string())
    };
    let takes = "policies: { a: { bearer: [main] } }";
    let entry =
        |more: &str| format!("idps: [{{ name: main, issuer: 'https://idp.example', {more} }}]");
    let keys = "audience: api, jwks_url: 'https://idp.example/keys'";
    assert_eq!(check(takes, Some(&entry(keys))), Ok(()));
    let with_client = format!("{keys}, client: {{ id: x, secret_file: /run/secrets/x }}");
    assert_eq!(check(takes, Some(&entry(&with_client))), Ok(()));
    for (policy, idps, told) in [
        (takes, None, "policy a: bearer[0]: is no issuer of bearer tokens"),
        (takes, Some(entry("audience: api")), "policy a: bearer[0]: is an entry without jwks_url"),
        (takes, Some(entry("client: { id: x }")), "policy a: bearer[0]: is no issuer"),
        (
            takes,
            Some(entry("audience: api, jwks_url: 'http://idp.example/keys'")),
            "idp main: jwks_url",
        ),
        (takes, Some(entry(&format!("{keys}, profile: other"))), "idps.yaml"),
        (takes, Some("idps: [".to_owned()), "idps.yaml"),
        (
            "policies: { a: { bearer: [] } }",
            Some(entry(keys)),
            "policy a: bearer: is an empty list",
        ),
        (
            "policies: { a: { bearer: [main], authorization: context, aud: x } }",
            Some(entry(keys)),
            "policy a: bearer: takes tokens, and a context token tells of a session",
        ),
    ] {
        let problems = check(policy, idps.as_deref()).unwrap_err();
        assert!(problems.contains(told) && !problems.contains("canary"), "{told}: {problems}");
    }
    // Where nobody takes tokens the file is none of verify's business.
    assert_eq!(check("policies: { a: {} }", Some("idps: [")), Ok(()));
}
