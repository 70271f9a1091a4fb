//! What a browser sees of answers that a route shapes.

use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::oidc::mock::{MockAs, Reply};
use crate::testing::{Answer, Browser, Gate, World};

const RULES: &str = r#"keep: [id, "items.*.title"]"#;

/// A world whose one service is scripted, behind routes that shape and one that does not.
struct Shaped {
    world: World,
    service: MockAs,
    _files: TempDir,
}

impl Shaped {
    async fn with(rules: &str) -> Self {
        let service = MockAs::start().await;
        let url = service.issuer.clone();
        Self::behind(service, &url, "5s", rules).await
    }

    async fn behind(service: MockAs, url: &str, timeout: &str, rules: &str) -> Self {
        let files = tempfile::tempdir().unwrap();
        let routes = format!(
            "services: {{ api: {{ base_url: \"{url}\", timeout: {timeout} }} }}\nroutes:\n\
             - {{ path: \"/api/*\", target_service: api, upstream_path: \"/{{path}}\", \
             methods: [GET, HEAD, POST], auth: none, response: {{ {rules} }} }}\n"
        );
        std::fs::write(files.path().join("routes.yaml"), routes).unwrap();
        let directory = files.path().to_str().unwrap();
        let world = World::with(&[("BFF_CONFIG_DIR", directory)]).await;
        Self { world, service, _files: files }
    }

    async fn answer(&self, reply: Reply) -> Answer {
        self.service.once("/order", reply);
        Browser::new().get("/api/order").send(&self.world.app).await
    }

    /// The code of the refusal; nothing of the service's answer may be in it.
    async fn refusal(&self, reply: Reply) -> String {
        let answer = self.answer(reply).await;
        assert!(!format!("{answer:?}").contains("a-4711"), "{answer:?}");
        assert_eq!(answer.status, 502);
        answer.code()
    }
}

const ORDER: &str =
    r#"{"id":1234567890123456789012,"account":"a-4711","items":[{"title":"x","of":"a-4711"}]}"#;

fn order() -> Reply {
    Reply::text(200, "application/json; charset=utf-8", ORDER)
}

