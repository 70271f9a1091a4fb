//! A service asks for a stronger login, and every open page of the session hears of it.

use std::sync::Arc;

use serde_json::{Value, json};
use session::id::{SessionId, StoreKey};
use session::shelf::Shelf as _;
use shell::captured::CapturedLog;
use tracing::instrument::WithSubscriber as _;

use crate::app::App;
use crate::news::News;
use crate::oidc::mock::Reply;
use crate::step_up::StepUp;
use crate::testing::{Browser, Events, World};

async fn world() -> World {
    World::configured(&[], |issuer, _| {
        let routes = format!(
            "services: {{ bank: {{ base_url: \"{issuer}/svc\" }} }}\nroutes:\n  - {{ id: pay, path: \
             /api/pay, target_service: bank, upstream_path: /pay, methods: [GET], auth: session }}\n"
        );
        vec![("routes.yaml", routes)]
    })
    .await
}

/// What the service asks for from now on.
fn ask_for(world: &World, parameters: &str) {
    let challenge = format!("Bearer error=\"insufficient_user_authentication\", {parameters}");
    let reply = Reply::text(401, "text/plain", "no").with("www-authenticate", &challenge);
    world.idp.always("/svc/pay", reply);
}

async fn pay(browser: &Browser, app: &Arc<App>) -> u16 {
    browser.get("/api/pay").by_our_page().send(app).await.status
}

async fn listening(browser: &Browser, app: &Arc<App>) -> Events {
    let mut events = Events::open(browser, app).await;
    events.expect("ready").await;
    events
}

fn key_of(browser: &Browser) -> StoreKey {
    SessionId::parse(browser.session().unwrap().as_bytes()).unwrap().store_key()
}

/// What the stream still has to say of step-ups, all that was published before included.
async fn rest(world: &World, browser: &Browser, mut events: Events) -> Vec<Value> {
    world.clock.advance(10);
    let asked = StepUp::new(Some("the end"), None).unwrap();
    let news = News::to_bytes(&[News::StepUp { session: key_of(browser), asked }]);
    assert_eq!(world.app.store.publish(news).await, Ok(()));
    let mut told = Vec::new();
    loop {
        let data = events.expect_at_once("step_up").await;
        if data["acr_values"] == "the end" {
            return told;
        }
        told.push(data);
    }
}

fn gold() -> Value {
    json!({ "acr_values": "gold silver", "max_age": 60,
            "login_url": "/auth/login?acr_values=gold+silver&max_age=60" })
}

#[tokio::test]
async fn c70_every_open_page_at_every_replica_is_told_of_a_step_up_and_nobody_elses() {
    let world = world().await;
    let other = world.replica();
    let (browser, stranger) = (world.signed_in().await, world.signed_in().await);
    let mut streams = vec![
        listening(&browser, &world.app).await,
        listening(&browser, &other).await,
        listening(&browser, &other).await,
    ];
    let untouched = listening(&stranger, &other).await;
    ask_for(&world, "acr_values=\"gold silver\", max_age=60");
    assert_eq!(pay(&browser, &world.app).await, 401, "the call has its own answer");
    for events in &mut streams {
        assert_eq!(events.expect_at_once("step_up").await, gold());
    }
    assert!(rest(&world, &stranger, untouched).await.is_empty());
}

