//! A service that fails: what is tried again, what is left alone, and what the browser is told.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::Method;
use tempfile::TempDir;

use crate::app::App;
use crate::testing::{Answer, Browser, RawService, World, pass};

struct Stage {
    world: World,
    service: RawService,
    app: Arc<App>,
    directory: TempDir,
}

impl Stage {
    /// A service with these keys beside its address.
    async fn set(keys: &str) -> Self {
        let world = World::start().await;
        let service = RawService::start().await;
        let routes = format!(
            "services:\n  s: {{ base_url: \"{}\", {keys} }}\nroutes:\n\
             - {{ path: /api/s, target_service: s, methods: [GET, POST, PUT], auth: none }}\n\
             - {{ path: /api/mine, target_service: s, methods: [GET], auth: session }}\n\
             - {{ path: /api/quick, target_service: s, methods: [GET], auth: none, timeout: 100ms }}\n",
            service.url
        );
        let (app, directory) = world.replica_routed(&routes, &[]);
        Self { world, service, app, directory }
    }

    /// What a browser is told while the service does as `script` says, connection by connection.
    async fn told(&mut self, ask: crate::testing::Ask, script: &[Act]) -> Answer {
        let service = async {
            let mut kept = Vec::new();
            for act in script {
                let mut talk = self.service.talk().await;
                match act {
                    Act::Hang => kept.push(talk),
                    Act::Close => drop(talk),
                    Act::Say(text) => {
                        talk.say(text).await;
                        kept.push(talk);
                    }
                }
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            answer = ask.send(&self.app) => answer,
            () = service => unreachable!("it waits for ever"),
        }
    }
}

enum Act {
    Hang,
    Close,
    Say(&'static str),
}

const OK: Act = Act::Say("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
const BUSY: Act = Act::Say("HTTP/1.1 503 X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
const BUSY_FOR_LONG: Act =
    Act::Say("HTTP/1.1 503 X\r\ncontent-length: 0\r\nretry-after: 60\r\nconnection: close\r\n\r\n");
const ALL: &str = "retries: { attempts: 3, on: [connect, reset, 503] }";

fn get() -> crate::testing::Ask {
    Browser::new().get("/api/s")
}

#[tokio::test]
async fn what_may_be_repeated_is_and_no_more_often_than_was_said() {
    let mut stage = Stage::set(ALL).await;
    assert_eq!(stage.told(get(), &[Act::Close, BUSY, OK]).await.status, 200);
    assert_eq!(stage.told(get(), &[BUSY, BUSY, BUSY, OK]).await.status, 503);
    let gone = stage.told(get(), &[Act::Close, Act::Close, Act::Close, OK]).await;
    assert_eq!((gone.status, &*gone.code()), (502, "upstream_unreachable"));
    // Who names a time is not asked before it.
    let later = stage.told(get(), &[BUSY_FOR_LONG, OK]).await;
    assert_eq!((later.status, later.header("retry-after")), (503, Some("60")));
}

#[tokio::test]
async fn c29_what_a_service_may_have_begun_is_not_sent_again() {
    let mut stage = Stage::set(ALL).await;
    let ask = |method: Method, body: &'static str| {
        Browser::new().ask(method, "/api/s").form(Body::from(body))
    };
    for (method, body) in [(Method::POST, ""), (Method::POST, "a=1"), (Method::PUT, "a=1")] {
        let answer = stage.told(ask(method.clone(), body), &[Act::Close, OK]).await;
        assert_eq!(answer.status, 502, "{method} {body}");
    }
    assert_eq!(stage.told(ask(Method::PUT, ""), &[Act::Close, OK]).await.status, 200);
    // By default an answer is an answer, and a lost one is lost.
    let mut stage = Stage::set("timeout: 5s").await;
    for act in [BUSY, Act::Close] {
        assert!(stage.told(get(), &[act, OK]).await.status >= 502);
    }
}

#[tokio::test]
async fn c26_a_proof_is_sent_once() {
    let mut stage = Stage::set(ALL).await;
    let browser = stage.world.signed_in().await;
    let mine = |browser: &Browser| browser.get("/api/mine").by_our_page();
    assert_eq!(stage.told(mine(&browser), &[Act::Close, OK]).await.status, 200);

    let bound = World::with(&[("OIDC_DPOP", "required")]).await;
    let routes = format!(
        "services:\n  s: {{ base_url: \"{}\", {ALL} }}\nroutes:\n\
         - {{ path: /api/mine, target_service: s, methods: [GET], auth: session }}\n",
        stage.service.url
    );
    let browser = bound.signed_in().await;
    (stage.app, stage.directory) = bound.replica_routed(&routes, &[]);
    assert_eq!(stage.told(mine(&browser), &[Act::Close, OK]).await.status, 502);
}

#[tokio::test]
async fn a_service_that_does_not_answer_is_left_alone_and_one_request_sees_whether_it_is_back() {
    const OPEN: Duration = Duration::from_secs(30);
    let mut stage =
        Stage::set("retries: { attempts: 1 }, breaker: { failures: 2, window: 100s, open: 30s }")
            .await;
    for _ in 0..2 {
        assert_eq!(stage.told(get(), &[Act::Close]).await.status, 502);
    }
    let left_alone = stage.told(get(), &[OK]).await;
    assert_eq!((left_alone.status, &*left_alone.code()), (503, "upstream_unavailable"));
    assert_eq!(left_alone.header("retry-after"), Some("30"));
    assert_eq!(left_alone.json()["service"], "s");
    assert_eq!(left_alone.json()["request_id"], "request-0001");
    assert!(stage.service.is_alone());

    pass(OPEN).await;
    assert_eq!(stage.told(get(), &[Act::Close]).await.status, 502);
    assert_eq!(stage.told(get(), &[OK]).await.status, 503);
    pass(OPEN).await;
    for _ in 0..3 {
        assert_eq!(stage.told(get(), &[OK]).await.status, 200);
    }
}

#[tokio::test]
async fn answers_of_whatever_status_and_browsers_that_leave_open_no_breaker() {
    let mut stage = Stage::set("breaker: { failures: 1 }").await;
    assert_eq!(stage.told(get(), &[BUSY]).await.status, 503);
    let broken = Body::from_stream(futures_util::stream::iter([
        Ok(axum::body::Bytes::from_static(b"half")),
        Err(std::io::Error::other("gone")),
    ]));
    let upload = Browser::new().post("/api/s").form(broken);
    assert_eq!(stage.told(upload, &[Act::Hang]).await.status, 408);
    assert_eq!(stage.told(get(), &[OK]).await.status, 200);
}

#[tokio::test]
async fn problems_name_the_service_and_say_when_to_come_back() {
    let mut stage = Stage::set("retries: { attempts: 1 }, breaker: { failures: 0 }").await;
    let quick = || Browser::new().get("/api/quick");
    for (acts, status, code) in [
        (&[Act::Close], 502, "upstream_unreachable"),
        (&[Act::Hang], 504, "upstream_timeout"),
        (&[Act::Say("SSH-2.0-OpenSSH\r\n\r\n")], 502, "upstream_unreachable"),
    ] {
        let answer = stage.told(quick(), acts).await;
        assert_eq!((answer.status, &*answer.code()), (status, code));
        assert_eq!(answer.json()["service"], "s");
        assert_eq!(answer.header("retry-after"), Some("1"));
        assert!(!answer.body.contains("127.0.0.1"), "{}", answer.body);
    }
}
