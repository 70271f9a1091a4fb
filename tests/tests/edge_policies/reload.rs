//! Another `forwardauth.yaml` while requests come.

use e2e::agent::Agent;
use e2e::load::{Load, Sample, histogram};
use e2e::program::once;
use e2e::stack::{COOKIE, Stack};
use e2e::wait;
use rustix::process::Signal;
use tokio::time::Instant;

/// Lets alice in, or not.
fn switched(on: bool) -> String {
    let role = if on { "admin" } else { "owner" };
    format!("policies: {{ switch: {{ roles: {{ all: [{role}] }} }}, other: {{}} }}")
}

async fn reloads(stack: &Stack, agent: &Agent, result: &str) -> f64 {
    stack.forwardauth.metric(agent, "config_reloads_total", result).await
}

/// Writes `file` and waits until verify has decided on it. Answers when it was written, and when that
/// was known.
async fn exchange(stack: &Stack, agent: &Agent, file: &str, result: &str) -> (Instant, Instant) {
    let before = reloads(stack, agent, result).await;
    let written = Instant::now();
    stack.write_policies(file);
    wait::until("verify has decided on the new file", wait::START, async || {
        (reloads(stack, agent, result).await > before).then_some(())
    })
    .await;
    (written, Instant::now())
}

/// All that were answered before `from` and sent after `until` have these statuses, and none any other.
fn assert_switched(samples: &[Sample], steps: &[(Instant, Instant, u16)], first: u16) {
    for sample in samples {
        let answered = sample.sent + sample.elapsed;
        // The last step that was over when the request was sent, and those under way since.
        let before = steps.iter().rev().find(|(_, known, _)| *known <= sample.sent);
        let mut possible = vec![before.map_or(first, |(_, _, status)| *status)];
        possible.extend(
            steps
                .iter()
                .filter(|(written, known, _)| *known > sample.sent && *written <= answered)
                .map(|(_, _, status)| *status),
        );
        assert!(possible.contains(&sample.status), "{} and not {possible:?}", sample.status);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t09_policies_are_exchanged_under_load_without_a_wrong_answer() {
    let mut stack =
        Stack::plan().policies("policies: { switch: { roles: { all: [admin] } } }").start().await;
    let agent = stack.signed_in("alice").await;
    let load = Load::start_at(&stack, &agent, 4, "/auth/verify?policy=switch");
    let successful = async |stack: &Stack| {
        stack.forwardauth.metric(&agent, "config_last_reload_successful", "").await
    };

    let mut steps = Vec::new();
    let mut step =
        |(written, known): (Instant, Instant), status| steps.push((written, known, status));
    step(exchange(&stack, &agent, &switched(false), "ok").await, 403);
    // What is broken changes nothing, in whatever way it is broken.
    for broken in
        ["policies: { switch: {}, other: { roles: { any: [] } } }", "policies: { switch: {", ""]
    {
        step(exchange(&stack, &agent, broken, "refused").await, 403);
        assert!(successful(&stack).await.abs() < f64::EPSILON, "{broken}");
    }
    step(exchange(&stack, &agent, &switched(true), "ok").await, 200);
    assert!((successful(&stack).await - 1.0).abs() < f64::EPSILON);
    // A policy that went is not "no policy".
    step(exchange(&stack, &agent, "policies: { other: {} }", "ok").await, 500);

    // SIGHUP has the file read at once.
    let written = Instant::now();
    stack.write_policies(&switched(true));
    stack.forwardauth.process().signal(Signal::HUP);
    let url = format!("https://localhost:{}/auth/verify?policy=switch", stack.verify.port());
    let cookie = format!("{COOKIE}={}", stack.cookie(&agent));
    wait::until("SIGHUP has the file read", wait::START, async || {
        let reply = agent.get(&url).header("cookie", &cookie).send().await;
        (reply.status == 200).then_some(())
    })
    .await;
    step((written, Instant::now()), 200);

    let samples = load.stop().await;
    assert!(samples.len() > 100, "{}", histogram(&samples));
    assert_switched(&samples, &steps, 200);
    let log = stack.forwardauth.log();
    assert!(log.contains("new configuration refused, the old one stays"), "{log}");
    assert!(log.contains("forwardauth.yaml: policy other: roles.any: is an empty list"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bff_does_not_look_at_forwardauth_yaml() {
    let stack = Stack::plan().bff("BFF_CONFIG_DIR", "{scratch}/bff-config").start().await;
    stack.scratch.write("bff-config/forwardauth.yaml", "[ this is no file of policies");
    let checked = once("bff", &["check-config"], &stack.bff.environment);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    let environment = stack
        .forwardauth
        .environment
        .clone()
        .set("BFF_CONFIG_DIR", stack.bff.environment.get("BFF_CONFIG_DIR"));
    let checked = once("forwardauth", &["check-config"], &environment);
    assert_eq!(checked.status.code(), Some(2));
    assert!(
        String::from_utf8_lossy(&checked.stderr).starts_with("forwardauth.yaml"),
        "{checked:?}"
    );
}
