//! Redis away: verify says so in time, nobody is signed out, and nothing needs a restart.

use std::sync::LazyLock;
use std::time::Duration;

use e2e::load::{Load, Sample, histogram};
use e2e::stack::{COOKIE, Stack};
use e2e::wait;
use http::Method;
use serde_json::json;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

/// `FORWARDAUTH_DEADLINE_MS`, and what a shared machine may add between two processes.
const DEADLINE: Duration = Duration::from_millis(250);
const MACHINE: Duration = Duration::from_millis(350);
const BACK: Duration = Duration::from_secs(2);
const OUTAGE: Duration = Duration::from_secs(4);

/// These tests measure time: one at a time.
static ALONE: LazyLock<Mutex<()>> = LazyLock::new(Mutex::default);

fn during(samples: &[Sample], from: Instant, to: Instant) -> Vec<Sample> {
    // A request that was on its way when the outage ended counts to neither side.
    samples
        .iter()
        .copied()
        .filter(|sample| sample.sent >= from && sample.sent + sample.elapsed <= to)
        .collect()
}

/// What must hold of every outage: 503 in time while it lasts, 200 again soon after, never 401.
fn judge(samples: &[Sample], gone: Instant, back: Instant) {
    let before = during(samples, samples[0].sent, gone);
    assert!(
        before.len() > 50 && before.iter().all(|sample| sample.status == 200),
        "before: {}",
        histogram(&before)
    );

    // The first requests may have been under way, half read, when it happened.
    let outage = during(samples, gone + DEADLINE, back);
    assert!(outage.len() > 10, "during: {}", histogram(&outage));
    assert!(outage.iter().all(|sample| sample.status == 503), "during: {}", histogram(&outage));
    let late = DEADLINE + MACHINE;
    assert!(outage.iter().all(|sample| sample.elapsed <= late), "during: {}", histogram(&outage));

    let all = histogram(samples);
    assert!(samples.iter().all(|sample| matches!(sample.status, 200 | 503)), "{all}");
    let recovered =
        samples.iter().rfind(|sample| sample.status != 200).expect("the outage was seen").sent;
    let after = samples.iter().filter(|sample| sample.sent > back + BACK).count();
    assert!(
        recovered <= back + BACK,
        "still refused {:?} after Redis was back: {all}",
        recovered - back
    );
    assert!(after > 50, "too few requests after the outage to tell: {all}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn c80_a_frozen_redis_gives_503_in_time_and_everything_returns_by_itself() {
    let _alone = ALONE.lock().await;
    let stack = Stack::start().await;
    let agent = stack.signed_in("alice").await;
    let load = Load::start(&stack, &agent, 8);
    sleep_until(Instant::now() + Duration::from_secs(1)).await;
    let gone = Instant::now();
    stack.redis.freeze();
    sleep_until(gone + OUTAGE).await;
    stack.redis.thaw();
    let back = Instant::now();
    sleep_until(back + BACK + Duration::from_secs(1)).await;
    let samples = load.stop().await;
    judge(&samples, gone, back);
    assert_eq!(stack.session(&agent).await["authenticated"], true);
    assert_eq!(stack.post(&agent, "/api/orders", &json!({})).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn c80_a_killed_redis_gives_503_in_time_and_everything_returns_by_itself() {
    let _alone = ALONE.lock().await;
    let mut stack = Stack::start().await;
    let agent = stack.signed_in("alice").await;
    let load = Load::start(&stack, &agent, 8);
    sleep_until(Instant::now() + Duration::from_secs(1)).await;
    let gone = Instant::now();
    stack.redis.kill();
    sleep_until(gone + OUTAGE).await;
    let starting = Instant::now();
    stack.redis.restart().await;
    let back = Instant::now();
    sleep_until(back + BACK + Duration::from_secs(1)).await;
    let samples = load.stop().await;
    // Between the start of the new server and the moment it answers, both outcomes are right.
    let settled: Vec<_> = samples
        .iter()
        .copied()
        .filter(|sample| sample.sent + sample.elapsed < starting || sample.sent > back)
        .collect();
    judge(&settled, gone, starting);
    assert_eq!(stack.session(&agent).await["authenticated"], true);
    assert_eq!(stack.post(&agent, "/api/orders", &json!({})).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn c80_during_an_outage_nobody_is_signed_out_and_no_session_is_made() {
    let _alone = ALONE.lock().await;
    let stack = Stack::start().await;
    let agent = stack.signed_in("alice").await;
    let token = stack.session(&agent).await["csrf_token"].as_str().expect("a token").to_owned();
    let cookie = stack.cookie(&agent);
    stack.redis.freeze();

    let through_traefik = agent.visit(&stack.at("/app/x")).send().await;
    assert_eq!(through_traefik.status, 503, "{}", through_traefik.text());
    assert!(!through_traefik.header("retry-after").is_empty());
    assert_eq!(through_traefik.header("set-cookie"), "");

    for path in ["/api/auth/session", "/api/orders", "/auth/login"] {
        let reply =
            agent.fetch(Method::GET, &stack.at(path)).header("x-csrf-token", &token).send().await;
        assert_eq!(reply.status, 503, "{path}: {}", reply.text());
        assert_eq!(reply.header("set-cookie"), "", "{path}");
        assert!(!reply.problem().is_empty(), "{path}: {}", reply.text());
    }
    for (program, admin) in [("forwardauth", stack.forwardauth.admin), ("bff", stack.bff.admin)] {
        let ready = agent.get(&format!("http://{admin}/health/ready")).send().await;
        assert_eq!(
            ready.status, 200,
            "{program}: an outage is no reason to be taken out of service"
        );
    }
    let health = agent.get(&format!("http://{}/health", stack.bff_address)).send().await;
    assert_eq!((health.status.as_u16(), &health.json()["status"]), (503, &json!("degraded")));

    stack.redis.thaw();
    wait::until("verify answers again", BACK, async || {
        let reply = stack.ask_verify(&agent, "/app/").send().await;
        assert!(matches!(reply.status.as_u16(), 200 | 503), "{}", reply.text());
        (reply.status == 200).then_some(())
    })
    .await;
    wait::until("the BFF answers again", BACK, async || {
        let reply = agent.fetch(Method::GET, &stack.at("/api/auth/session")).send().await;
        (reply.status == 200 && reply.json()["authenticated"] == true).then_some(())
    })
    .await;
    assert_eq!(agent.cookies().get(COOKIE).map(|stored| stored.value.clone()), Some(cookie));
    let health = agent.get(&format!("http://{}/health", stack.bff_address)).send().await;
    assert_eq!((health.status.as_u16(), &health.json()["status"]), (200, &json!("healthy")));
}
