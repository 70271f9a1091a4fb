//! The chained audit log of the real program, over logins, an administrator, restarts and a `kill -9`, and what
//! `bff audit verify` says of it and of those who tamper with it.

use std::fs;
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use e2e::ports;
use e2e::program::{self, Environment};
use e2e::stack::Stack;
use e2e::wait;
use http::Method;
use rustix::process::Signal;
use serde_json::{Value, json};

const SECRET: [u8; 32] = [0x5a; 32];

/// Exit code and what was said.
fn verify(arguments: &[&str], files: &[&Path]) -> (Option<i32>, String) {
    let files = files.iter().map(|file| file.to_str().expect("a path of ours"));
    let arguments: Vec<&str> =
        ["audit", "verify"].into_iter().chain(arguments.iter().copied()).chain(files).collect();
    let output = program::once("bff", &arguments, &Environment::default());
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

fn records(text: &str) -> Vec<Value> {
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|record| record["target"] == "audit").collect()
}

/// Logins, a logout, an administrator, an end in order, a `kill -9`, and another end in order.
async fn journey(stack: &mut Stack) {
    let limit = Duration::from_secs(30);
    let alice = stack.signed_in("alice").await;
    let session = stack.cookie(&alice);
    assert_eq!(stack.post(&alice, "/auth/logout", &json!({})).await.status, 200);
    stack.signed_in("bob").await;
    let ended = stack.admin(Method::DELETE, "/admin/users/bob/sessions", &Value::Null).await;
    assert_eq!(ended.status, 200, "{}", ended.text());
    stack.bff.process().signal(Signal::TERM);
    assert!(stack.bff.process().end(limit).await.success());
    let agent = stack.agent();
    stack.bff.restart(&agent).await;
    stack.signed_in("carol").await;
    stack.bff.process().kill();
    stack.bff.restart(&agent).await;
    assert!(stack.bff.metric(&agent, "bff_audit_write_failures_total", "").await.abs() < 0.5);
    stack.bff.process().signal(Signal::TERM);
    assert!(stack.bff.process().end(limit).await.success());
    assert!(!stack.bff.log().contains(&session), "a session id is in the log");
}

