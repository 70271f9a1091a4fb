//! Redis behind Sentinel: its master is killed under load, and its replica takes over.

use std::time::Duration;

use e2e::load::{Load, histogram};
use e2e::program;
use e2e::sentinel::Sentinel;
use e2e::stack::Stack;
use e2e::wait;
use http::Method;
use serde_json::json;
use tokio::time::Instant;

/// Longest time from the new master to the last answer that is not 200.
const BACK: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn c80_a_failover_of_sentinel_ends_no_session_and_is_over_within_a_second_of_the_new_master()
{
    let mut redis = Sentinel::start().await;
    let stack = Stack::plan().both("REDIS_URL", redis.url()).start().await;
    let environments =
        [("forwardauth", &stack.forwardauth.environment), ("bff", &stack.bff.environment)];
    for (name, environment) in environments {
        let checked = program::once(name, &["check-config", "--online"], environment);
        assert!(checked.status.success(), "{name}: {checked:?}");
    }
    // Without this right a client would never get through to the master.
    redis.change_rights(b"-role").await;
    for (name, environment) in environments {
        let checked = program::once(name, &["check-config", "--online"], environment);
        let told = String::from_utf8_lossy(&checked.stderr).into_owned();
        assert!(!checked.status.success() && told.contains("ours: role\n"), "{name}: {told}");
    }
    redis.change_rights(b"+role").await;

    let agent = stack.signed_in("alice").await;
    assert_eq!(stack.post(&agent, "/api/orders", &json!({})).await.status, 200);
    redis.whole().await;

    let load = Load::start(&stack, &agent, 8);
    let gone = Instant::now();
    redis.fail_over().await;
    let back = Instant::now();
    wait::until("verify answers again", wait::START, async || {
        (stack.ask_verify(&agent, "/app/").send().await.status == 200).then_some(())
    })
    .await;
    wait::until("bff answers again", wait::START, async || {
        let call = stack.to_bff(stack.bff_address, &agent, Method::GET, "/api/echo/x");
        (call.send().await.status == 200).then_some(())
    })
    .await;
    let bff_back = back.elapsed();
    let samples = load.stop().await;
    let all = histogram(&samples);
    assert!(samples.iter().all(|sample| matches!(sample.status, 200 | 503)), "{all}");
    let refused = samples.iter().rfind(|sample| sample.status != 200).expect("the outage was seen");
    let verify_back = refused.sent.saturating_duration_since(back);
    println!(
        "away for {:?}, verify back after {verify_back:?}, bff after {bff_back:?}, {all}",
        back - gone
    );
    assert!(verify_back <= BACK, "verify: {verify_back:?} after the new master: {all}");
    assert!(bff_back <= BACK, "bff: {bff_back:?} after the new master");

    assert_eq!(stack.session(&agent).await["authenticated"], true);
    assert_eq!(stack.post(&agent, "/api/orders", &json!({})).await.status, 200);
    stack.signed_in("bob").await;
}
