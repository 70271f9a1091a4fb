//! A page's requests: the header on them, and the logins that answers ask for.

use e2e::browser::Browser;
use e2e::clock;
use e2e::scratch::Scratch;
use e2e::service::{Service, answer};
use e2e::stack::Stack;
use e2e::tls::Ca;
use http::{HeaderValue, Method};
use serde_json::json;

use crate::{pages, sign_in, start};

#[tokio::test(flavor = "multi_thread")]
async fn c63_a_fetch_of_the_spa_client_is_led_through_the_login_and_a_post_has_the_csrf_header() {
    let (_pages, stack) = start(Stack::plan()).await;
    let browser = stack.browser().await;
    let page = browser.page("alice");
    let here = stack.at("/orders?load=/api/orders&q=%C3%A4%26b#part");
    page.open(&here).await;
    assert_eq!(page.text("#user").await, "nobody");
    page.click("#load").await;
    page.arrives(&stack.idp.issuer).await;
    page.sign_in("alice").await;
    assert_eq!(page.arrives(&stack.at("/orders")).await, here);
    assert_eq!(page.text("#user").await, "alice");

    let outcome = page
        .script(
            r"
            const write = { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } };
            return {
                read: (await client.fetch('/api/orders')).status,
                written: (await client.fetch('/api/orders', write)).status,
                bare: (await fetch('/api/orders', write)).status,
            };",
        )
        .await;
    assert_eq!(outcome, json!({"read": 200, "written": 200, "bare": 403}));
    let written = stack.orders.seen().iter().filter(|seen| seen.method == Method::POST).count();
    assert_eq!(written, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn c63_the_csrf_header_of_the_spa_client_goes_to_no_other_origin_not_by_a_redirect_either() {
    let scratch = Scratch::new();
    let ca = Ca::new(scratch.path().to_owned());
    // Worse than any real one: it asks every browser for everything.
    let evil = Service::start(
        Some(ca.issue("evil", &["evil.test"]).server(&["http/1.1"])),
        async |seen| {
            let mut welcome = answer(200, "text/plain", "come in");
            for (name, value) in [
                ("access-control-allow-origin", seen.header("origin")),
                ("access-control-allow-headers", "x-csrf-token"),
                ("access-control-allow-methods", "POST"),
            ] {
                let value = HeaderValue::from_str(value).expect("a header");
                welcome.headers_mut().insert(name, value);
            }
            welcome
        },
    )
    .await;
    // Without the policy that our edge sets, which would keep the page from strangers by itself.
    let bare = Service::start(
        Some(ca.issue("bare", &["bare.test"]).server(&["http/1.1"])),
        async |seen| match seen.uri.path() {
            "/api/auth/session" => {
                let told =
                    json!({ "authenticated": true, "csrf_token": "canary", "logout_url": "/" });
                answer(200, "application/json", told.to_string())
            }
            _ => pages(&seen),
        },
    )
    .await;
    let browser = Browser::start(&scratch, &ca).await;
    let page = browser.page("alice");
    page.open(&format!("https://bare.test:{}/?deaf", bare.address.port())).await;
    let stranger = format!("https://evil.test:{}/", evil.address.port());
    let outcome = page
        .script(&format!(
            r"
            await client.session();
            const name = (sent) => sent.then((answer) => answer.status, (error) => error.name);
            const post = {{ method: 'POST' }};
            return [
                await name(client.fetch('{stranger}', post)), await name(client.fetch('/away?{stranger}', post)),
                await name(client.fetch(new Request('/away?{stranger}', {{ ...post, mode: 'cors' }}))),
            ];"
        ))
        .await;
    assert_eq!(outcome, json!(["TypeError", "TypeError", "TypeError"]));
    assert!(evil.seen().is_empty(), "{:?}", evil.seen());
    let own = bare.seen().iter().filter(|seen| seen.header("x-csrf-token") == "canary").count();
    assert_eq!(own, 2, "the header did go along to where it belongs");

    // The browser's own fetch would have taken it there.
    let init = "{ method: 'POST', headers: { 'x-csrf-token': 'canary' } }";
    let script = format!("return (await fetch('/away?{stranger}', {init})).status");
    assert_eq!(page.script(&script).await, json!(200));
    assert!(evil.seen().iter().any(|seen| seen.header("x-csrf-token") == "canary"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_the_spa_client_whose_csrf_token_is_old_learns_the_new_one_and_repeats_its_request()
 {
    let (_pages, stack) = start(Stack::plan()).await;
    let browser = stack.browser().await;
    let old = browser.page("alice/old");
    sign_in(&stack, &old, "alice", "/?deaf").await;
    let first = old.script("return (await client.session()).csrf_token").await;
    // Another tab signs in anew.
    let new = browser.page("alice/new");
    new.open(&stack.at("/auth/login?prompt=login&return_to=/%3Fdeaf")).await;
    new.sign_in("alice").await;
    new.arrives(&stack.at("/?deaf")).await;

    let write = "return (await client.fetch('/api/orders', { method: 'POST', body: '{\"item\":\"lamp\"}', \
                 headers: { 'content-type': 'application/json' } })).status";
    let before = old.requests().await.len();
    assert_eq!(old.script(write).await, json!(200));
    let statuses: Vec<_> = old
        .requests()
        .await
        .split_off(before)
        .into_iter()
        .map(|request| (request["method"].clone(), request["status"].clone()))
        .collect();
    let (post, get) = (json!("POST"), json!("GET"));
    assert_eq!(
        statuses,
        [(post.clone(), json!(403)), (get, json!(200)), (post, json!(200))],
        "{statuses:?}"
    );
    assert_ne!(old.script("return client.current().csrf_token").await, first);
    let seen = stack.orders.seen();
    assert_eq!(seen.len(), 1, "a request happened twice");
    assert_eq!(&*seen[0].body, br#"{"item":"lamp"}"#);

    // Somebody else in place of her: her request stays undone.
    new.open(&stack.at("/auth/login?prompt=login&return_to=/%3Fdeaf")).await;
    new.sign_in("bob").await;
    new.arrives(&stack.at("/?deaf")).await;
    assert_eq!(old.script(write).await, json!(403));
    assert_eq!(stack.orders.seen().len(), 1);
    assert_eq!(old.script("return client.current().user.id").await, json!("bob"));
}

#[tokio::test(flavor = "multi_thread")]
async fn c70_a_step_up_of_the_spa_client_leads_through_the_login_to_a_session_that_passes() {
    /// As the policy has it, in seconds.
    const SOON: u64 = 4;
    let plan = Stack::plan()
        .policies("policies: { fresh: { max_age: 4s } }")
        .edge("WICKETGATE_POLICIES", "fresh");
    let (_pages, stack) = start(plan).await;
    let browser = stack.browser().await;
    let page = browser.page("alice");
    let here = "/pay?load=/app/fresh/x";
    sign_in(&stack, &page, "alice", here).await;
    let told =
        page.script("return (await (await client.fetch('/app/fresh/x')).json()).headers").await;
    let headers: Vec<(String, String)> = serde_json::from_value(told).expect("an echo");
    let (_, authenticated) =
        headers.iter().find(|(name, _)| name == "x-auth-time").expect("a time");
    clock::reach(authenticated.parse::<u64>().expect("seconds") + SOON + 1).await;
    stack.protected.take();

    page.click("#load").await;
    page.arrives(&stack.idp.issuer).await;
    page.sign_in("alice").await;
    assert_eq!(page.arrives(&stack.at("/pay")).await, stack.at(here));
    assert_eq!(page.text("#user").await, "alice");
    page.click("#load").await;
    assert_eq!(page.text("#answer").await, "200");
    assert_eq!(stack.protected.seen().len(), 1);
}