#[tokio::test]
async fn a_browser_sees_what_the_rules_keep_and_no_field_that_tells_of_the_rest() {
    let shaped = Shaped::with(RULES).await;
    let reply = order()
        .with("etag", "\"a-4711\"")
        .with("content-digest", "sha-256=:a-4711:")
        .with("location", "/accounts/a-4711")
        .with("link", "</accounts/a-4711>; rel=self")
        .with("x-account", "a-4711")
        .with("set-cookie", "account=a-4711")
        .with("retry-after", "7");
    let answer = shaped.answer(reply).await;
    assert_eq!(answer.status, 200);
    let kept = r#"{"id":1234567890123456789012,"items":[{"title":"x"}]}"#;
    assert_eq!(answer.body, kept);
    assert!(!format!("{answer:?}").contains("a-4711"), "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
    assert_eq!(answer.header("retry-after"), Some("7"));
    assert!(answer.header("content-length").is_none_or(|length| length == kept.len().to_string()));
}

#[tokio::test]
async fn the_service_is_asked_for_what_can_be_shaped() {
    let shaped = Shaped::with(RULES).await;
    shaped.service.once("/order", order());
    let ask = Browser::new().get("/api/order").header("accept-encoding", "gzip, br");
    ask.header("range", "bytes=0-9").header("if-range", "x").send(&shaped.world.app).await;
    let seen = shaped.service.seen("/order").pop().unwrap();
    assert_eq!((&*seen.target, seen.body.len()), ("/order", 0));
    assert_eq!(seen.headers.get("accept-encoding").unwrap(), "identity");
    assert!(!seen.headers.contains_key("range") && !seen.headers.contains_key("if-range"));
}

#[tokio::test]
async fn what_cannot_be_shaped_is_refused_and_never_passed_on() {
    let shaped = Shaped::with(&format!("{RULES}, max_body: 256")).await;
    let json = |body: &str| Reply::text(200, "application/json", body);
    let long = format!(r#"{{"id":1,"account":"a-4711{}"}}"#, "x".repeat(256));
    for (reply, code) in [
        (Reply::text(200, "text/html", "a-4711"), "response_not_json"),
        (Reply::text(200, "application/json; charset=utf-16", ORDER), "response_not_json"),
        (Reply::text(200, "text/event-stream", "data: a-4711\n\n"), "response_not_json"),
        (order().with("content-type", "application/json"), "response_not_json"),
        (Reply::text(206, "application/json", ORDER), "response_not_json"),
        (
            Reply::text(302, "application/json", ORDER).with("location", "/a-4711"),
            "response_not_json",
        ),
        (order().with("content-encoding", "gzip"), "response_encoded"),
        (json(&long), "response_too_large"),
        (json(r#"{"id":1,"account":"a-4711""#), "response_malformed"),
        (json(r#"{"id":"a-4711","id":2}"#), "response_ambiguous"),
        (json(r#""a-4711""#), "response_not_shapeable"),
    ] {
        assert_eq!(shaped.refusal(reply).await, code);
    }
}

#[tokio::test]
async fn an_answer_without_content_has_nothing_to_shape() {
    let shaped = Shaped::with(RULES).await;
    for status in [200, 201, 202, 204, 304] {
        let reply = Reply::text(status, "application/json", "").with("etag", "\"a-4711\"");
        let answer = shaped.answer(reply).await;
        assert_eq!((answer.status, &*answer.body), (status, ""));
        assert!(!format!("{answer:?}").contains("a-4711"), "{answer:?}");
    }
    shaped.service.once("/order", order().with("etag", "\"a-4711\""));
    let ask = Browser::new().ask(http::Method::HEAD, "/api/order");
    let answer = ask.send(&shaped.world.app).await;
    assert_eq!((answer.status, &*answer.body), (200, ""));
    assert!(!format!("{answer:?}").contains("a-4711"), "{answer:?}");
}

#[tokio::test]
async fn of_a_services_refusal_only_what_speaks_of_no_one_is_passed_on() {
    let shaped = Shaped::with("drop: [account]").await;
    let problem = r#"{"type":"https://orders.example/closed","title":"Account closed","status":409,
        "detail":"a-4711 is closed","instance":"/accounts/a-4711","id":"a-4711"}"#;
    let reply = Reply::text(409, "application/problem+json", problem)
        .with("retry-after", "7")
        .with("x-account", "a-4711");
    let answer = shaped.answer(reply).await;
    assert_eq!((answer.status, &*answer.code()), (409, "upstream_error"));
    assert_eq!(answer.json()["title"], "Account closed");
    assert_eq!(answer.json()["type"], "https://orders.example/closed");
    assert_eq!(answer.header("retry-after"), Some("7"));
    assert!(!format!("{answer:?}").contains("a-4711"), "{answer:?}");

    for reply in [
        Reply::text(500, "text/html", "<p>a-4711</p>"),
        Reply::json(404, serde_json::json!({ "title": "a-4711" })),
        Reply::text(400, "application/problem+json", r#"{"title":"a-4711","title":"b"}"#),
        Reply::text(
            400,
            "application/problem+json",
            &format!(r#"{{"title":"a-4711{}"}}"#, "x".repeat(999)),
        ),
    ] {
        let answer = shaped.answer(reply).await;
        assert_eq!(answer.code(), "upstream_error");
        assert!(!format!("{answer:?}").contains("a-4711"), "{answer:?}");
    }
}

#[tokio::test]
async fn an_answer_that_does_not_end_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        let _read = stream.read(&mut request).await.unwrap();
        let head =
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 999\r\n\r\n";
        stream.write_all(format!("{head}{ORDER}").as_bytes()).await.unwrap();
    });
    let shaped = Shaped::behind(MockAs::start().await, &url, "5s", RULES).await;
    assert_eq!(shaped.refusal(order()).await, "response_incomplete");
}

#[tokio::test]
async fn an_answer_that_stands_still_is_given_up_in_time() {
    let service = MockAs::start().await;
    let gate = Gate::before(&service.issuer).await;
    gate.stall_after(150);
    let shaped = Shaped::behind(service, &gate.url(""), "300ms", RULES).await;
    let answer = shaped.answer(Reply::text(200, "application/json", &ORDER.repeat(9))).await;
    assert_eq!((answer.status, &*answer.code()), (504, "upstream_timeout"));
}
