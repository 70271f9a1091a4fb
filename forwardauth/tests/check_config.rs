//! `forwardauth check-config`, `explain` and `healthcheck` as an operator runs them.

#![expect(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

use std::fs;
use std::net::TcpListener;
use std::process::{Command, Output};

const EDGE_KEY: &str = "k1:AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";

/// Everything that must be set, and nothing of the machine's own environment.
const GOOD: [(&str, &str); 4] = [
    ("REDIS_URL", "redis://127.0.0.1:6379"),
    ("BFF_EDGE_KEYS", EDGE_KEY),
    ("BFF_TRUSTED_PROXIES", "10.0.0.0/8"),
    ("BFF_CONFIG_DIR", "/nonexistent"),
];

fn run<'a>(arguments: &[&str], variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Output {
    Command::new(env!("CARGO_BIN_EXE_forwardauth"))
        .args(arguments)
        .env_clear()
        .envs(variables)
        .output()
        .unwrap()
}

/// Exit status and both streams.
fn shown(output: &Output) -> String {
    format!(
        "exit {}\n-- stdout\n{}-- stderr\n{}",
        output.status.code().unwrap(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    )
}

fn check(more: &[(&str, &str)]) -> String {
    let variables = GOOD.into_iter().chain(more.iter().copied());
    shown(&run(&["check-config"], variables))
}

#[test]
fn a_good_configuration() {
    insta::assert_snapshot!(check(&[]));
}

#[test]
fn t09_an_empty_environment_tells_all_that_is_missing() {
    insta::assert_snapshot!(shown(&run(&["check-config"], [])));
    // The program itself refuses just the same.
    let started = run(&[], []);
    assert_eq!(started.status.code(), Some(2));
}

#[test]
fn t09_every_problem_is_told_at_once_and_no_value_is() {
    let shown = check(&[
        ("REDIS_URL", "canary://canary"),
        ("BFF_EDGE_KEYS", "k1:canary"),
        ("BFF_TRUSTED_PROXIES", "10.0.0.0/8,canary"),
        ("BFF_COOKIE_NAME", "__Host-sid"),
        ("BFF_COOKIE_DOMAIN", ".canary.test"),
        ("BFF_BINDING_UA", "canary"),
        ("BFF_CORS_ORIGINS", "*"),
        ("FORWARDAUTH_LISTEN", "canary"),
        ("FORWARDAUTH_DEADLINE_MS", "5"),
        ("FORWARDAUTH_LOGIN_URL", "//canary.test"),
        ("FORWARDAUTH_THREADS", "0"),
        ("FORWARDAUTH_TLS_CERT", "/nonexistent/canary.pem"),
        ("FORWARDAUTH_INLINE_POLICY", "canary"),
        ("LOG_FORMAT", "canary"),
    ]);
    assert!(!shown.contains("canary"), "{shown}");
    insta::assert_snapshot!(shown);
}

#[test]
fn t09_what_this_version_has_not_is_refused_and_not_ignored() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("tenants.yaml"), "").unwrap();
    insta::assert_snapshot!(check(&[
        ("BFF_CONFIG_DIR", directory.path().to_str().unwrap()),
        ("FORWARDAUTH_CACHE", "tracking"),
        ("FORWARDAUTH_TLS_CLIENT_CA", "ca.pem"),
    ]));
}

#[test]
fn t09_a_token_that_nobody_gives_out_is_not_promised() {
    insta::assert_snapshot!(check(&[("FORWARDAUTH_AUTHORIZATION", "access")]));
    insta::assert_snapshot!(check(&[
        ("FORWARDAUTH_AUTHORIZATION", "access"),
        ("FORWARDAUTH_BFF_URL", "http://bff:9000"),
        ("BFF_INTERNAL_TOKEN", "canary"),
    ]));
}

#[test]
fn t09_a_context_token_needs_keys_and_somebody_to_tell() {
    const KEY: (&str, &str) = (
        "BFF_CONTEXT_KEYS",
        r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
    );
    let context = ("FORWARDAUTH_AUTHORIZATION", "context");
    let issuer = ("BFF_CONTEXT_ISSUER", "https://edge.example");
    let audience = ("FORWARDAUTH_CONTEXT_AUD", "https://orders.internal");
    insta::assert_snapshot!(check(&[context]));
    insta::assert_snapshot!(check(&[KEY, issuer]));
    insta::assert_snapshot!(check(&[KEY, issuer, ("OIDC_ISSUER", issuer.1), context, audience]));
    insta::assert_snapshot!(check(&[KEY, issuer, context, audience]));
}

