use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use secrecy::ExposeSecret as _;
use shell::config::Settings;
use shell::random::CountingRandom;

use super::*;
use crate::config::Config;

/// Flag and name of each option: what its documentation lists in tables, and what its sources read.
const OPTIONS: &str = include_str!("oauth2-proxy-options.txt");

/// A deployment behind Traefik, with everything that can be translated.
const WHOLE: &str = include_str!("testing/whole.cfg");

/// One with what cannot.
const ODD: &str = include_str!("testing/odd.cfg");

fn of_file(text: &str) -> Import {
    import(&Sources { file: Some(text), ..Sources::default() }, &CountingRandom::default()).unwrap()
}

fn of_flags(flags: &[&str]) -> Import {
    let flags: Vec<String> = flags.iter().map(|&flag| flag.to_owned()).collect();
    import(&Sources { flags: &flags, ..Sources::default() }, &CountingRandom::default()).unwrap()
}

fn file(made: &Import, name: &str) -> String {
    let found = made.files.iter().find(|file| file.name == name);
    found.map(|file| file.text.expose_secret().to_owned()).unwrap_or_default()
}

fn environment(made: &Import, name: &str) -> BTreeMap<String, String> {
    let text = file(made, name);
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let pair = |line: &str| {
        let (name, value) = line.split_once('=').unwrap();
        (name.to_owned(), value.trim_matches('\'').to_owned())
    };
    lines.map(pair).collect()
}

#[test]
fn every_option_is_known_by_each_of_its_names() {
    assert!(OPTIONS.lines().count() > 160);
    for line in OPTIONS.lines() {
        let (flag, name) = line.split_once(' ').unwrap();
        let text = format!("{name} = \"x\"");
        let variables = [(format!("OAUTH2_PROXY_{}", name.to_uppercase()), "x".to_owned())];
        let random = CountingRandom::default();
        let by_variable = Sources { variables: &variables, ..Sources::default() };
        for made in [
            of_file(&text),
            of_flags(&[&format!("--{flag}=x")]),
            import(&by_variable, &random).unwrap(),
        ] {
            let verdicts: Vec<_> = made.report.told.iter().map(|told| &told.verdict).collect();
            assert!(
                matches!(verdicts[..], [verdict] if *verdict != Verdict::Unknown),
                "{line}: {verdicts:?}"
            );
        }
    }
}

#[test]
fn no_option_stands_twice_in_the_table() {
    let mut seen = BTreeSet::new();
    for name in options::names() {
        assert!(seen.insert(name), "{name}");
    }
}

#[test]
fn what_can_be_translated_is_and_makes_a_usable_configuration() {
    let made = of_file(WHOLE);
    insta::assert_snapshot!("whole", made.report.to_string());
    assert!(made.report.is_whole());
    for (name, snapshot) in [
        ("bff.env", "whole_bff_env"),
        ("forwardauth.env", "whole_forwardauth_env"),
        ("routes.yaml", "whole_routes"),
        ("forwardauth.yaml", "whole_policies"),
    ] {
        insta::assert_snapshot!(snapshot, file(&made, name));
    }
    let directory = tempfile::tempdir().unwrap();
    write(&made.files, directory.path()).unwrap();
    let mut variables = environment(&made, "bff.env");
    variables.insert("BFF_CONFIG_DIR".to_owned(), directory.path().display().to_string());
    let mut settings = Settings::from_pairs(variables);
    let config = Config::read(&mut settings, false);
    let (config, _) = settings.finish(config).map_err(|problems| problems.to_string()).unwrap();
    let told = config.routes.load().explain("", &http::Method::GET, "/metrics/today");
    assert!(told.contains("none"), "{told}");
}

#[test]
fn what_has_no_equivalent_is_told_line_by_line() {
    let made = of_file(ODD);
    insta::assert_snapshot!("odd", made.report.to_string());
    assert!(!made.report.is_whole());
}

#[test]
fn a_flag_comes_before_a_variable_and_a_variable_before_the_file() {
    let variables = [
        ("OAUTH2_PROXY_CLIENT_ID".to_owned(), "by-variable".to_owned()),
        ("PATH".to_owned(), "/".to_owned()),
    ];
    let flags = [
        "--client-id=by-flag",
        "--upstream",
        "http://a/",
        "--upstream=http://b/b/",
        "--skip-provider-button",
        "secret",
    ];
    let flags: Vec<String> = flags.into_iter().map(str::to_owned).collect();
    let sources =
        Sources { file: Some("client_id = 'by-file'"), variables: &variables, flags: &flags };
    let made = import(&sources, &CountingRandom::default()).unwrap();
    assert_eq!(environment(&made, "bff.env")["OIDC_CLIENT_ID"], "by-flag");
    insta::assert_snapshot!("places", made.report.to_string());
}

