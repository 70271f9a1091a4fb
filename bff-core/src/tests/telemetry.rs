//! What pages may report, and what becomes of anything else.

use std::sync::Arc;

use http::Method;

use crate::app::App;
use crate::testing::{APP, Answer, Browser, LISTED, World};

const PATH: &str = "/api/v1/metrics";
const GOOD: &str = r#"{"events":[{"name":"lcp","value":1250,"page":"orders"}]}"#;

async fn send(app: &Arc<App>, kind: &str, body: &str) -> Answer {
    let ask = Browser::new().post(PATH).header("origin", APP).header("content-type", kind);
    ask.body(body.to_owned()).send(app).await
}

#[tokio::test]
async fn a_beacon_is_taken_without_cookie_or_csrf_header() {
    let world = World::start().await;
    for kind in ["application/json", "text/plain;charset=UTF-8", "Text/Plain"] {
        let answer = send(&world.app, kind, GOOD).await;
        assert_eq!((answer.status, answer.body.as_str()), (204, ""), "{kind}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert!(answer.cookies().is_empty());
    }
    // Two session cookies are somebody else's trouble: none is read.
    let odd = Browser::new().post(PATH).header("cookie", "bff_session=a; bff_session=b");
    let answer =
        odd.header("content-type", "text/plain").body(GOOD.to_owned()).send(&world.app).await;
    assert_eq!((answer.status, answer.cookies().len()), (204, 0));
}

#[tokio::test]
async fn c64_another_site_reports_nothing() {
    let world = World::start().await;
    let ask = || Browser::new().post(PATH).header("content-type", "text/plain");
    let sent = [
        (ask().header("origin", "https://evil.test"), 403),
        (ask().header("origin", "null"), 403),
        (ask().header("sec-fetch-site", "cross-site"), 403),
        (ask().header("sec-fetch-site", "same-site"), 403),
        (ask().header("origin", LISTED), 204),
        (ask().header("sec-fetch-site", "same-origin"), 204),
        (ask(), 204),
    ];
    for (number, (ask, status)) in sent.into_iter().enumerate() {
        let answer = ask.body(GOOD.to_owned()).send(&world.app).await;
        assert_eq!(answer.status, status, "number {number}");
    }
}

#[tokio::test]
async fn t17_a_report_that_is_none_is_refused() {
    let world = World::start().await;
    let long = format!("{GOOD}{}", " ".repeat(8 * 1024));
    for (kind, body, status, code) in [
        ("text/plain", "", 400, "report_unreadable"),
        ("text/plain", "{}", 400, "report_unreadable"),
        ("text/plain", r#"{"events":[{"name":"errors","text":"x"}]}"#, 400, "report_unreadable"),
        ("text/html", GOOD, 415, "content_type"),
        ("", GOOD, 415, "content_type"),
        ("text/plain", &long, 413, "body_too_large"),
    ] {
        let answer = send(&world.app, kind, body).await;
        assert_eq!((answer.status, &*answer.code()), (status, code), "{kind} {body:.60}");
    }
    let read = Browser::new().ask(Method::GET, PATH).send(&world.app).await;
    assert_eq!((read.status, read.header("allow")), (405, Some("POST")));
}

#[tokio::test]
async fn reports_have_a_limit_of_their_own() {
    let world = World::start().await;
    world.write("bff.yaml", "rate_limits: { telemetry: { limit: 2, window: 1m } }\n");
    let app = world.replica();
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(send(&app, "text/plain", GOOD).await.status);
    }
    assert_eq!(statuses, [204, 204, 429]);
}
