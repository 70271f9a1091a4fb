//! The main journey in a real browser: a deep link, the login, the API calls of a page, the logout.

use e2e::service::{Service, answer};
use e2e::stack::{COOKIE, Stack};
use http::Method;
use serde_json::json;

/// Script for a page of ours: signs nothing, reads what any page may read.
const FETCH: &str = r"
    const call = async (path, init = {}) => {
        const r = await fetch(path, { redirect: 'manual', ...init });
        const type = r.headers.get('content-type') ?? '';
        return { status: r.status, kind: r.type, type, body: type.includes('json') ? await r.json() : await r.text() };
    };
";

#[tokio::test(flavor = "multi_thread")]
async fn c36_a_deep_link_leads_through_the_login_and_back_to_itself() {
    let stack = Stack::start().await;
    let browser = stack.browser().await;
    let page = browser.page("alice");
    let deep_link = stack.at("/app/reports/2026?quarter=3&name=%C3%A4%26b#unsent");

    page.open(&deep_link).await;
    let form = page.arrives(&stack.idp.issuer).await;
    let first = page.requests().await.remove(0);
    assert_eq!(
        (&first["url"], &first["status"]),
        (&json!(deep_link.split('#').next()), &json!(302))
    );
    assert!(!form.contains("client_secret") && !form.contains("code_challenge"), "{form}");

    page.sign_in("alice").await;
    let landed = page.arrives(&stack.at("/app/")).await;
    assert_eq!(landed.split('#').next(), deep_link.split('#').next());
    assert_eq!(page.text("#user").await, "alice");
    let target = page.text("#page").await;
    assert_eq!(target, "/app/reports/2026?quarter=3&name=%C3%A4%26b");
    assert!(stack.protected.seen().iter().all(|seen| seen.header("x-user-id") == "alice"));
}

#[tokio::test(flavor = "multi_thread")]
async fn c63_a_post_from_the_page_works_with_the_csrf_header_and_is_403_without() {
    let stack = Stack::start().await;
    let browser = stack.browser().await;
    let page = browser.page("alice");
    page.open(&stack.at("/auth/login?return_to=/")).await;
    page.sign_in("alice").await;
    page.arrives(&stack.at("/")).await;

    let outcome = page
        .script(&format!(
            r"{FETCH}
            const session = (await call('/api/auth/session')).body;
            const post = (headers) => call('/api/orders', {{ method: 'POST', headers, body: '{{}}' }});
            return {{
                session,
                listed: await call('/api/orders', {{ headers: {{ 'x-csrf-token': session.csrf_token }} }}),
                with: await post({{ 'x-csrf-token': session.csrf_token, 'content-type': 'application/json' }}),
                without: await post({{ 'content-type': 'application/json' }}),
                empty: await post({{ 'x-csrf-token': '' }}),
                wrong: await post({{ 'x-csrf-token': session.csrf_token.slice(0, -2) + 'xx' }}),
            }};"
        ))
        .await;
    assert_eq!(outcome["session"]["authenticated"], true, "{outcome}");
    assert_eq!(outcome["listed"]["status"], 200, "{outcome}");
    assert_eq!(outcome["listed"]["body"]["owner"], "alice");
    assert_eq!(outcome["with"]["status"], 200, "{outcome}");
    for refused in ["without", "empty", "wrong"] {
        assert_eq!(outcome[refused]["status"], 403, "{refused}: {outcome}");
        let kind = outcome[refused]["type"].as_str().unwrap_or_default();
        assert!(kind.starts_with("application/problem+json"), "{refused}: {outcome}");
        assert!(outcome[refused]["body"]["code"].is_string(), "{refused}: {outcome}");
    }
    let written = stack.orders.seen().iter().filter(|seen| seen.method == Method::POST).count();
    assert_eq!(written, 1, "a refused request reached the API");
}

