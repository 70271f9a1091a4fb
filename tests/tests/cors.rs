//! Pages of other origins in a real browser: what one that is listed can do, and one that is not cannot.

use e2e::service::{Service, answer};
use e2e::stack::Stack;
use http::Method;
use serde_json::{Value, json};

/// Sub-domains beside ours, to whose requests a browser adds our cookies.
const LISTED: &str = "pages.wicket.test";
const UNLISTED: &str = "evil.wicket.test";

/// Script of any page. What it may not read it does not learn, not even the status.
const CALL: &str = r"
    const call = async (path, init = {}) => {
        try {
            const r = await fetch(ours + path, { credentials: 'include', ...init });
            const type = r.headers.get('content-type') ?? '';
            return { status: r.status, body: type.includes('json') ? await r.json() : await r.text() };
        } catch (error) { return 'blocked'; }
    };
";

/// The same out of a frame whose origin is `null`.
const FROM_A_FRAME: &str = r"
    const fromFrame = (path) => new Promise((done) => {
        addEventListener('message', (event) => done(event.data), { once: true });
        const frame = document.createElement('iframe');
        frame.sandbox = 'allow-scripts';
        frame.srcdoc = `<script>
            fetch('${ours}${path}', { credentials: 'include' })
                .then(() => parent.postMessage('read', '*'), () => parent.postMessage('blocked', '*'));
        </` + 'script>';
        document.body.append(frame);
    });
";

/// A deployment that lists one of two origins, which are returned.
async fn start() -> (Stack, Service, [String; 2]) {
    let mut stack = Stack::start().await;
    let leaf = stack.ca.issue("pages", &[LISTED, UNLISTED]);
    let pages = Service::start(Some(leaf.server(&["http/1.1"])), async |_| {
        answer(200, "text/html", "<!doctype html><title>elsewhere</title><p>elsewhere</p>")
    })
    .await;
    let origins = [LISTED, UNLISTED].map(|host| format!("https://{host}:{}", pages.address.port()));
    // Only now is its port known.
    let environment = stack.bff.environment.clone();
    stack.bff.environment = environment.set("BFF_CORS_ORIGINS", &origins[0]);
    let agent = stack.agent();
    stack.bff.restart(&agent).await;
    (stack, pages, origins)
}

#[tokio::test(flavor = "multi_thread")]
async fn c65_a_page_of_a_listed_origin_reads_and_writes_and_one_of_any_other_does_neither() {
    let (stack, _pages, [listed, unlisted]) = start().await;
    let browser = stack.browser().await;
    let page = browser.page("alice");
    page.open(&stack.at("/auth/login?return_to=/")).await;
    page.sign_in("alice").await;
    page.arrives(&stack.at("/")).await;
    let token =
        page.script("return (await (await fetch('/api/auth/session')).json()).csrf_token").await;
    let ours = format!("const ours = '{}';", stack.origin);

    page.open(&listed).await;
    let read = page
        .script(&format!(
            r"{ours}{CALL}{FROM_A_FRAME}
            const session = (await call('/api/auth/session')).body;
            const csrf = {{ 'x-csrf-token': session.csrf_token }};
            const post = (headers) => call('/api/orders', {{ method: 'POST', headers, body: '{{}}' }});
            return {{
                session,
                listed: await call('/api/orders', {{ headers: csrf }}),
                written: await post({{ ...csrf, 'content-type': 'application/json' }}),
                refused: await post({{ 'content-type': 'application/json' }}),
                anonymous: await call('/api/orders', {{ credentials: 'omit', headers: csrf }}),
                other_header: await call('/api/orders', {{ headers: {{ ...csrf, 'x-user-id': 'mallory' }} }}),
                frame: await fromFrame('/api/auth/session'),
            }};"
        ))
        .await;
    assert_eq!(read["session"]["user"]["id"], "alice", "{read}");
    assert_eq!(read["listed"]["status"], 200, "{read}");
    assert_eq!(read["listed"]["body"]["owner"], "alice", "{read}");
    assert_eq!(read["written"]["status"], 200, "{read}");
    // Refusals can be read as well, so that a page knows what to do.
    assert_eq!(read["refused"]["status"], 403, "{read}");
    assert!(read["refused"]["body"]["code"].is_string(), "{read}");
    assert_eq!(read["anonymous"]["status"], 401, "{read}");
    assert!(read["anonymous"]["body"]["login_url"].is_string(), "{read}");
    assert_eq!(read["other_header"], "blocked", "{read}");
    assert_eq!(read["frame"], "blocked", "its origin is null: {read}");
    let reached: Vec<_> = stack.orders.take().iter().map(|seen| seen.method.clone()).collect();
    assert_eq!(reached, [Method::GET, Method::POST]);

    page.open(&unlisted).await;
    let refused = page
        .script(&format!(
            r"{ours}{CALL}{FROM_A_FRAME}
            const csrf = {{ 'x-csrf-token': {token} }};
            return [
                await call('/api/auth/session'),
                await call('/api/orders'),
                await call('/api/orders', {{ headers: csrf }}),
                await call('/api/orders', {{ method: 'POST', headers: csrf, body: '{{}}' }}),
                await call('/api/orders', {{ method: 'POST', body: '{{}}' }}),
                await fromFrame('/api/auth/session'),
            ];"
        ))
        .await;
    let refused = refused.as_array().expect("a list");
    assert!(refused.iter().all(|outcome| *outcome == json!("blocked")), "{refused:?}");
    assert_eq!(refused.len(), 6);
    assert!(stack.orders.take().is_empty(), "a request of an unlisted origin reached the API");
    assert!(!stack.audit("csrf.rejected").is_empty(), "nothing was even tried");

    // And nothing of it has ended the session.
    page.open(&stack.at("/")).await;
    let session: Value =
        page.script("return await (await fetch('/api/auth/session')).json()").await;
    assert_eq!(session["authenticated"], true);
}
