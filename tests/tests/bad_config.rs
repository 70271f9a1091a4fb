//! Malformed environment and YAML: `check-config` names path, problem and hint, exits with 2, and prints
//! no value; the program does not start.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::process::Output;

use e2e::place;
use e2e::process::{command, run};
use e2e::program::{self, Environment};
use e2e::scratch::Scratch;
use e2e::stack::key;

/// A complete environment of a program, with nothing running behind it.
fn environment(program: &str, config: &Scratch) -> Environment {
    let both = Environment::default()
        .set("REDIS_URL", "redis://127.0.0.1:1")
        .set("BFF_EDGE_KEYS", format!("e1:{}", key()))
        .set("BFF_TRUSTED_PROXIES", "10.0.0.0/8")
        .set("BFF_CONFIG_DIR", config.path().display());
    if program == "forwardauth" {
        return both;
    }
    both.set("BFF_SESSION_KEYS", format!("s1:{}", key()))
        .set("OIDC_ISSUER", "https://idp.example.test")
        .set("OIDC_CLIENT_ID", "client")
        .set("OIDC_CLIENT_SECRET", "a-secret-of-the-client")
        .set("BFF_DEFAULT_HOST", "app.example.test")
}

fn said(output: &Output) -> String {
    [output.stdout.clone(), output.stderr.clone()].concat().into_iter().map(char::from).collect()
}

/// What is wrong with how a program takes a broken setting; nothing when it refuses it as it should.
fn objections(program: &str, environment: &Environment, path: &str, value: &str) -> Option<String> {
    let check = program::once(program, &["check-config"], environment);
    // What check-config refuses does not start either.
    let start = program::start_and_look(program, environment).status.code();
    let text = said(&check);
    let wrong: Vec<_> = [
        (check.status.code() != Some(2), "check-config does not exit with 2"),
        (start != Some(2), "it starts all the same"),
        (!text.contains(path), "the path is not named"),
        (!text.contains("hint:"), "there is no hint"),
        // A bare scheme is no secret, and a hint may name it.
        (
            value.len() >= 4 && !value.ends_with("://") && text.contains(value),
            "the value is printed",
        ),
        (text.contains("panicked"), "it crashed"),
    ]
    .into_iter()
    .filter_map(|(wrong, words)| wrong.then_some(words))
    .collect();
    (!wrong.is_empty())
        .then(|| format!("{program}: {path}={value:?}: {}\n  {}", wrong.join(", "), text.trim()))
}

#[test]
fn check_config_accepts_what_is_right() {
    for program in ["forwardauth", "bff"] {
        let config = Scratch::new();
        let output = program::once(program, &["check-config"], &environment(program, &config));
        assert!(output.status.success(), "{program}: {}", said(&output));
    }
}

#[test]
fn t09_check_config_warns_of_what_works_and_is_unwise_and_refuses_it_where_told_to() {
    for program in ["forwardauth", "bff"] {
        let config = Scratch::new();
        let environment =
            environment(program, &config).set("REDIS_URL", "redis://user:hunter22@redis.internal");
        for (arguments, status) in
            [(&["check-config"][..], 0), (&["check-config", "--deny-warnings"], 2)]
        {
            let output = program::once(program, arguments, &environment);
            let warned = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(status), "{program}: {}", said(&output));
            assert!(warned.contains("warning: REDIS_URL: is not TLS"), "{program}: {warned}");
            assert!(!said(&output).contains("hunter22"), "{program}: {warned}");
        }
    }
}

