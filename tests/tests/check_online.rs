//! `check-config --online` against the real parts: what is there is reached, and what is not is told by the
//! setting that names it, with everything else that is wrong, and without a secret.

use std::process::Output;
use std::time::{Duration, Instant};

use e2e::ports;
use e2e::postgres;
use e2e::program::{self, Environment};
use e2e::redis::{PASSWORD, USER};
use e2e::stack::Stack;
use serde_json::json;

/// The exit status, and what is told on standard output and on standard error.
fn check(program: &str, environment: &Environment) -> (Option<i32>, String, String) {
    let begun = Instant::now();
    let Output { status, stdout, stderr } =
        program::once(program, &["check-config", "--online"], environment);
    // Twice the five seconds that a peer has, and what a busy machine takes.
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (status.code(), text(stdout), text(stderr))
}

/// That `program` refuses, names each of `paths` once, and prints no secret.
fn refused(program: &str, environment: &Environment, told: &[&str]) {
    let (status, out, err) = check(program, environment);
    assert_eq!(status, Some(69), "{program}: {out}{err}");
    for wanted in told {
        assert!(err.contains(wanted), "{program}: {wanted}: {err}");
    }
    assert!(!out.contains("usable"), "{program}: {out}");
    assert!(!err.contains(PASSWORD) && !out.contains(PASSWORD), "{program}: {err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_is_reached_and_nothing_is_changed() {
    let stack = Stack::start().await;
    let before = stack.redis.dump().await.len();
    let (status, out, err) = check("bff", &stack.bff.environment);
    assert_eq!(status, Some(0), "{out}{err}");
    for reached in [
        "reached Redis at 127.0.0.1:".to_owned(),
        ", version 7.".to_owned(),
        format!("reached identity provider {}\n", stack.idp.issuer),
        "reached service ".to_owned(),
        "configuration is usable".to_owned(),
    ] {
        assert!(out.contains(&reached), "{reached}: {out}{err}");
    }
    let (status, out, err) = check("forwardauth", &stack.forwardauth.environment);
    assert_eq!(status, Some(0), "{out}{err}");
    assert!(out.contains("reached Redis at 127.0.0.1:"), "{out}");
    assert_eq!(stack.redis.dump().await.len(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn t09_a_database_is_reached_and_one_that_refuses_is_told_without_its_password() {
    let mut stack = Stack::plan().durable().start().await;
    let (status, out, err) = check("bff", &stack.bff.environment);
    assert_eq!(status, Some(0), "{out}{err}");
    assert!(out.contains("reached PostgreSQL, version 15."), "{out}{err}");
    let postgres = stack.postgres.as_mut().expect("the plan says so");
    let wrong = postgres.url().replace(postgres::PASSWORD, "not-the-password");
    let wrong = stack.bff.environment.clone().set("DATABASE_URL", wrong);
    let untrusted = postgres.url().split_once("&sslrootcert").expect("an authority").0.to_owned();
    let untrusted = stack.bff.environment.clone().set("DATABASE_URL", untrusted);
    for (environment, why) in [(&wrong, "refused it (28P01)"), (&untrusted, "cannot be trusted")] {
        refused("bff", environment, &["DATABASE_URL", why]);
        let (_, out, err) = check("bff", environment);
        for secret in [postgres::PASSWORD, "not-the-password"] {
            assert!(!err.contains(secret) && !out.contains(secret), "{out}{err}");
        }
    }
    postgres.kill().await;
    refused("bff", &stack.bff.environment, &["DATABASE_URL", "cannot be reached"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_server_of_a_cluster_that_is_named_is_looked_at() {
    let stack = Stack::plan().cluster().start().await;
    for (name, program) in [("forwardauth", &stack.forwardauth), ("bff", &stack.bff)] {
        let (status, out, err) = check(name, &program.environment);
        assert_eq!(status, Some(0), "{name}: {out}{err}");
        let url = program.environment.get("REDIS_URL");
        assert_eq!(out.matches("reached Redis at ").count(), 3, "{name}: {out}");
        let single = program.environment.clone().set("REDIS_URL", url.replace("-cluster", ""));
        refused(name, &single, &["REDIS_URL", "a Redis Cluster"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t09_everything_that_is_not_there_is_told_at_once() {
    let mut stack = Stack::start().await;
    let nobody = ports::free();
    let bff = stack.bff.environment.clone();
    let forwardauth = stack.forwardauth.environment.clone();

    let wrong = stack.redis.url_as(USER, "not-the-password");
    let (status, _, err) = check("forwardauth", &forwardauth.clone().set("REDIS_URL", &wrong));
    assert_eq!(status, Some(69), "{err}");
    assert!(err.contains("refuses its user or password (WRONGPASS)"), "{err}");
    assert!(!err.contains("not-the-password"), "{err}");

    // A user who may not do all that is needed.
    let user =
        b"ACL SETUSER narrow on >narrow-canary ~bff:* &bff:* -@all +@read +@connection +@scripting";
    let words: Vec<&[u8]> = user.split(|byte| *byte == b' ').collect();
    stack.redis.ask(&words).await;
    let narrow = bff.clone().set("REDIS_URL", stack.redis.url_as("narrow", "narrow-canary"));
    let (status, _, err) = check("bff", &narrow);
    assert_eq!(status, Some(69), "{err}");
    assert!(err.contains("REDIS_URL") && err.contains("hset") && err.contains("publish"), "{err}");
    assert!(!err.contains("narrow-canary") && !err.contains("hget,"), "{err}");

    // A user who may do all but what one metric needs: that is no reason not to start.
    stack.redis.ask(&[b"ACL", b"SETUSER", USER.as_bytes(), b"-randomkey"]).await;
    let (status, out, err) = check("bff", &bff);
    assert_eq!(status, Some(0), "{out}{err}");
    assert!(
        format!("{out}{err}").contains("may not do randomkey: bff_active_sessions_total"),
        "{out}{err}"
    );
    stack.redis.ask(&[b"ACL", b"SETUSER", USER.as_bytes(), b"+randomkey"]).await;

    // An authority that did not sign Redis's certificate.
    refused("forwardauth", &forwardauth.clone().unset("REDIS_TLS_CA"), &["REDIS_URL", "no TLS ("]);

    let with_bff = forwardauth
        .clone()
        .set("FORWARDAUTH_BFF_URL", format!("http://{nobody}"))
        .set("BFF_INTERNAL_TOKEN", "0123456789abcdef0123456789abcdef");
    stack.redis.kill();
    let away = ["REDIS_URL: leads to", "(connection refused)", "FORWARDAUTH_BFF_URL: leads to"];
    refused("forwardauth", &with_bff, &away);

    // Metadata that name another issuer, and a service that is away, beside the same Redis.
    let config = e2e::scratch::Scratch::new();
    config.write(
        "routes.yaml",
        format!(
            "version: \"1.0\"\nservices: {{ gone: {{ base_url: \"http://{nobody}\" }} }}\nroutes: []\n"
        ),
    );
    let body = json!({ "issuer": "https://other.example", "authorization_endpoint": "https://other.example/a",
        "token_endpoint": "https://other.example/t", "jwks_uri": "https://other.example/j" });
    let how = json!({ "status": 200, "body": body.to_string() });
    stack.idp.fault("/.well-known/openid-configuration", 1, how).await;
    let bff = bff.set("BFF_CONFIG_DIR", config.path().display());
    let told =
        ["REDIS_URL", "OIDC_ISSUER", "discovery_issuer_mismatch", "routes.yaml: service gone"];
    refused("bff", &bff, &told);
    let elsewhere = bff.set("OIDC_ISSUER", format!("https://localhost:{}", nobody.port()));
    refused("bff", &elsewhere, &["OIDC_ISSUER", "cannot be reached"]);
}
