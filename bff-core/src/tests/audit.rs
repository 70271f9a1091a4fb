//! What the audit log says of sessions that end, and what no line ever holds.

use http::Method;
use serde_json::{Value, json};
use session::faulty::Fault;
use shell::captured::CapturedLog;

use crate::oidc::mock::NOW;
use crate::testing::{Browser, OPS, World, ask_admin};

/// The fields of all audit events of this name.
fn events(log: &CapturedLog, name: &str) -> Vec<Value> {
    log.audit().into_iter().filter(|fields| fields["event"] == name).collect()
}

async fn journey(world: &World) -> Vec<String> {
    let browsers = [
        world.signed_in().await,
        world.signed_in().await,
        world.signed_in().await,
        world.signed_in().await,
    ];
    let references: Vec<String> = browsers.iter().map(Browser::reference).collect();
    let token = world.csrf(&browsers[0]).await;
    let of_second = format!("/api/auth/sessions/{}", references[1]);
    browsers[0].ask(Method::DELETE, &of_second).with_csrf(&token).send(&world.app).await;
    browsers[0].post("/auth/logout").with_csrf(&token).send(&world.app).await;
    let ask = async |method, target: &str, body: Value| {
        let answer = ask_admin(&world.app, method, target, &body).await;
        assert!(answer.status < 300, "{answer:?}");
    };
    let user = "/admin/users/alice/sessions";
    ask(Method::GET, user, Value::Null).await;
    ask(Method::GET, "/admin/config", Value::Null).await;
    ask(Method::DELETE, &format!("/admin/sessions/{}", references[2]), Value::Null).await;
    ask(Method::PUT, "/admin/users/alice/flags", json!({ "banned": true })).await;
    ask(Method::DELETE, user, Value::Null).await;
    let revocation = json!({ "iss": "https://i", "jti": "t1", "exp": NOW + 60 });
    ask(Method::POST, "/admin/revocations", revocation).await;
    references
}

#[tokio::test]
async fn c83_who_ended_a_session_is_in_the_audit_log_and_no_secret_is() {
    let log = CapturedLog::default();
    let world = World::administered(&[]).await;
    // For the thread: ends of sessions are tasks of their own.
    let listening = tracing::subscriber::set_default(log.subscriber("trace"));
    let references = journey(&world).await;
    drop(listening);

    let ended: Vec<Value> = events(&log, "session.revoked")
        .iter()
        .map(|event| json!([event["session"], event["reason"], event["actor"]]))
        .collect();
    let short = |number: usize| references[number].chars().take(8).collect::<String>();
    let expected = [
        json!([short(1), "revoked", "user"]),
        json!([short(0), "logout", "user"]),
        json!([short(2), "admin", "admin:ops"]),
        json!([short(3), "admin", "admin:ops"]),
    ];
    assert_eq!(ended, expected);

    for (event, field, value) in [
        ("admin.sessions_listed", "count", json!(2)),
        ("admin.config_read", "actor", json!("ops")),
        ("admin.session_revoked", "session", json!(short(2))),
        ("admin.flags_set", "banned", json!(true)),
        ("admin.sessions_revoked", "count", json!(1)),
        ("admin.tokens_revoked", "jti", json!("t1")),
    ] {
        let told = events(&log, event);
        assert_eq!(told.len(), 1, "{event}");
        assert_eq!(told[0][field], value, "{event}: {}", told[0]);
        assert_eq!(told[0]["actor"], "ops", "{event}");
        let changes = !matches!(event, "admin.sessions_listed" | "admin.config_read");
        assert_eq!(told[0].get("outcome"), changes.then_some(&json!("done")), "{event}");
        assert!(told[0]["request_id"].is_string() && told[0]["ip"] == "127.0.0.1", "{event}");
    }
    let log = log.text();
    for secret in references.iter().map(String::as_str).chain(["canary", OPS]) {
        assert!(!log.contains(secret), "{secret}\n{log}");
    }
}

/// What was changed before something failed is in force: nobody may think that nothing happened.
#[tokio::test]
async fn c83_what_an_administrator_did_only_in_part_is_in_the_audit_log() {
    let log = CapturedLog::default();
    let world = World::administered(&[]).await;
    let browser = world.signed_in().await;
    let store = world.faulty();
    let app = world.another().over(&store).start();
    let _listening = tracing::subscriber::set_default(log.subscriber("audit=info"));
    let session = format!("/admin/sessions/{}", browser.reference());
    let token = json!({ "iss": "https://i", "jti": "t1", "exp": NOW + 60 });
    for (method, target, body, fails, event) in [
        (
            Method::PUT,
            "/admin/users/alice/flags",
            json!({ "banned": true }),
            "index_list",
            "flags_set",
        ),
        (
            Method::DELETE,
            "/admin/users/alice/sessions",
            Value::Null,
            "index_list",
            "sessions_revoked",
        ),
        (Method::DELETE, &session, Value::Null, "take", "session_revoked"),
        (Method::POST, "/admin/revocations", token, "deny", "tokens_revoked"),
    ] {
        log.clear();
        store.fail(fails, Fault::AnswerLost, usize::MAX);
        let answer = ask_admin(&app, method, target, &body).await;
        store.heal();
        assert_eq!(answer.status, 503, "{event}: {answer:?}");
        let told = events(&log, &format!("admin.{event}"));
        assert_eq!(told.len(), 1, "{event}");
        assert_eq!((&told[0]["outcome"], &told[0]["actor"]), (&json!("failed"), &json!("ops")));
    }
}