#[tokio::test(flavor = "multi_thread")]
async fn c64_a_page_of_another_origin_gets_nothing_whatever_it_sends() {
    let stack = Stack::start().await;
    let browser = stack.browser().await;
    let page = browser.page("alice");
    page.open(&stack.at("/auth/login?return_to=/")).await;
    page.sign_in("alice").await;
    page.arrives(&stack.at("/")).await;
    // The worst case: the attacker has learnt the CSRF token.
    let token =
        page.script("return (await (await fetch('/api/auth/session')).json()).csrf_token").await;
    let token = token.as_str().expect("a CSRF token").to_owned();
    stack.orders.take();

    // Another site, and a sub-domain next to ours, to which SameSite cookies are sent.
    let hosts = ["evil.test", "evil.wicket.test"];
    let leaf = stack.ca.issue("evil", &hosts);
    let evil = Service::start(Some(leaf.server(&["http/1.1"])), async |_| {
        answer(200, "text/html", "<!doctype html><title>evil</title><p id=evil>evil</p>")
    })
    .await;
    for host in hosts {
        let origin = format!("https://{host}:{}", evil.address.port());
        page.open(&origin).await;
        let before = page.requests().await.len();
        let rejected = stack.audit("csrf.rejected").len();
        let outcome = page
            .script(&format!(
                r"
                const target = '{}';
                const attempt = async (init) => {{
                    try {{
                        const r = await fetch(target, {{ method: 'POST', credentials: 'include', body: '{{}}', ...init }});
                        return r.type === 'opaque' ? 'opaque' : `readable ${{r.status}}`;
                    }} catch (error) {{ return 'blocked'; }}
                }};
                const csrf = {{ 'x-csrf-token': '{token}' }};
                return [
                    await attempt({{ mode: 'no-cors', headers: {{ 'content-type': 'text/plain' }} }}),
                    await attempt({{ mode: 'cors', headers: {{ 'content-type': 'text/plain' }} }}),
                    await attempt({{ mode: 'cors', headers: csrf }}),
                    await attempt({{ mode: 'cors', headers: {{ ...csrf, 'content-type': 'application/json' }} }}),
                    await attempt({{ mode: 'cors', method: 'DELETE', headers: csrf }}),
                ];",
                stack.at("/api/orders"),
            ))
            .await;
        for result in outcome.as_array().expect("a list") {
            let result = result.as_str().unwrap_or_default();
            assert!(!result.starts_with("readable 2"), "{host}: {outcome}");
        }
        // What a browser keeps from a page (CORS, resource policy) it does not list among the answers.
        assert!(stack.audit("csrf.rejected").len() > rejected, "{host}: nothing was even tried");
        for reply in page.requests().await.split_off(before) {
            let status = reply["status"].as_u64().unwrap_or(0);
            assert!(reply["method"] == "OPTIONS" || matches!(status, 401 | 403), "{host}: {reply}");
        }
    }

    // The same without a browser's restraint: cookie, token and all.
    let agent = stack.signed_in("bob").await;
    let token = stack.session(&agent).await["csrf_token"].as_str().expect("a token").to_owned();
    stack.orders.take();
    for (name, value) in [
        ("origin", "https://evil.test"),
        ("origin", "https://evil.wicket.test"),
        ("origin", "http://app.wicket.test"),
        ("origin", "https://app.wicket.test.evil.test"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        let mut call = agent
            .fetch(Method::POST, &stack.at("/api/orders"))
            .header("x-csrf-token", &token)
            .header(name, value)
            .json(&json!({}));
        if name == "sec-fetch-site" {
            call = call.without("origin");
        }
        let reply = call.send().await;
        assert_eq!(reply.status, 403, "{name}: {value}: {}", reply.text());
        assert!(!reply.problem().is_empty(), "{name}: {value}");
        assert_eq!(reply.header("access-control-allow-origin"), "", "{name}: {value}");
    }
    assert!(stack.orders.seen().is_empty(), "a request of another origin reached the API");
    assert_eq!(stack.post(&agent, "/api/orders", &json!({})).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn c35_script_sees_neither_cookie_nor_token() {
    let stack = Stack::start().await;
    let browser = stack.browser().await;
    let page = browser.page("alice");
    page.open(&stack.at("/app/")).await;
    page.sign_in("alice").await;
    page.arrives(&stack.at("/app/")).await;
    page.open(&stack.at("/")).await;

    let visible = page
        .script(
            r"
            const dump = (store) => Object.fromEntries(Object.entries(store));
            const session = await (await fetch('/api/auth/session')).json();
            const databases = (await indexedDB.databases?.()) ?? [];
            return { cookie: document.cookie, local: dump(localStorage), session_storage: dump(sessionStorage), databases, session };",
        )
        .await;
    assert_eq!(visible["cookie"], "", "{visible}");
    for empty in ["local", "session_storage"] {
        assert_eq!(visible[empty], json!({}), "{visible}");
    }
    assert_eq!(visible["databases"], json!([]), "{visible}");
    assert_eq!(visible["session"]["authenticated"], true, "{visible}");

    let cookies = page.cookies().await;
    let ours: Vec<_> =
        cookies.iter().filter(|cookie| cookie["domain"] == "app.wicket.test").collect();
    let session = ours.iter().find(|cookie| cookie["name"] == COOKIE).expect("a session cookie");
    for cookie in &ours {
        assert_eq!(
            (&cookie["httpOnly"], &cookie["secure"]),
            (&json!(true), &json!(true)),
            "{cookie}"
        );
        assert!(cookie["sameSite"] == "Lax" || cookie["sameSite"] == "Strict", "{cookie}");
    }
    let value = session["value"].as_str().unwrap_or_default();
    assert_eq!(value.len(), 43, "not 32 random bytes in base64url");

    let mut canaries = stack.canaries().await;
    canaries.plant("session cookie", value);
    let leaks = canaries.found("what script sees", visible.to_string().as_bytes());
    assert!(leaks.is_empty(), "{leaks:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn t15_c39_logout_ends_the_session_everywhere_and_the_next_visit_asks_for_login() {
    let stack = Stack::start().await;
    let browser = stack.browser().await;
    let page = browser.page("alice");
    page.open(&stack.at("/app/")).await;
    page.sign_in("alice").await;
    page.arrives(&stack.at("/app/")).await;
    let stolen = page
        .cookies()
        .await
        .into_iter()
        .find(|cookie| cookie["name"] == COOKIE)
        .and_then(|cookie| cookie["value"].as_str().map(str::to_owned))
        .expect("a session cookie");
    let thief = stack.agent();
    thief.edit_cookies(|jar| jar.plant("app.wicket.test", COOKIE, &stolen));
    assert_eq!(stack.ask_verify(&thief, "/app/").send().await.status, 200);

    page.open(&stack.at("/")).await;
    let logout =
        page.script("return (await (await fetch('/api/auth/session')).json()).logout_url").await;
    let logout = logout.as_str().expect("a logout URL");
    let logout = url::Url::parse(&stack.origin).expect("a URL").join(logout).expect("a URL");
    page.open(logout.as_str()).await;
    // The provider ends its own session and sends the browser back, where the login form waits.
    page.text("#login").await;
    assert!(page.arrives(&stack.idp.issuer).await.contains("/interaction/"));

    let left: Vec<_> =
        page.cookies().await.into_iter().filter(|cookie| cookie["name"] == COOKIE).collect();
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(stack.ask_verify(&thief, "/app/").send().await.status, 401);
    assert_eq!(stack.session(&thief).await, json!({"authenticated": false}));
    let refused = thief.fetch(Method::GET, &stack.at("/api/orders")).send().await;
    assert_eq!(refused.status, 401, "{}", refused.text());
    assert!(stack.redis.keys("bff:session:").await.is_empty(), "the session is still stored");
    assert!(stack.idp.count("POST /token/revocation").await > 0, "no token was revoked");

    page.open(&stack.at("/app/again")).await;
    assert!(page.arrives(&stack.idp.issuer).await.contains("/interaction/"));
    page.sign_in("bob").await;
    page.arrives(&stack.at("/app/again")).await;
    assert_eq!(page.text("#user").await, "bob");
}

#[tokio::test(flavor = "multi_thread")]
async fn c68_a_fetch_without_a_session_gets_401_json_and_never_a_redirect() {
    let stack = Stack::start().await;
    let browser = stack.browser().await;
    let page = browser.page("nobody");
    page.open(&stack.at("/")).await;
    let answers = page
        .script(&format!(
            r"{FETCH}
            const all = {{}};
            for (const path of ['/app/data', '/api/orders', '/api/echo/x'])
                for (const method of ['GET', 'POST'])
                    all[`${{method}} ${{path}}`] = await call(path, {{ method, headers: {{ accept: 'text/html,*/*' }} }});
            return all;"
        ))
        .await;
    for (request, reply) in answers.as_object().expect("an object") {
        assert_eq!(
            (&reply["status"], &reply["kind"]),
            (&json!(401), &json!("basic")),
            "{request}: {reply}"
        );
        let kind = reply["type"].as_str().unwrap_or_default();
        assert!(kind.starts_with("application/problem+json"), "{request}: {reply}");
        let login = reply["body"]["login_url"].as_str().unwrap_or_default();
        assert!(login.contains("/auth/login"), "{request}: {reply}");
    }
    // A browser asks for these by itself: they must not start a login either.
    let image = page
        .script("return await new Promise((done) => { const i = new Image(); i.onerror = () => done('refused'); i.onload = () => done('loaded'); i.src = '/app/picture.png'; })")
        .await;
    assert_eq!(image, "refused");
    let image = page
        .requests()
        .await
        .into_iter()
        .find(|reply| reply["url"] == stack.at("/app/picture.png"));
    assert_eq!(image.expect("it was asked for")["status"], 401);
    assert_eq!(
        stack.idp.count("POST /request").await,
        0,
        "a request that is no navigation began a login"
    );
}
