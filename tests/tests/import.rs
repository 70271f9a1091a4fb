//! `bff import` with the real programs: what it makes of an oauth2-proxy's configuration passes `check-config` of both,
//! and is what a deployment then runs with.

use std::path::Path;
use std::process::Output;

use e2e::idp;
use e2e::place;
use e2e::process::{command, run};
use e2e::program::{self, Environment};
use e2e::scratch::Scratch;
use e2e::stack::Stack;
use http::Method;
use serde_json::json;

/// The exit status, and what is told on standard output and on standard error.
fn import(arguments: &[&str], environment: &Environment) -> (Option<i32>, String, String) {
    let all = [&["import"], arguments].concat();
    let Output { status, stdout, stderr } = program::once("bff", &all, environment);
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (status.code(), text(stdout), text(stderr))
}

/// The settings of an env file, as a shell reads them.
fn settings(file: &Path) -> Environment {
    let text = std::fs::read_to_string(file).expect("an env file");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.fold(Environment::default(), |all, line| {
        let (name, value) = line.split_once('=').expect("NAME=value");
        all.set(name, value.trim_matches('\''))
    })
}

/// An oauth2-proxy before the parts of `stack`.
fn configuration(stack: &Stack) -> String {
    let ca = stack.ca.file();
    let ca = ca.display();
    let (origin, upstream, redis) = (&stack.origin, stack.upstream.origin(), stack.redis.url());
    let (listen, admin) = (stack.bff_address, stack.bff.admin);
    let (issuer, secret) = (&stack.idp.issuer, idp::BASIC_SECRET);
    format!(
        r#"
provider = "oidc"
oidc_issuer_url = "{issuer}"
provider_ca_files = ["{ca}"]
client_id = "bff-basic"
client_secret = "{secret}"
scope = "openid profile email roles"
redirect_url = "{origin}/oauth2/callback"
reverse_proxy = true
trusted_proxy_ips = ["127.0.0.1/32"]
http_address = "{listen}"
metrics_address = "{admin}"
email_domains = ["*"]
cookie_secret = "canary-cookie-secret"
cookie_expire = "2h"
session_store_type = "redis"
redis_connection_url = "{redis}"
redis_ca_path = "{ca}"
set_xauthrequest = true
upstreams = ["{upstream}/api/"]
skip_auth_routes = ["GET=^/api/free"]
"#
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_translated_configuration_passes_both_checks_and_lets_users_in() {
    let mut stack = Stack::plan()
        .policies("policies: {}")
        .edge("WICKETGATE_POLICIES", "oauth2-proxy")
        .start()
        .await;
    let cfg = stack.scratch.write("oauth2-proxy.cfg", configuration(&stack));
    let into = stack.scratch.path().join("imported");
    let (cfg, at) = (cfg.display().to_string(), into.display().to_string());
    let (status, out, err) = import(&[&cfg, "--into", &at], &Environment::default());
    assert_eq!(status, Some(0), "{out}{err}");
    assert!(out.contains("0 without equivalent, 0 unknown"), "{out}");
    for secret in [idp::BASIC_SECRET, "canary-cookie-secret", e2e::redis::PASSWORD] {
        assert!(!out.contains(secret) && !err.contains(secret), "{out}{err}");
    }

    let bff = settings(&into.join("bff.env")).set("BFF_CONFIG_DIR", &at);
    let verify = settings(&into.join("forwardauth.env")).set("BFF_CONFIG_DIR", &at);
    let verify = [
        "FORWARDAUTH_LISTEN",
        "FORWARDAUTH_ADMIN_LISTEN",
        "FORWARDAUTH_TLS_CERT",
        "FORWARDAUTH_TLS_KEY",
    ]
    .into_iter()
    .fold(verify, |all, name| all.set(name, stack.forwardauth.environment.get(name)));
    for (name, environment) in [("bff", &bff), ("forwardauth", &verify)] {
        let checked = program::once(name, &["check-config", "--online"], environment);
        let told = String::from_utf8_lossy(&checked.stderr).into_owned();
        assert!(checked.status.success(), "{name}: {told}");
    }

    // As the guide says to: a shell reads the file.
    let mut shell = command("sh");
    let program = place::program("bff").display().to_string();
    shell.current_dir(&into).env("BFF_CONFIG_DIR", &at).args([
        "-c",
        "set -a; . ./bff.env; exec \"$0\" check-config",
        &program,
    ]);
    let checked = run(shell);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));

    let agent = stack.agent();
    stack.bff.environment = bff;
    stack.forwardauth.environment = verify;
    stack.bff.restart(&agent).await;
    stack.forwardauth.restart(&agent).await;

    // The upstream, as it was: a session is needed, but for what was open.
    let stranger = stack.agent();
    assert_eq!(stranger.fetch(Method::GET, &stack.at("/api/orders")).send().await.status, 401);
    assert_eq!(stranger.fetch(Method::GET, &stack.at("/api/free/x")).send().await.status, 200);
    assert_eq!(stack.upstream.take().remove(0).target(), "/api/free/x");

    stack.sign_in(&agent, "alice", "/").await;
    assert_eq!(agent.fetch(Method::GET, &stack.at("/api/orders")).send().await.status, 200);
    let seen = stack.upstream.take().remove(0);
    assert_eq!((seen.target(), seen.header("x-user-id")), ("/api/orders", "alice"));
    assert_eq!(stack.post(&agent, "/api/orders", &json!({})).await.status, 200);

    // And behind ForwardAuth, by the policy that was made.
    stack.protected.take();
    let page = agent.fetch(Method::GET, &stack.at("/app/oauth2-proxy/x")).send().await;
    assert_eq!(page.status, 200, "{}", page.text());
    let seen = stack.protected.take().remove(0);
    assert_eq!(seen.header("x-auth-request-user"), "alice");
    assert_eq!(seen.header("x-auth-request-email"), "alice@example.test");
}