/// What was written of [`journey`], and by whom.
fn is_complete(written: &[Value]) {
    let of = |event: &str| {
        written.iter().filter(|record| record["event"] == event).cloned().collect::<Vec<_>>()
    };
    assert_eq!(of("session.created").len(), 3, "{written:#?}");
    let ends = of("session.revoked");
    assert_eq!(
        ends.iter().map(|end| (&end["reason"], &end["actor"])).collect::<Vec<_>>(),
        [(&json!("logout"), &json!("user")), (&json!("admin"), &json!("admin:ops"))]
    );
    assert_eq!(of("admin.sessions_revoked")[0]["actor"], "ops");
    assert_eq!((of("audit.chain_started").len(), of("audit.chain_ended").len()), (3, 2));
    for record in written {
        for member in ["timestamp", "event", "actor", "chain", "seq", "prev", "hash"] {
            assert!(!record[member].is_null(), "{member}: {record}");
        }
        let event = record["event"].as_str().expect("a name");
        let by_itself = event.starts_with("audit.") || event == "token.revocation_failed";
        let [request, trace] = ["request_id", "trace_id"].map(|member| record[member].is_string());
        // The admin listener is in no trace.
        let of_admin = event.starts_with("admin.") || record["actor"] == "admin:ops";
        assert!(by_itself || request && (trace || of_admin), "{record}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c83_the_audit_log_is_a_chain_that_verify_follows_over_restarts_and_any_tampering_is_found()
{
    let mut stack = Stack::plan()
        .bff("BFF_AUDIT_CHAIN", "true")
        .bff("BFF_AUDIT_FILE", "{scratch}/audit.log")
        .bff("BFF_AUDIT_CHAIN_KEY", STANDARD.encode(SECRET))
        .bff("BFF_ADMIN_TOKENS", "ops:an-admin-token-of-the-tests-32-characters")
        .bff("RUST_LOG", "warn")
        .bff("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{}", ports::free()))
        .start()
        .await;
    journey(&mut stack).await;
    let file = stack.scratch.path().join("audit.log");
    let text = fs::read_to_string(&file).expect("the audit log");
    let written = records(&text);
    assert_eq!(written.len(), text.lines().count());
    is_complete(&written);
    assert_eq!(records(&stack.bff.log()), written);

    let key = stack.scratch.write("audit.key", STANDARD.encode(SECRET));
    let key = ["--key-file", key.to_str().expect("a path of ours")];
    let (code, said) = verify(&key, &[&file]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(said.matches("ended with its process").count(), 2, "{said}");
    assert_eq!(said.matches("goes on, or its end was lost or cut off").count(), 1, "{said}");
    // The whole log, as a cluster keeps it.
    let log = stack.scratch.write("collected.log", stack.bff.log());
    let (code, of_log) = verify(&key, &[&log]);
    assert_eq!(code, Some(0), "{of_log}");
    // Who has no key judges nothing.
    assert_eq!(verify(&[], &[&file]).0, Some(1));
    assert_eq!(verify(&key, &[Path::new("/nowhere")]).0, Some(1));

    let last = said.lines().rev().find_map(|line| line.strip_prefix("  last: ")).expect("last");
    let expecting = [&key[..], &["--expect", last]].concat();
    let (code, said) = verify(&expecting, &[&file]);
    assert_eq!(code, Some(0), "{said}");
    let lines: Vec<&str> = text.lines().collect();
    for (name, lines, what) in tampered(&lines) {
        let file = stack.scratch.write(name, lines.join("\n"));
        let (code, said) = verify(&expecting, &[&file]);
        assert_eq!(code, Some(1), "{name}: {said}");
        assert!(said.contains(what), "{name}: {said}");
    }
}

/// What somebody may make of a log, by name, and what is to be said of it.
fn tampered(lines: &[&str]) -> [(&'static str, Vec<String>, &'static str); 6] {
    let forged = r#"{"target":"audit","event":"session.created","actor":"user"}"#;
    let edited = lines[2].replace("\"user\"", "\"admin:eve\"");
    let owned = |parts: &[&[&str]]| parts.concat().into_iter().map(str::to_owned).collect();
    [
        (
            "edited",
            owned(&[&lines[..2], &[&edited], &lines[3..]]),
            "edited:3: record 2 was changed",
        ),
        (
            "removed",
            owned(&[&lines[..2], &lines[3..]]),
            "removed:3: record 2 is missing before this one",
        ),
        (
            "swapped",
            owned(&[&lines[..2], &[lines[3], lines[2]], &lines[4..]]),
            "swapped:3: record 2 is missing before this one",
        ),
        (
            "repeated",
            owned(&[&lines[..3], &lines[2..]]),
            "repeated:4: record 2 is out of order, or here twice",
        ),
        (
            "added",
            owned(&[&lines[..3], &[forged], &lines[3..]]),
            "added:4: an audit record that is in no chain",
        ),
        ("cut", owned(&[&lines[..lines.len() - 1]]), "which is expected, is not here"),
    ]
}

#[test]
fn what_a_chain_needs_is_asked_for_before_anything_is_served() {
    let settings = [("BFF_AUDIT_FILE", "/tmp/x"), ("BFF_AUDIT_CHAIN_KEY", "c2hvcnQ=")];
    let environment =
        settings.iter().fold(Environment::default(), |all, (name, value)| all.set(name, value));
    let told = |environment: &Environment| {
        let output = program::once("bff", &["check-config"], environment);
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let unused = told(&environment);
    for (name, value) in settings {
        assert!(unused.contains(&format!("{name}: is for a chained audit log")), "{unused}");
        assert!(!unused.contains(value), "{unused}");
    }
    let short = told(&environment.set("BFF_AUDIT_CHAIN", "true"));
    assert!(short.contains("BFF_AUDIT_CHAIN_KEY: is shorter than 32 bytes"), "{short}");
}

#[tokio::test(flavor = "multi_thread")]
async fn c74_a_revocation_that_fails_twice_holds_no_logout_and_is_told_of() {
    let stack = Stack::start().await;
    let alice = stack.signed_in("alice").await;
    stack.idp.fault("/token/revocation", 4, json!({"status": 503, "body": "later"})).await;
    assert_eq!(stack.post(&alice, "/auth/logout", &json!({})).await.status, 200);
    assert_eq!(stack.session(&alice).await, json!({"authenticated": false}));
    let told = wait::until("both tokens were given up", Duration::from_secs(30), async || {
        let mut told = records(&stack.bff.log());
        told.retain(|record| record["event"] == "token.revocation_failed");
        (told.len() == 2).then_some(told)
    })
    .await;
    assert_eq!(stack.idp.count("POST /token/revocation").await, 4);
    for (record, token) in told.iter().zip(["refresh_token", "access_token"]) {
        let said = [&record["token"], &record["issuer"], &record["actor"]];
        assert_eq!(said, [&json!(token), &json!(stack.idp.issuer), &json!("rule")], "{record}");
        assert!(record["reason"].is_string(), "{record}");
    }
}
