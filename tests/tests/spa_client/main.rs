//! `clients/spa` as pages use it: in the real Chromium, before the real stack. Its own tests have what needs no
//! server (`clients/spa/test`).

mod requests;
mod tabs;

use bytes::Bytes;
use e2e::browser::Page;
use e2e::service::{Seen, Service, answer};
use e2e::stack::{Plan, Stack};
use http::HeaderValue;

/// What is committed, and what the demo is built with.
const CLIENT: &[u8] = include_bytes!("../../../clients/spa/dist/index.js");

/// A page that shows what it is told and what became of its requests.
const PAGE: &str = r#"<!doctype html><html lang="en"><title>page</title><script type="module" src="/page.js"></script>
<button id="load">Load</button><pre id="answer"></pre><p id="user"></p>"#;

const SCRIPT: &str = r#"
import { createClient } from "/wicketgate.js";
window.client = createClient();
const show = (id, text) => { document.getElementById(id).textContent = text; };
document.getElementById("load").addEventListener("click", async () => {
    const path = new URLSearchParams(location.search).get("load");
    try {
        const answer = await client.fetch(path);
        show("answer", `${answer.status}`);
    } catch (error) { show("answer", error.name); }
});
// As an application does that shows who is signed in; ?deaf is one that asks once.
window.changes = [];
if (!location.search.includes("deaf")) {
    client.onSessionChange((change) => {
        changes.push(change);
        show("user", change.session.authenticated ? change.session.user.id : "nobody");
    });
}
"#;

fn pages(seen: &Seen) -> e2e::service::Answer {
    match seen.uri.path() {
        "/page.js" => answer(200, "text/javascript", SCRIPT),
        "/wicketgate.js" => answer(200, "text/javascript", Bytes::from_static(CLIENT)),
        "/away" => {
            let mut away = answer(307, "text/plain", "");
            let target = seen.uri.query().unwrap_or_default();
            away.headers_mut().insert("location", HeaderValue::from_str(target).expect("a URL"));
            away
        }
        _ => answer(200, "text/html; charset=utf-8", PAGE),
    }
}

/// A stack whose pages use the client. The pages live as long as the first of the two.
async fn start(plan: Plan) -> (Service, Stack) {
    let service = Service::start(None, async |seen| pages(&seen)).await;
    let stack = plan.edge("WICKETGATE_SPA_URL", service.origin()).start().await;
    (service, stack)
}

async fn sign_in(stack: &Stack, page: &Page<'_>, user: &str, path: &str) {
    let encoded = path.replace('?', "%3F").replace('&', "%26");
    page.open(&stack.at(&format!("/auth/login?return_to={encoded}"))).await;
    page.sign_in(user).await;
    page.arrives(&stack.at(path)).await;
}
