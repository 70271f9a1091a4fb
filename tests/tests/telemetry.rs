//! What pages report, in a real browser and through Traefik, and what operators see of it.

use std::time::Duration;

use e2e::stack::Stack;
use e2e::wait;
use http::Method;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_beacon_of_a_page_becomes_a_metric_and_nothing_of_its_text_does() {
    let plan = Stack::plan().bff_yaml("telemetry: { pages: [orders], events: [checkout] }");
    let stack = plan.start().await;
    let browser = stack.browser().await;
    let page = browser.page("alice");
    page.open(&stack.at("/")).await;
    let outcome = page
        .script(
            r"
            const events = [
                { name: 'lcp', value: 1250, page: 'orders' },
                { name: 'cls', value: 0.07, page: 'orders' },
                { name: 'errors', value: 2, page: 'canary-page' },
                { name: 'checkout', page: 'orders' },
                { name: 'canary-name' },
            ];
            const body = JSON.stringify({ events });
            const json = new Blob([body], { type: 'application/json' });
            const text = JSON.stringify({ events: [{ name: 'errors', message: 'canary-text' }] });
            return [
                navigator.sendBeacon('/api/v1/metrics', body),
                navigator.sendBeacon('/api/v1/metrics', json),
                (await fetch('/api/v1/metrics', { method: 'POST', body: text })).status,
            ];
            ",
        )
        .await;
    assert_eq!(outcome, json!([true, true, 400]));

    let agent = stack.agent();
    let metrics = wait::until("two beacons", Duration::from_secs(10), async || {
        let url = format!("http://{}/metrics", stack.bff.admin);
        let text = agent.get(&url).send().await.text();
        text.contains("bff_spa_errors_total{page=\"other\"} 4").then_some(text)
    })
    .await;
    for line in [
        "bff_spa_vital_seconds_count{vital=\"lcp\",page=\"orders\"} 2",
        "bff_spa_vital_seconds_bucket{vital=\"lcp\",page=\"orders\",le=\"1\"} 0",
        "bff_spa_vital_seconds_bucket{vital=\"lcp\",page=\"orders\",le=\"1.8\"} 2",
        "bff_spa_layout_shift_score_bucket{page=\"orders\",le=\"0.1\"} 2",
        "bff_spa_events_total{event=\"checkout\",page=\"orders\"} 2",
        "bff_spa_rejected_total{reason=\"name\"} 2",
    ] {
        assert!(metrics.contains(line), "{line} is not in {metrics}");
    }
    for (name, text) in stack.logs() {
        assert!(!name.starts_with("bff") || !text.contains("canary-"), "{name}");
    }
    assert!(!metrics.contains("canary-"), "{metrics}");

    let evil = agent.request(Method::POST, &stack.at("/api/v1/metrics"));
    let evil = evil.header("origin", "https://evil.test").header("content-type", "text/plain");
    assert_eq!(evil.body("{\"events\":[]}").send().await.status, 403);
}
