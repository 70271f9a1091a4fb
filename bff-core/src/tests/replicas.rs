//! Two replicas over one store.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use session::edge::EdgeView;
use session::id::SessionId;
use session::shelf::Shelf as _;
use session::store::{Store as _, StoredSession, Swap};

use crate::app::App;
use crate::oidc::mock::Reply;
use crate::testing::{Browser, FRESH_TOKEN, World};

#[tokio::test]
async fn c49_a_hundred_calls_at_two_replicas_cause_one_refresh() {
    let world = World::start().await;
    let other = world.replica();
    let browser = world.signed_in().await;
    world.clock.advance(301);
    world.idp.once("/token", world.fresh_tokens());
    let calls = (0..100).map(|call| {
        let app = if call % 2 == 0 { &world.app } else { &other };
        world.call(app, &browser)
    });
    for answer in join_all(calls).await {
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    assert_eq!(world.refreshes(), 1);
    let fresh = format!("Bearer {FRESH_TOKEN}");
    let seen = world.service.seen();
    assert!(seen.iter().all(|seen| seen.header("authorization") == Some(&fresh)));
}

#[tokio::test]
async fn c44_t15_a_logout_at_one_replica_counts_at_the_other() {
    let world = World::start().await;
    let other = world.replica();
    let browser = world.signed_in().await;
    let thief = browser.stolen();
    let token = world.csrf(&browser).await;
    assert_eq!(world.call(&other, &thief).await.status, 200);
    browser.post("/auth/logout").with_csrf(&token).send(&world.app).await;
    assert_eq!(world.call(&other, &thief).await.status, 401);
}

#[tokio::test]
async fn c53_who_waits_for_another_replica_spends_nothing() {
    let world = World::start().await;
    let browser = world.signed_in().await;
    world.clock.advance(301);
    let lease = format!("refresh:{}", id_of(&browser).store_key());
    let held = world.app.store.acquire_lease(&lease, "another", Duration::from_secs(600)).await;
    assert_eq!(held, Ok(true));
    // From here on nothing but timers is waited for.
    tokio::time::pause();
    let answer = world.call(&world.app, &browser).await;
    assert_eq!((answer.status, &*answer.code()), (503, "idp_unavailable"));
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(world.refreshes(), 0);
    assert!(world.is_signed_in(&browser).await);

    world.clock.advance(1);
    let (waiting, ()) = tokio::join!(world.app.fresh_tokens_of(&browser), async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        store_newer_tokens(&world.app, &browser).await;
    });
    assert_eq!(waiting, FRESH_TOKEN);
    assert_eq!(world.refreshes(), 0);
}

#[tokio::test]
async fn c54_invalid_grant_after_somebody_stored_newer_tokens_is_no_end() {
    let world = World::start().await;
    let browser = world.signed_in().await;
    world.clock.advance(301);
    world.idp.once("/token", Reply::error(400, "invalid_grant"));
    world.gate.close();
    let (answer, ()) = tokio::join!(world.call(&world.app, &browser), async {
        world.gate.someone_waits().await;
        store_newer_tokens(&world.app, &browser).await;
        world.gate.open();
    });
    assert_eq!(answer.status, 200, "{answer:?}");
    let shown = world.service.last().header("authorization").map(str::to_owned);
    assert_eq!(shown, Some(format!("Bearer {FRESH_TOKEN}")));
    assert!(world.is_signed_in(&browser).await);
}

fn id_of(browser: &Browser) -> SessionId {
    SessionId::parse(browser.session().unwrap().as_bytes()).unwrap()
}

/// What a replica does that refreshed behind a lease which ran out.
async fn store_newer_tokens(app: &Arc<App>, browser: &Browser) {
    let session = app.session_by_id(id_of(browser)).await.unwrap().unwrap();
    let mut tokens = app.tokens(&session).unwrap();
    tokens.access_token = FRESH_TOKEN.to_owned().into();
    tokens.access_expires_at = Some(app.now() + 300);
    let version = session.stored.version + 1;
    let view = EdgeView { token_version: version, ..session.edge.to_view() };
    let edge = session.edge.reseal(&session.key, &view);
    let sealed =
        app.config.session_keys.seal_tokens(&session.id, "", version, &tokens, app.random.bytes());
    let stored = StoredSession {
        edge: edge.unwrap(),
        tokens: sealed.unwrap(),
        version,
        ..session.stored.clone()
    };
    let keep = Duration::from_secs(600);
    let swap = app.store.replace(&session.key, &session.stored, stored, keep).await;
    assert_eq!(swap, Ok(Swap::Done));
}

impl App {
    /// The access token that a call would carry.
    async fn fresh_tokens_of(self: &Arc<Self>, browser: &Browser) -> String {
        let session = self.session_by_id(id_of(browser)).await.unwrap().unwrap();
        let tokens = self.fresh_tokens(&session).await.unwrap();
        secrecy::ExposeSecret::expose_secret(&tokens.access_token).to_owned()
    }
}