#[tokio::test]
async fn c70_a_page_whose_calls_are_all_refused_is_told_once_and_so_is_the_audit_log() {
    let log = CapturedLog::default();
    let audited = || log.audit().into_iter().filter(|one| one["event"] == "step_up.required");
    async {
        let world = world().await;
        let browser = world.signed_in().await;
        let mut events = listening(&browser, &world.app).await;
        ask_for(&world, "acr_values=gold");
        for _ in 0..30 {
            assert_eq!(pay(&browser, &world.app).await, 401);
        }
        assert_eq!(events.expect_at_once("step_up").await["acr_values"], "gold");
        assert_eq!(audited().count(), 1);
        // Another replica does not know that it was told; the page does.
        let other = world.replica();
        assert_eq!(pay(&browser, &other).await, 401);
        assert_eq!(audited().count(), 2);
        world.clock.advance(10);
        assert_eq!(pay(&browser, &world.app).await, 401);
        events.expect_at_once("step_up").await;
        assert_eq!(audited().count(), 3);
        let line = audited().next().unwrap();
        let said = ["service", "acr_values", "session", "ip"].map(|field| line[field].as_str());
        let reference = browser.reference();
        assert_eq!(said, [Some("bank"), Some("gold"), reference.get(..8), Some("192.0.2.1")]);
        assert!(line["request_id"].is_string() && line["max_age"].is_null());

        // A service that asks for ever other things gets four of them told.
        world.clock.advance(10);
        for age in 0..20 {
            ask_for(&world, &format!("acr_values=platinum, max_age={age}"));
            assert_eq!(pay(&browser, &world.app).await, 401);
        }
        assert_eq!(audited().count(), 7);
        for _ in 0..4 {
            events.expect_at_once("step_up").await;
        }
        assert!(rest(&world, &browser, events).await.is_empty());
    }
    .with_subscriber(log.subscriber("audit=info"))
    .await;
}

#[tokio::test]
async fn c70_who_can_publish_sends_a_page_nowhere_but_to_our_own_login() {
    let world = world().await;
    let browser = world.signed_in_just_now().await;
    let mut events = listening(&browser, &world.app).await;
    let key = key_of(&browser);
    let publish = async |message: Vec<u8>| {
        assert_eq!(world.app.store.publish(message.into()).await, Ok(()));
    };
    // What the session has already is asked of nobody.
    let asked = StepUp::new(None, Some("3600")).unwrap();
    publish(News::to_bytes(&[News::StepUp { session: key, asked }]).to_vec()).await;
    for asked in [
        json!({ "acr_values": "a\nb" }),
        json!({ "login_url": "https://evil.test/" }),
        json!({ "acr_values": "gold", "login_url": "https://evil.test/", "idp": "evil" }),
        json!({ "acr_values": "&idp=evil#" }),
    ] {
        let mut news = asked;
        news["type"] = "step_up".into();
        news["session"] = key.to_string().into();
        publish(json!([news]).to_string().into()).await;
    }
    for login_url in ["/auth/login?acr_values=gold", "/auth/login?acr_values=%26idp%3Devil%23"] {
        assert_eq!(events.expect_at_once("step_up").await["login_url"], login_url);
    }
    assert!(rest(&world, &browser, events).await.is_empty());
}

#[tokio::test]
async fn c70_a_login_that_was_made_just_now_is_asked_of_no_page_again() {
    let world = world().await;
    let browser = world.signed_in_just_now().await;
    let events = listening(&browser, &world.app).await;
    ask_for(&world, "max_age=0");
    assert_eq!(pay(&browser, &world.app).await, 403);
    assert!(rest(&world, &browser, events).await.is_empty());
}

#[tokio::test]
async fn c70_a_login_of_which_nobody_knows_when_it_was_is_not_taken_for_a_fresh_one() {
    let world = world().await;
    let browser = world.signed_in().await;
    let id = SessionId::parse(browser.session().unwrap().as_bytes()).unwrap();
    assert_eq!(world.app.session_by_id(id).await.unwrap().unwrap().edge.auth_time(), 0);
    ask_for(&world, "max_age=3600");
    assert_eq!(pay(&browser, &world.app).await, 401);
}

#[tokio::test]
async fn c70_a_class_that_is_written_with_escapes_is_known_again() {
    let world = world().await;
    let browser = Browser::new();
    let login = world.begin(&browser, "/auth/login").await;
    world.finish_as(&browser, &login, &json!({ "acr": "urn:a%20b" })).await;
    ask_for(&world, "acr_values=\"urn:a%20b\"");
    assert_eq!(pay(&browser, &world.app).await, 403, "another login would not help");
    ask_for(&world, "acr_values=\"urn:a%2520b\"");
    assert_eq!(pay(&browser, &world.app).await, 401);
}
