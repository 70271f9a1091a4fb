//! Several tabs of one browser: one event stream, and one truth.

use e2e::browser::{Browser, Page};
use e2e::stack::{Plan, Stack};
use e2e::wait;
use http::Method;
use serde_json::json;

use crate::{sign_in, start};

const TOKEN: &str = "admin-canary-0123456789abcdef0123456789abcdef";
const TABS: [&str; 3] = ["alice/one", "alice/two", "alice/three"];

fn plan() -> Plan {
    Stack::plan().bff("BFF_ADMIN_TOKENS", format!("ops:{TOKEN}"))
}

/// Three tabs that all know who is signed in.
async fn tabs<'a>(stack: &Stack, browser: &'a Browser) -> [Page<'a>; 3] {
    let pages = TABS.map(|name| browser.page(name));
    sign_in(stack, &pages[0], "alice", "/").await;
    for page in &pages[1..] {
        page.open(&stack.at("/")).await;
    }
    for page in &pages {
        assert_eq!(page.text("#user").await, "alice");
    }
    pages
}

/// Waits until `bff` counts so many streams.
async fn streams(stack: &Stack, expected: f64) {
    let agent = stack.agent();
    wait::until(&format!("{expected} streams"), wait::START, async || {
        let open = stack.bff.metric(&agent, "bff_event_streams", "").await;
        ((open - expected).abs() < f64::EPSILON).then_some(())
    })
    .await;
}

/// How many streams this tab has begun.
async fn begun(page: &Page<'_>) -> usize {
    let requests = page.requests().await;
    let is_stream = |request: &&serde_json::Value| {
        request["url"].as_str().is_some_and(|url| url.ends_with("/api/auth/events"))
    };
    requests.iter().filter(is_stream).count()
}

async fn becomes(page: &Page<'_>, user: &str) {
    wait::until(&format!("the page shows {user}"), wait::START, async || {
        (page.text("#user").await == user).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tabs_of_the_spa_client_hold_one_stream_and_another_takes_over_where_its_tab_is_closed() {
    let (_pages, stack) = start(plan()).await;
    let browser = stack.browser().await;
    let pages = tabs(&stack, &browser).await;
    streams(&stack, 1.0).await;
    let mut leaders = Vec::new();
    for page in &pages {
        leaders.push(begun(page).await);
    }
    assert_eq!(leaders.iter().sum::<usize>(), 1, "{leaders:?}");
    let leader = leaders.iter().position(|begun| *begun == 1).expect("one leads");

    pages[leader].close().await;
    let others: Vec<_> = pages.iter().enumerate().filter(|(at, _)| *at != leader).collect();
    let takes_over = async || {
        let begun = (begun(others[0].1).await, begun(others[1].1).await);
        matches!(begun, (1, 0) | (0, 1)).then_some(())
    };
    wait::until("another tab takes over", wait::START, takes_over).await;
    streams(&stack, 1.0).await;

    // And what it hears, both know.
    let reply = stack.admin(Method::DELETE, "/admin/users/alice/sessions", &json!({})).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    for (_, page) in others {
        becomes(page, "nobody").await;
    }
    streams(&stack, 0.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logout_and_a_login_in_one_tab_of_the_spa_client_are_told_in_the_others() {
    let (_pages, stack) = start(plan()).await;
    let browser = stack.browser().await;
    let pages = tabs(&stack, &browser).await;
    streams(&stack, 1.0).await;
    pages[1].script("await client.logout({ stay: true })").await;
    for page in &pages {
        becomes(page, "nobody").await;
    }
    streams(&stack, 0.0).await;

    // Nobody asks while there is nobody, and all hear of the next login, for which the provider still knows her.
    pages[2].open(&stack.at("/auth/login?return_to=/")).await;
    pages[2].arrives(&stack.at("/")).await;
    for page in &pages {
        becomes(page, "alice").await;
    }
    streams(&stack, 1.0).await;

    // The usual logout leaves the page, by way of the provider.
    pages[0].script("setTimeout(() => client.logout())").await;
    pages[0].arrives(&stack.idp.issuer).await;
    for page in &pages[1..] {
        becomes(page, "nobody").await;
    }
    let told =
        pages[1].script("return changes.map((change) => change.session.authenticated)").await;
    assert_eq!(told, json!([true, false, true, false]));
}