#[test]
fn what_is_left_to_do_is_the_exit_status_and_nothing_is_written_unless_asked() {
    let scratch = Scratch::new();
    let cfg = scratch.write("proxy.cfg", "htpasswd_file = '/canary'\nfrobnicate = 'canary'\n");
    let cfg = cfg.display().to_string();
    let (status, out, err) = import(&[&cfg], &Environment::default());
    assert_eq!(status, Some(65), "{out}{err}");
    assert!(
        out.contains("line 1") && out.contains("line 2") && out.contains("nothing was written"),
        "{out}"
    );
    assert!(!out.contains("canary"), "{out}");

    // Variables count where that is asked for, and come before the file.
    let variables = Environment::default()
        .set("OAUTH2_PROXY_HTPASSWD_FILE", "/canary")
        .set("OAUTH2_PROXY_ODD", "canary");
    let (_, out, _) = import(&[&cfg], &variables);
    assert!(!out.contains("variable"), "{out}");
    let (_, out, _) = import(&[&cfg, "--environment", "--", "--cookie-secret=canary"], &variables);
    assert!(
        out.contains("a variable says otherwise") && out.contains("flag      cookie_secret"),
        "{out}"
    );
    assert!(out.contains("variable  odd") && !out.contains("canary"), "{out}");

    let broken = scratch.write("broken.cfg", "client_id = 'x'\nclient_secret = canary\n");
    let broken = broken.display().to_string();
    let (status, out, err) = import(&[&broken], &Environment::default());
    assert_eq!((status, out.as_str()), (Some(1), ""), "{err}");
    assert!(err.contains("line 2 is not TOML") && !err.contains("canary"), "{err}");
    let (status, ..) = import(&[], &Environment::default());
    assert_eq!(status, Some(2));
}

/// The block of YAML in a guide that begins with `start`.
fn of_guide(name: &str, start: &str) -> String {
    let path = place::repository().join("docs/migrate").join(name);
    let text = std::fs::read_to_string(path).expect("a guide");
    let blocks = text.split("```yaml\n").skip(1).filter_map(|block| block.split("```").next());
    blocks.into_iter().find(|block| block.starts_with(start)).expect("the block").to_owned()
}

#[test]
fn the_policies_of_the_guide_from_authelia_work_as_they_stand() {
    let scratch = Scratch::new();
    scratch.write("config/forwardauth.yaml", of_guide("authelia.md", "policies:"));
    let environment = Environment::default()
        .set("REDIS_URL", "redis://127.0.0.1:1")
        .set("BFF_EDGE_KEYS", format!("e1:{}", e2e::stack::key()))
        .set("BFF_BINDING_IP", "off")
        .set("BFF_CONFIG_DIR", scratch.directory("config").display());
    let checked = program::once("forwardauth", &["check-config"], &environment);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    let asked =
        ["explain", "GET", "https://wiki.example.com/", "--address", "/auth/forward?policy=wiki"];
    let told = program::once("forwardauth", &asked, &environment);
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(told.contains("staff") && told.to_lowercase().contains("remote-user"), "{told}");
}
