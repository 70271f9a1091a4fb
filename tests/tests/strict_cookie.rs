//! `SameSite=Strict` and a `__Host-` name in a real browser, with an `IdP` on another site: a navigation
//! that another site began brings no such cookie, and a login leads home all the same.

use e2e::browser::Page;
use e2e::service::{Service, answer};
use e2e::stack::Stack;
use serde_json::{Value, json};

const NAME: &str = "__Host-sid";

async fn start() -> Stack {
    Stack::plan().both("BFF_COOKIE_NAME", NAME).both("BFF_COOKIE_SAMESITE", "Strict").start().await
}

/// A site of somebody else with a link to `target`.
async fn elsewhere(stack: &Stack, target: &str) -> (Service, String) {
    let leaf = stack.ca.issue("elsewhere", &["elsewhere.test"]);
    let page =
        format!("<!doctype html><title>elsewhere</title><a id=link href=\"{target}\">go</a>");
    let service = Service::start(Some(leaf.server(&["http/1.1"])), move |_| {
        let page = page.clone();
        async { answer(200, "text/html", page) }
    })
    .await;
    let origin = format!("https://elsewhere.test:{}", service.address.port());
    (service, origin)
}

async fn session_cookie(page: &Page<'_>) -> Option<Value> {
    page.cookies().await.into_iter().find(|cookie| cookie["name"] == NAME)
}

#[tokio::test(flavor = "multi_thread")]
async fn c36_c35_with_a_strict_host_cookie_a_link_on_another_site_leads_through_the_login_to_its_page()
 {
    let stack = start().await;
    let browser = stack.browser().await;
    let page = browser.page("alice");
    let deep = stack.at("/app/reports/2026?quarter=3");
    let (_site, elsewhere) = elsewhere(&stack, &deep).await;

    page.open(&elsewhere).await;
    page.click("#link").await;
    page.arrives(&stack.idp.issuer).await;
    page.sign_in("alice").await;
    assert_eq!(page.arrives(&stack.at("/app/")).await, deep);
    assert_eq!(page.text("#user").await, "alice");
    assert_eq!(stack.idp.count("grant authorization_code").await, 1);
    let cookie = session_cookie(&page).await.expect("a session cookie");
    assert_eq!(
        json!([cookie["sameSite"], cookie["secure"], cookie["httpOnly"], cookie["path"]]),
        json!(["Strict", true, true, "/"]),
    );
    assert_eq!(cookie["domain"], json!(e2e::traefik::HOST), "host-only: {cookie}");

    // Who is signed in comes back to the session that is there, without another login.
    page.open(&elsewhere).await;
    page.click("#link").await;
    assert_eq!(page.arrives(&stack.at("/app/")).await, deep);
    assert_eq!(page.text("#user").await, "alice");
    assert_eq!(stack.idp.count("grant authorization_code").await, 1);
    assert_eq!(session_cookie(&page).await, Some(cookie));
}