#[test]
fn t09_a_store_that_nobody_shares_is_refused() {
    insta::assert_snapshot!(check(&[("REDIS_URL", "memory://")]));
}

#[test]
fn t09_binding_to_addresses_needs_somebody_who_knows_them() {
    insta::assert_snapshot!(check(&[("BFF_TRUSTED_PROXIES", "")]));
    insta::assert_snapshot!(check(&[("BFF_TRUSTED_PROXIES", ""), ("BFF_BINDING_IP", "off")]));
}

#[test]
fn t09_strict_binding_beside_a_weaker_mode_is_refused() {
    insta::assert_snapshot!(check(&[
        ("ENABLE_ADVANCED_SESSION_BINDING", "true"),
        ("BFF_BINDING_UA", "audit"),
    ]));
}

#[test]
fn explain_names_the_checks_in_their_order() {
    let explain = |arguments: &[&str]| {
        let variables = GOOD.into_iter().chain([
            ("FORWARDAUTH_INLINE_POLICY", "true"),
            ("BFF_CORS_ORIGINS", "https://spa.example.net"),
        ]);
        shown(&run(&[&["explain"], arguments].concat(), variables))
    };
    insta::assert_snapshot!(explain(&["GET", "https://app.example.com/orders?page=2"]));
    insta::assert_snapshot!(explain(&[
        "POST",
        "https://app.example.com/orders",
        "--address",
        "/auth/verify?role_any=ADMIN,CLERK&scope=orders:write&max_age=300",
    ]));
    insta::assert_snapshot!(explain(&["GET", "/", "--address", "/auth/verify?policy=admins"]));
}

/// A directory with this `forwardauth.yaml`.
fn policies(text: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("forwardauth.yaml"), text).unwrap();
    directory
}

#[test]
fn t09_every_problem_of_the_policies_is_told_at_once_and_no_value_is() {
    let directory = policies(
        r#"policies:
  admins: { roles: { any: [] }, max_age: canary, authorization: access }
  apps:
    email_domains: ["canary@example.com"]
    headers: { Authorization: email, Remote-User: preferred_username, X-User-ID: user_id }
"#,
    );
    let place = ("BFF_CONFIG_DIR", directory.path().to_str().unwrap());
    let told = check(&[place, ("FORWARDAUTH_THREADS", "canary")]);
    assert!(!told.contains("canary"), "{told}");
    insta::assert_snapshot!(told);

    let directory = policies("policies:\n  admins: { rolse: { any: [canary] } }\n");
    let told = check(&[("BFF_CONFIG_DIR", directory.path().to_str().unwrap())]);
    assert!(!told.contains("canary"), "{told}");
    insta::assert_snapshot!(told);
}

#[test]
fn explain_names_the_policy_and_each_of_its_rules_and_headers() {
    let directory = policies(
        r"policies:
  apps:
    scopes: { all: ['orders:read'] }
    groups: { any: [staff, on call] }
    email_domains: [example.com]
    acr: [urn:mfa]
    max_age: 15m
    headers: { Remote-User: preferred_username, Remote-Email: email }
",
    );
    let variables = GOOD.into_iter().chain([
        ("BFF_CONFIG_DIR", directory.path().to_str().unwrap()),
        ("FORWARDAUTH_INLINE_POLICY", "true"),
    ]);
    let variables: Vec<_> = variables.collect();
    let explain = |address: &str| {
        let arguments = ["explain", "GET", "https://app.example.com/", "--address", address];
        shown(&run(&arguments, variables.iter().copied()))
    };
    insta::assert_snapshot!(explain("/auth/verify?policy=apps&role=ADMIN"));
    insta::assert_snapshot!(explain("/auth/verify?policy=apps&acr=urn:pwd"));
}

#[test]
fn healthcheck_of_a_program_that_is_not_there_is_1() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let output = run(&["healthcheck"], [("FORWARDAUTH_ADMIN_LISTEN", address.as_str())]);
    assert_eq!(output.status.code(), Some(1));
    let output = run(&["healthcheck"], [("FORWARDAUTH_ADMIN_LISTEN", "nonsense")]);
    assert_eq!(output.status.code(), Some(2));
}