#[test]
fn only_the_bff_gets_what_only_it_may_know() {
    let made = of_file(WHOLE);
    let (bff, verify) = (environment(&made, "bff.env"), environment(&made, "forwardauth.env"));
    for secret in ["OIDC_CLIENT_SECRET", "BFF_SESSION_KEYS"] {
        assert!(bff.contains_key(secret) && !verify.contains_key(secret), "{secret}");
    }
    assert_eq!(bff["BFF_EDGE_KEYS"], verify["BFF_EDGE_KEYS"]);
    assert_ne!(bff["BFF_EDGE_KEYS"], bff["BFF_SESSION_KEYS"]);
}

#[test]
fn no_file_takes_the_place_of_another_and_none_is_for_others_to_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let made = of_file(WHOLE);
    write(&made.files, directory.path()).unwrap();
    let kept = std::fs::metadata(directory.path().join("bff.env")).unwrap();
    assert_eq!(kept.permissions().mode() & 0o777, 0o600);
    let error = write(&made.files, directory.path()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AlreadyExists);
}

#[test]
fn t02_an_expression_opens_no_path_that_it_does_not_match() {
    let opened = |expression: &str, path: &str| {
        let route = format!("--skip-auth-route={expression}");
        let made =
            of_flags(&["--upstream=http://app/", "--upstream=http://other/open/deep", &route]);
        let routes = file(&made, "routes.yaml");
        let found = routes.lines().find(|line| {
            line.contains(&format!("path: \"{path}\"")) && line.contains("auth: none")
        });
        found.map(str::to_owned)
    };
    for path in ["/open", "/open/", "/open/*", "/open/deep"] {
        assert!(opened("^/open", path).is_some(), "{path}");
    }
    assert_eq!(opened("^/open/", "/open"), None);
    assert_eq!(opened("^/open$", "/open/*"), None);
    assert_eq!(opened("^/open$", "/open/deep"), None);
    assert!(opened("^/open$", "/open").is_some());
    assert!(opened("GET=^/open", "/open").unwrap().contains("methods: [GET], auth: none"));
    for odd in [
        "/open",
        "^/open|/",
        "^/(open|admin)",
        "^/op.*en",
        "GET!=^/open",
        "!=^/open",
        "^/../x",
        "^/[a]",
        "^open",
    ] {
        assert_eq!(routes::open(odd).map(|_| ()), None, "{odd}");
        assert_eq!(opened(odd, "/open"), None, "{odd}");
    }
}

#[test]
fn t09_what_restricts_users_is_not_silently_left_to_routes_that_cannot() {
    for restriction in
        ["--email-domain=example.com", "--allowed-group=staff", "--allowed-role=admin"]
    {
        let alone = of_flags(&[restriction]);
        assert!(matches!(alone.report.told[0].verdict, Verdict::Translated(_)), "{restriction}");
        let routed = of_flags(&[restriction, "--upstream=http://app/"]);
        assert!(matches!(routed.report.told[0].verdict, Verdict::Missing(_)), "{restriction}");
    }
    let subdomains = of_flags(&["--email-domain=.example.com"]);
    assert!(!subdomains.report.is_whole());
    assert!(file(&subdomains, "forwardauth.yaml").contains("email_domains: [\"invalid\"]"));
}

#[test]
fn t09_what_is_translated_by_halves_is_not_called_translated() {
    let verdicts = |flags: &[&str]| {
        let told = of_flags(flags).report.told;
        told.into_iter()
            .map(|told| matches!(told.verdict, Verdict::Translated(_)))
            .collect::<Vec<_>>()
    };
    assert_eq!(verdicts(&["--allowed-role=a"]), [true]);
    assert_eq!(verdicts(&["--allowed-role=a", "--allowed-group=b"]), [false, true]);
    assert_eq!(verdicts(&["--acr-values=urn:mfa"]), [true]);
    assert_eq!(verdicts(&["--acr-values=urn:mfa", "--upstream=http://app/"]), [false, true]);
    let bearer =
        ["--skip-jwt-bearer-tokens", "--oidc-issuer-url=https://idp.example.com", "--client-id=c"];
    assert_eq!(verdicts(&bearer), [false, true, true]);
    let routed = [&bearer[..], &["--upstream=http://app/"]].concat();
    assert_eq!(verdicts(&routed), [true; 4]);
    let keys = [&bearer[..], &["--oidc-jwks-url=https://idp.example.com/keys"]].concat();
    let made = of_flags(&keys);
    assert!(matches!(made.report.told[0].verdict, Verdict::Translated(_)));
    assert!(file(&made, "forwardauth.yaml").contains("bearer: [\"oauth2-proxy\"]"));
    assert!(file(&made, "idps.yaml").contains("jwks_url: \"https://idp.example.com/keys\""));
}

