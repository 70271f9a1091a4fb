//! `docs/openapi.yaml` held to the running program: schemathesis asks for everything in it, as it says and as it does not,
//! and every answer must be one that it has. It asks for the same in every run.

use std::path::PathBuf;

use e2e::place;
use e2e::process::{command, run};
use e2e::stack::{COOKIE, Stack};
use serde_json::Value;

/// What of an answer is compared.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance,unsupported_method";

/// What is asked, and of which document.
struct Asked<'a> {
    document: PathBuf,
    /// By chance, for each operation.
    examples: u32,
    headers: &'a [(&'a str, String)],
    /// Which operations; all without any.
    only: &'a [&'a str],
}

/// Asks `stack`'s `bff`, and says whether every answer was by the document, and what is told of it.
fn schemathesis(stack: &Stack, asked: &Asked<'_>) -> (bool, String) {
    let mut program = command("python3");
    program
        .env("PYTHONPATH", place::part("schemathesis"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("HOME", stack.scratch.path())
        .current_dir(stack.scratch.path())
        .args(["-m", "schemathesis.cli", "run"])
        .arg(&asked.document)
        .args(["--url", &format!("http://{}", stack.bff_address), "--checks", CHECKS])
        .args(["--phases", "examples,coverage,fuzzing", "--generation-deterministic"])
        .args(["--generation-with-security-parameters", "false", "--workers", "1", "--no-color"])
        .args(["--request-timeout", "20", "--suppress-health-check", "all", "--warnings", "off"])
        .args(["--max-examples", &asked.examples.to_string()])
        .args(["--output-sanitize", "false", "--report", "har", "--report-har-path"])
        .arg(report(stack));
    for operation in asked.only {
        program.args(["--include-operation-id", operation]);
    }
    for (name, value) in asked.headers {
        program.arg("--header").arg(format!("{name}: {value}"));
    }
    let done = run(program);
    let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    (done.status.success(), format!("{out}{err}"))
}

fn report(stack: &Stack) -> PathBuf {
    stack.scratch.path().join("answers.har")
}

/// That nothing which was answered to what was asked last, of which there is enough, holds a token or another secret. Who
/// signs out carries one token: what names the user to the provider, and opens nothing (OpenID Connect RP-Initiated
/// Logout 1.0, section 2).
async fn holds_no_secret(stack: &Stack, enough: usize) {
    let report = std::fs::read(report(stack)).expect("what was answered");
    let report: Value = serde_json::from_slice(&report).expect("JSON");
    let answers = report["log"]["entries"].as_array().expect("answers");
    assert!(answers.len() >= enough, "{} answers", answers.len());
    let canaries = stack.canaries().await;
    for answer in answers {
        let (url, response) = (answer["request"]["url"].to_string(), &answer["response"]);
        assert!(response["content"]["text"].is_string() && response["headers"].is_array(), "{url}");
        let mut leaks = canaries.found(&url, response.to_string().as_bytes());
        leaks.retain(|leak| !(url.contains("/auth/logout") && leak.ends_with("id_token")));
        assert!(leaks.is_empty(), "{leaks:#?}");
    }
}

fn document() -> PathBuf {
    place::repository().join("docs/openapi.yaml")
}

/// A `bff` that takes a session from wherever it is shown: who asks here is no browser.
async fn stack() -> Stack {
    Stack::plan().both("BFF_BINDING_IP", "off").both("BFF_BINDING_UA", "off").start().await
}

/// What a page of alice's sends along.
async fn signed_in(stack: &Stack) -> Vec<(&'static str, String)> {
    let agent = stack.signed_in("alice").await;
    let csrf = stack.session(&agent).await["csrf_token"].as_str().expect("a token").to_owned();
    vec![("Cookie", format!("{COOKIE}={}", stack.cookie(&agent))), ("X-CSRF-Token", csrf)]
}

#[tokio::test(flavor = "multi_thread")]
async fn t18_every_answer_to_nobody_is_one_that_the_document_has_and_holds_no_secret() {
    let stack = stack().await;
    let asked = Asked { document: document(), examples: 10, headers: &[], only: &[] };
    let (good, told) = schemathesis(&stack, &asked);
    assert!(good && told.contains("Tested: 17\n"), "{told}");
    holds_no_secret(&stack, 100).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn t18_every_answer_to_somebody_is_one_that_the_document_has_and_holds_no_secret() {
    let stack = stack().await;
    // A stream does not end, and what ends the session comes by itself.
    for (examples, only) in [
        (10, &["session", "refresh", "sessions"][..]),
        (5, &["endSession"]),
        (5, &["endSessions"]),
        (5, &["logoutByLink"]),
        (5, &["logout"]),
        (5, &["logoutOfPage"]),
    ] {
        let headers = signed_in(&stack).await;
        let asked = Asked { document: document(), examples, headers: &headers, only };
        let (good, told) = schemathesis(&stack, &asked);
        assert!(good && told.contains(&format!("Tested: {}\n", only.len())), "{only:?}: {told}");
        holds_no_secret(&stack, 5).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_says_something_else_is_found() {
    let stack = stack().await;
    let text = std::fs::read_to_string(document()).expect("a document");
    for (says, something_else, only) in [
        ("idle_expires_at: { type: integer", "idle_expires_at: { type: string", "session"),
        ("application/jwk-set+json:", "application/json:", "keys"),
        ("\"204\": { description: It was counted }", "\"202\": { description: It was }", "report"),
    ] {
        assert!(text.contains(says), "{says}");
        let document = stack.scratch.write("openapi.yaml", text.replacen(says, something_else, 1));
        let headers = signed_in(&stack).await;
        let asked = Asked { document, examples: 2, headers: &headers, only: &[only] };
        let (good, told) = schemathesis(&stack, &asked);
        assert!(!good && told.contains("Tested: 1\n"), "{only}: {told}");
    }
}