#[test]
fn t09_check_config_refuses_each_broken_variable_by_name_and_never_prints_it() {
    let short = "e1:c2hvcnQtc2VjcmV0LXZhbHVl";
    let twice = format!("e1:{0},e1:{0}", key());
    let mut wrong = Vec::new();
    for (program, name, value) in [
        ("forwardauth", "REDIS_URL", "memory://"),
        ("forwardauth", "REDIS_URL", "http://user:hunter22@x"),
        ("forwardauth", "REDIS_URL", "not a url: hunter22"),
        ("forwardauth", "BFF_EDGE_KEYS", "hunter22hunter22"),
        ("forwardauth", "BFF_EDGE_KEYS", short),
        ("forwardauth", "BFF_EDGE_KEYS", twice.as_str()),
        ("forwardauth", "FORWARDAUTH_LISTEN", "nowhere-at-all"),
        ("forwardauth", "FORWARDAUTH_LISTEN", "127.0.0.1:99999"),
        ("forwardauth", "FORWARDAUTH_DEADLINE_MS", "soonish"),
        ("forwardauth", "FORWARDAUTH_DEADLINE_MS", "-250"),
        ("forwardauth", "BFF_TRUSTED_PROXIES", "10.0.0.0/99"),
        ("forwardauth", "BFF_TRUSTED_PROXIES", "everybody"),
        ("forwardauth", "BFF_BINDING_UA", "sometimes"),
        ("forwardauth", "BFF_COOKIE_NAME", "a cookie; x"),
        ("forwardauth", "BFF_CORS_ORIGINS", "https://*.example.test"),
        ("forwardauth", "BFF_CORS_ORIGINS", "https://example.test/path"),
        ("bff", "SESSION_IDLE_TTL", "an hour"),
        ("forwardauth", "FORWARDAUTH_TLS_CERT", "/nowhere/at/all.pem"),
        ("bff", "BFF_SESSION_KEYS", "hunter22hunter22"),
        ("bff", "OIDC_ISSUER", "http://idp.example.test"),
        ("bff", "OIDC_ISSUER", "idp hunter22"),
        ("bff", "OIDC_CLIENT_AUTH", "guesswork"),
        ("bff", "OIDC_PAR", "perhaps"),
        ("bff", "OIDC_DPOP", "perhaps"),
        ("bff", "OIDC_SCOPES", "openid ${NOT_SET_ANYWHERE}"),
        ("bff", "OIDC_CLIENT_SECRET_FILE", "/nowhere/at/all"),
        ("bff", "BFF_COOKIE_SAMESITE", "sometimes"),
        ("bff", "BFF_COOKIE_NAME", "__Host-x y"),
        ("bff", "TOKEN_REFRESH_THRESHOLD", "early"),
        ("bff", "BFF_STRATEGY", "magic"),
        ("bff", "BFF_ADMIN_LISTEN", "127.0.0.1"),
    ] {
        let config = Scratch::new();
        let environment = environment(program, &config).set(name, value);
        let environment = if name == "OIDC_CLIENT_SECRET_FILE" {
            environment.unset("OIDC_CLIENT_SECRET")
        } else {
            environment
        };
        let path = if name == "OIDC_CLIENT_SECRET_FILE" { "OIDC_CLIENT_SECRET" } else { name };
        wrong.extend(objections(program, &environment, path, value));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn check_config_reports_every_problem_at_once() {
    let config = Scratch::new();
    let environment = environment("bff", &config)
        .unset("REDIS_URL")
        .unset("OIDC_CLIENT_ID")
        .set("OIDC_ISSUER", "hunter22")
        .set("BFF_SESSION_KEYS", "hunter22")
        .set("BFF_LISTEN", "hunter22");
    config.write("routes.yaml", "version: \"1.0\"\nroutes: hunter22\n");
    let output = program::once("bff", &["check-config"], &environment);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(2));
    for name in [
        "REDIS_URL",
        "OIDC_CLIENT_ID",
        "OIDC_ISSUER",
        "BFF_SESSION_KEYS",
        "BFF_LISTEN",
        "routes.yaml",
    ] {
        assert!(text.contains(name), "{name}: {text}");
    }
    assert!(!text.contains("hunter22"), "{text}");
}

#[test]
fn c60_check_config_refuses_each_broken_routes_file_and_shows_none_of_it() {
    let services = "services:\n  a: { base_url: \"http://a.internal:8000\" }\n";
    let route = |line: &str| {
        format!(
            "version: \"1.0\"\n{services}routes:\n  - {{ id: r, path: /api/r, target_service: a, {line} }}\n"
        )
    };
    let mut wrong = Vec::new();
    for broken in [
        "version: \"1.0\"\nsecret: hunter22\n".to_owned(),
        "version: \"99.0\"\nroutes: []\n".to_owned(),
        format!("version: \"1.0\"\n{services}{services}routes: []\n"),
        "a: [hunter22".to_owned(),
        "\t- hunter22".to_owned(),
        "hunter22".to_owned(),
        "version: \"1.0\"\nservices: { a: { base_url: \"ftp://hunter22\" } }\nroutes: []\n".to_owned(),
        "version: \"1.0\"\nservices: { a: { base_url: \"http://a\", timeout: hunter22 } }\nroutes: []\n".to_owned(),
        "version: \"1.0\"\nservices: { a: { base_url: \"${HUNTER22_NOT_SET}\" } }\nroutes: []\n".to_owned(),
        route("auth: sesion"),
        route("auth: session, methods: [FETCH IT]"),
        route("auth: session, methods: []"),
        route("auth: session, unknown_key: hunter22"),
        route("auth: session, upstream_path: \"http://hunter22/\""),
        route("auth: session").replace("target_service: a", "target_service: hunter22"),
        route("auth: session").replace("path: /api/r", "path: api/hunter22"),
        route("auth: session").replace("path: /api/r", "path: \"/auth/*\""),
        format!("{}  - {{ id: r, path: /api/s, target_service: a, auth: none }}\n", route("auth: none")),
        format!("{}  - {{ id: s, path: /api/r, target_service: a, auth: none }}\n", route("auth: session")),
    ] {
        let config = Scratch::new();
        config.write("routes.yaml", &broken);
        let refused = objections("bff", &environment("bff", &config), "routes.yaml", "hunter22");
        wrong.extend(refused.map(|objection| format!("{broken}{objection}")));
    }
    let config = Scratch::new();
    config.write("routes.yaml", [b"version: \"1.0\"\n# ".to_vec(), vec![0xff, 0xfe]].concat());
    wrong.extend(objections("bff", &environment("bff", &config), "routes.yaml", ""));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_routes_of_the_first_design_load_as_they_stand() {
    let config = Scratch::new();
    config.write(
        "routes.yaml",
        r#"
version: "1.0"
services:
  crud_service: { base_url: "http://crud_service:8000", timeout: 30 }
  pdp_service:
    base_url: "${PDP_URL:-http://pdp_app:8001}"
    timeout: 30s
    description: "Policy decisions"
routes:
  - id: crud-workflows
    path: /api/crud/workflows/*
    target_service: crud_service
    upstream_path: /workflows/{path}
    methods: [GET, POST, PUT, DELETE]
    auth: session
  - { id: public, path: /api/public, target_service: pdp_service, upstream_path: /public, methods: [GET], auth: none }
"#,
    );
    let output = program::once("bff", &["check-config"], &environment("bff", &config));
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn variables_that_are_not_text_are_a_problem_and_no_crash() {
    for program in ["forwardauth", "bff"] {
        let config = Scratch::new();
        let mut check = command(place::program(program));
        check
            .arg("check-config")
            .envs(environment(program, &config).iter())
            .env("BFF_EDGE_KEYS", OsString::from_vec(b"e1:\xff\xfe".to_vec()));
        let output = run(check);
        let text = said(&output);
        assert_eq!(output.status.code(), Some(2), "{program}: {text}");
        assert!(text.contains("BFF_EDGE_KEYS") && !text.contains("panicked"), "{program}: {text}");
    }
}
