//! The page of `--chaos`: parts are taken away by its buttons, and it counts what every answer was meanwhile.

use e2e::browser::Page;
use e2e::wait;
use http::Method;
use serde_json::json;

use super::{sign_in_at, start_by};

/// The demo with parts that can be taken away.
const CHAOS: &str = "cargo run --release -- --chaos";

/// The numbers of a row of answers in the last second: 2xx, 503, other 5xx, 401, none.
async fn answers(page: &Page<'_>, row: &str) -> [u64; 5] {
    let cells = page
        .script(&format!(
            "return [...document.querySelectorAll('#answers-{row} td')].slice(0, 5).map((cell) => Number(cell.textContent))"
        ))
        .await;
    serde_json::from_value(cells).expect("five numbers")
}

/// Waits until the page shows a row of answers that is as wanted.
async fn shows(page: &Page<'_>, row: &str, what: &str, wanted: impl Fn([u64; 5]) -> bool) {
    wait::until(&format!("{row}: {what}"), wait::START, async || {
        wanted(answers(page, row).await).then_some(())
    })
    .await;
}

async fn press(page: &Page<'_>, act: &str, part: &str, condition: &str) {
    page.click(&format!("#{act}-{part}")).await;
    page.text(&format!("#part-{part} [data-condition={condition}]")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_of_the_demo_are_taken_away_by_buttons_and_come_back() {
    let demo = start_by(CHAOS).await;
    let page = demo.browser.page("alice");
    sign_in_at(&demo, &page, "alice", "/chaos/").await;
    let is_well = |[well, away, others, refused, none]: [u64; 5]| {
        well >= 3 && [away, others, refused, none] == [0; 4]
    };
    let all_well = async || {
        for row in ["verify", "bff"] {
            shows(&page, row, "all is well", is_well).await;
        }
        shows(&page, "stranger", "refused", |[well, away, _, refused, _]| {
            refused >= 2 && [well, away] == [0; 2]
        })
        .await;
    };
    all_well().await;

    // Only its own page presses a button.
    let elsewhere = demo
        .agent
        .request(Method::POST, &format!("{}/chaos/parts/redis/kill", demo.origin))
        .header("origin", "http://localhost:1")
        .send()
        .await;
    assert_eq!(elsewhere.status, 403);

    for (act, condition) in [("kill", "killed"), ("freeze", "frozen"), ("cut", "cut")] {
        press(&page, act, "redis", condition).await;
        for row in ["verify", "bff"] {
            shows(&page, row, "503 and nothing else", |[well, away, others, refused, none]| {
                away >= 3 && [well, others, refused, none] == [0; 4]
            })
            .await;
        }
        assert!(page.text("#told").await.starts_with("Redis"), "{}", page.text("#told").await);
        press(&page, "return", "redis", "running").await;
        all_well().await;
    }
    for (act, part, condition) in [
        ("kill", "bff-1", "killed"),
        ("freeze", "bff-2", "frozen"),
        ("cut", "forwardauth-1", "cut"),
        ("freeze", "forwardauth-2", "frozen"),
        ("cut", "idp", "cut"),
    ] {
        press(&page, act, part, condition).await;
        all_well().await;
        press(&page, "return", part, "running").await;
        all_well().await;
    }
    press(&page, "kill", "orders", "killed").await;
    shows(&page, "bff", "away", |[well, away, others, ..]| well == 0 && away + others >= 3).await;
    shows(&page, "verify", "all is well", is_well).await;
    press(&page, "return", "orders", "running").await;
    all_well().await;

    let verdict = page.script("return document.querySelector('#verdict').dataset.kind").await;
    assert_eq!(verdict, json!("held"), "{}", page.text("#verdict").await);
    assert!(!demo.process.log().contains("panicked"), "{}", demo.process.log());
}