#[test]
fn redis_has_one_address_whatever_it_was_made_of() {
    for (flags, expected) in [
        (
            vec!["--redis-connection-url=redis://r:6379/1", "--redis-password=p@ss"],
            "redis://:p%40ss@r:6379/1",
        ),
        (
            vec![
                "--redis-use-cluster",
                "--redis-cluster-connection-urls=rediss://a:1,rediss://b:2",
            ],
            "rediss-cluster://a:1?node=b%3A2",
        ),
        (
            vec![
                "--redis-use-sentinel=true",
                "--redis-sentinel-connection-urls=redis://a:1,redis://b:2",
                "--redis-sentinel-master-name=main",
                "--redis-sentinel-password=q",
            ],
            "redis-sentinel://a:1?node=b%3A2&sentinelServiceName=main&sentinelPassword=q",
        ),
    ] {
        let made = of_flags(&flags);
        let url = environment(&made, "bff.env").remove("REDIS_URL").unwrap();
        assert_eq!(url, expected);
        let mut settings =
            Settings::from_pairs([("REDIS_URL", url), ("BFF_EDGE_KEYS", String::new())]);
        let read = session::settings::StoreSettings::read(
            &mut settings,
            std::time::Duration::from_secs(1),
        );
        assert!(read.is_some(), "{expected}");
    }
}

#[test]
fn t18_a_value_in_the_place_of_a_name_is_not_told() {
    for flag in ["--client-secret:canary", "--client-secret canary", "-canary", "canary"] {
        let told = of_flags(&[flag]).report.to_string();
        assert!(told.contains("unknown") && !told.contains("canary"), "{flag}: {told}");
    }
}

#[test]
fn a_file_that_is_not_toml_is_told_by_its_line_alone() {
    let sources =
        Sources { file: Some("client_id = 'x'\nclient_secret = canary\n"), ..Sources::default() };
    let error = import(&sources, &CountingRandom::default()).unwrap_err();
    assert_eq!(error.to_string(), "line 2 is not TOML");
}

proptest! {
    #[test]
    fn t18_no_value_of_any_option_is_told(index in 0_usize..160, form in 0_usize..8) {
        let (flag, name) = OPTIONS.lines().nth(index).and_then(|line| line.split_once(' ')).unwrap();
        let value = match form {
            0 => "canary-7f3a".to_owned(),
            1 => "https://canary-7f3a.example.com/canary-7f3a/".to_owned(),
            2 => "redis://canary-7f3a:canary-7f3a@canary-7f3a:1".to_owned(),
            3 => "^/canary-7f3a".to_owned(),
            4 => "canary-7f3a.example.com,.canary-7f3a".to_owned(),
            5 => "https://canary-7f3a=canary-7f3a".to_owned(),
            6 => "canary-7f3a'${canary-7f3a}".to_owned(),
            _ => "file:///canary-7f3a".to_owned(),
        };
        for made in [
            of_file(&format!("{name} = {}", serde_json::Value::from(value.as_str()))),
            of_flags(&[&format!("--{flag}={value}"), "--skip-jwt-bearer-tokens", "--redis-use-cluster", &value]),
        ] {
            prop_assert!(!made.report.to_string().contains("canary-7f3a"), "{}", made.report);
            let printed = format!("{made:?}");
            prop_assert!(!printed.contains("canary-7f3a"), "{}", printed);
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in any::<String>(), pairs in proptest::collection::vec((0_usize..160, any::<String>()), 0..6)) {
        let known = |index: usize| OPTIONS.lines().nth(index).and_then(|line| line.split_once(' ')).unwrap();
        drop(import(&Sources { file: Some(&text), flags: std::slice::from_ref(&text), ..Sources::default() }, &CountingRandom::default()));
        let lines: String = pairs.iter().map(|(index, value)| format!("{} = {}\n", known(*index).1, serde_json::Value::from(value.as_str()))).collect();
        let flags: Vec<String> = pairs.iter().map(|(index, value)| format!("--{}={value}", known(*index).0)).collect();
        for sources in [Sources { file: Some(&lines), ..Sources::default() }, Sources { flags: &flags, ..Sources::default() }] {
            if let Ok(made) = import(&sources, &CountingRandom::default()) {
                let _: serde_json::Value = shell::config::yaml::parse("forwardauth.yaml", &file(&made, "forwardauth.yaml"), &Settings::from_pairs::<&str, &str>([])).map_err(|problem| TestCaseError::fail(problem.to_string()))?;
            }
        }
    }
}
