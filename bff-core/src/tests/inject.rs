//! Values that the server puts into requests: ours arrive, the browser's do not, and none is ever left out.

use serde_json::{Value, json};

use crate::testing::{ACCOUNT, Answer, Bank, Browser};

async fn transfer(bank: &Bank, browser: &Browser, kind: &str, body: &str) -> Answer {
    let csrf = bank.world.csrf(browser).await;
    let ask = browser.post("/api/transfers").with_csrf(&csrf);
    bank.send(ask.form(body.to_owned()).instead("content-type", kind)).await
}

#[tokio::test]
async fn t18_a_service_gets_the_account_and_the_browser_never_learns_it() {
    let bank = Bank::start().await;
    let browser = bank.world.signed_in().await;
    let answer =
        bank.get(&browser, "/api/transactions?page=2&account_id=evil&Account%5FId=evil").await;
    assert_eq!(answer.body, r#"{"total":2,"items":[{"id":1,"amount":"1.50"}]}"#);

    let answer = bank.get(&browser, "/api/statements/2026/11").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json()["lines"], json!([{ "text": "rent" }]));

    let body = r#"{"amount":1.50,"from":{"account":"evil","note":"x"},"FROM":1}"#;
    let answer = transfer(&bank, &browser, "application/json", body).await;
    assert_eq!((answer.status, &*answer.code()), (400, "json_ambiguous"));
    let body = r#"{"amount":1.50,"from":{"account":"evil","note":"x"}}"#;
    let answer = transfer(&bank, &browser, "application/json", body).await;
    assert_eq!(answer.json(), json!({ "id": "t-1", "state": "done" }));
    let seen = bank.last("/transfers");
    let expected = format!(r#"{{"amount":1.50,"from":{{"account":"{ACCOUNT}","note":"x"}}}}"#);
    assert_eq!(std::str::from_utf8(&seen.body).unwrap(), expected);
    assert_eq!(seen.headers.get("content-length").unwrap(), &expected.len().to_string());
    assert_eq!(seen.headers.get("x-account").unwrap(), ACCOUNT);
}

#[tokio::test]
async fn t04_t05_no_spelling_of_an_injected_header_comes_from_the_browser() {
    let bank = Bank::start().await;
    let browser = bank.world.signed_in().await;
    let csrf = bank.world.csrf(&browser).await;
    let ask = browser.post("/api/transfers").with_csrf(&csrf).form("{}");
    let ask = ask.instead("content-type", "application/json").header("x-account", "evil");
    let ask = ask.header("x_account", "evil").header("x.account", "evil");
    let answer = bank.send(ask.header("connection", "x-account")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let seen = bank.last("/transfers");
    assert!(!format!("{:?}", seen.headers).contains("evil"), "{seen:?}");
    let values: Vec<_> = seen.headers.get_all("x-account").iter().collect();
    assert_eq!(values, [ACCOUNT]);
}

#[tokio::test]
async fn a_request_without_its_value_is_not_forwarded() {
    let bank = Bank::start().await;
    bank.accounts_are(&json!({ "items": [] }));
    let browser = bank.world.signed_in().await;
    let log = shell::captured::CapturedLog::default();
    let listening = tracing::subscriber::set_default(log.subscriber("audit=info"));
    for path in ["/api/transactions", "/api/statements/2026/11"] {
        let answer = bank.get(&browser, path).await;
        assert_eq!((answer.status, &*answer.code()), (403, "context_missing"));
        assert_eq!(answer.json()["value"], "user.accounts.cash");
    }
    let answer = transfer(&bank, &browser, "application/json", "{}").await;
    assert_eq!(answer.code(), "context_missing");
    drop(listening);
    let events = log.audit();
    let missing = events.iter().filter(|event| event["event"] == "context.missing").count();
    assert_eq!(missing, 3, "{events:?}");
    assert_eq!(events[0]["value"], "user.accounts.cash");
    assert!(
        bank.ledger.seen("/transactions").is_empty() && bank.ledger.seen("/transfers").is_empty()
    );
}

#[tokio::test]
async fn a_value_that_cannot_stand_where_it_belongs_is_as_good_as_none() {
    let bank = Bank::start().await;
    for (value, query, path) in [
        (json!(4711), 200, 200),
        (json!(true), 200, 200),
        (json!("a b&c=d"), 200, 200),
        (json!("a/b"), 200, 403),
        (json!("a%2eb"), 200, 403),
        (json!(".."), 200, 403),
        (json!("a;b"), 200, 403),
        (json!("a\nb"), 403, 403),
        (json!(""), 403, 403),
        (json!("x".repeat(1025)), 403, 403),
        (json!(1.5), 403, 403),
        (json!(12_345_678_901_234_567_890_123_f64), 403, 403),
        (json!(["a"]), 403, 403),
        (json!({ "a": 1 }), 403, 403),
        (Value::Null, 403, 403),
    ] {
        bank.accounts_are(&json!({ "items": [{ "id": value }] }));
        let browser = bank.world.signed_in().await;
        assert_eq!(bank.get(&browser, "/api/transactions").await.status, query, "{value}");
        let answer = bank.get(&browser, "/api/statements/2026/11").await;
        // The ledger knows no statements of these accounts: 500 of its own.
        let reached = if answer.status == 500 { 200 } else { answer.status };
        assert_eq!(reached, path, "{value}");
    }
    let query = "/transactions?account_id=a%20b%26c%3Dd";
    assert!(bank.ledger.seen("/transactions").iter().any(|seen| seen.target == query));
}

#[tokio::test]
async fn a_body_that_is_no_plain_json_is_not_forwarded() {
    let bank = Bank::start().await;
    let browser = bank.world.signed_in().await;
    let json = "application/json";
    let large = format!("{{\"x\":\"{}\"}}", "x".repeat(64 * 1024));
    for (kind, body, status, code) in [
        ("text/plain", "{}", 415, "content_type"),
        ("application/x-www-form-urlencoded", "a=1", 415, "content_type"),
        ("application/json; charset=utf-16", "{}", 415, "content_type"),
        (json, &*large, 413, "body_too_large"),
        (json, "", 400, "json_malformed"),
        (json, "[]", 400, "json_no_object"),
        (json, "{\"a\":1,\"a\":2}", 400, "json_ambiguous"),
        (json, "{}{}", 400, "json_malformed"),
    ] {
        let answer = transfer(&bank, &browser, kind, body).await;
        assert_eq!((answer.status, &*answer.code()), (status, code), "{kind} {body:.20}");
    }
    let csrf = bank.world.csrf(&browser).await;
    let ask = browser.post("/api/transfers").with_csrf(&csrf).form("{}");
    let ask = ask.instead("content-type", json).header("content-encoding", "gzip");
    assert_eq!(bank.send(ask).await.code(), "content_type");
    assert!(bank.ledger.seen("/transfers").is_empty());
}

#[tokio::test]
async fn a_query_that_two_services_could_read_differently_is_not_forwarded() {
    let bank = Bank::start().await;
    let browser = bank.world.signed_in().await;
    let answer = bank.get(&browser, "/api/transactions?account%255Fid=evil").await;
    assert_eq!((answer.status, &*answer.code()), (400, "query_unclear"));
    assert!(bank.ledger.seen("/transactions").is_empty());
}

#[tokio::test]
async fn nobody_has_no_values() {
    let optional = |file: &str| file.replace("auth: session", "auth: optional");
    let bank = Bank::changed(optional, &[]).await;
    let answer = bank.get(&Browser::new(), "/api/transactions").await;
    assert_eq!((answer.status, &*answer.code()), (401, "unauthenticated"));
    assert!(bank.ledger.seen("/transactions").is_empty());
}
