//! Sessions that end without their cookie: all of a user's, all of a session at the IdP, or one.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use session::faulty::Fault;
use session::id::SessionId;
use session::shelf::{News as Told, Shelf as _};
use session::store::Store as _;

use crate::news::News;
use crate::oidc::mock::NOW;
use crate::sessions::Cause;
use crate::testing::{Browser, World, ask_admin, begin_directly};

const TEST: Cause<'static> = Cause::rule("test");

#[tokio::test]
async fn t15_c44_all_of_five_hundred_sessions_end_at_once_on_every_replica() {
    let world = World::administered(&[]).await;
    let other = world.replica();
    let sessions = world.sessions(500).await;
    let mut news = world.app.store.follow();
    let target = "/admin/users/alice/sessions";
    let answer = ask_admin(&world.app, Method::DELETE, target, &Value::Null).await;
    assert_eq!((answer.status, answer.json()), (200, json!({ "ended": 500 })));
    for id in &sessions {
        let told = Browser::holding(id).get("/api/auth/session").send(&other).await.json();
        assert_eq!(told, json!({ "authenticated": false }));
        assert_eq!(other.store.load(&id.store_key()).await, Ok(None));
    }
    // Nothing is left but what expires.
    assert_eq!(world.app.store.index_list(&world.alice().index()).await, Ok(vec![]));
    for number in 0..500 {
        assert_eq!(world.app.store.index_list(&world.idp_session(number)).await, Ok(vec![]));
        let jti = format!("jti-{number}");
        let expected = json!({ "iss": world.idp.issuer, "jti": jti, "exp": NOW + 300 });
        assert_eq!(world.denied(&jti), Some(expected));
    }
    let user = json!({ "iss": world.idp.issuer, "user_id": "alice", "revoked_before": NOW });
    assert_eq!(world.denied("user:alice"), Some(user));
    // A handful of messages, in which every session is named.
    assert!(world.app.shutdown.drained(Duration::from_secs(5)).await);
    let (mut messages, mut ended) = (0, 0);
    while let Ok(Told::Message(message)) = news.try_recv() {
        messages += 1;
        ended += News::parse(&message)
            .iter()
            .filter(|news| matches!(news, News::Ended { reason, .. } if reason == "admin"))
            .count();
    }
    assert_eq!((messages, ended), (8, 500));

    let again = world.signed_in().await;
    assert!(world.is_signed_in(&again).await);
}

#[tokio::test]
async fn a_session_ends_once_and_is_on_no_list() {
    let world = World::administered(&[]).await;
    let key = world.sessions(1).await.remove(0).store_key();
    assert_eq!(world.app.end_key(&key, TEST).await, Ok(true));
    assert_eq!(world.app.end_key(&key, TEST).await, Ok(false));
    for index in [world.alice().index(), world.idp_session(0)] {
        assert_eq!(world.app.store.index_list(&index).await, Ok(vec![]));
    }
    assert!(world.denied("jti-0").is_some());
}

#[tokio::test]
async fn a_token_is_denied_for_as_long_as_it_would_live() {
    let world = World::administered(&[]).await;
    let keys: Vec<_> = world.sessions(2).await.iter().map(SessionId::store_key).collect();
    world.clock.advance(299);
    assert_eq!(world.app.end_key(&keys[0], TEST).await, Ok(true));
    assert!(world.denied("jti-0").is_some());
    // Some take it for a while after its end.
    world.clock.advance(301);
    assert_eq!(world.app.end_key(&keys[1], TEST).await, Ok(true));
    assert_eq!(world.denied("jti-1"), None, "it is over");

    // Opaque tokens have no name, and one that is called like a user's entry gets none.
    let mut login = world.logged_in().await;
    for token in ["opaque".to_owned(), crate::testing::readable_token("user:bob")] {
        login.tokens.access_token = token.into();
        let id = begin_directly(&world.app, &login, Duration::ZERO).await.unwrap();
        assert_eq!(world.app.end_key(&id.store_key(), TEST).await, Ok(true));
    }
    assert_eq!(world.denied("user:bob"), None);

    // Where nobody said how long a token lives, it is denied for long.
    login.tokens.access_token = crate::testing::readable_token("forever").into();
    login.tokens.expires_in = None;
    let id = begin_directly(&world.app, &login, Duration::ZERO).await.unwrap();
    assert_eq!(world.app.end_key(&id.store_key(), TEST).await, Ok(true));
    assert_eq!(world.denied("forever").unwrap()["exp"], world.app.now() + 86_400);
}

#[tokio::test]
async fn the_sessions_of_one_session_at_the_idp_end_and_no_others() {
    let world = World::administered(&[]).await;
    let sessions = world.sessions(3).await;
    assert_eq!(world.app.end_all(&world.idp_session(1), Cause::idp("backchannel")).await, Ok(1));
    let left = [sessions[0].store_key(), sessions[2].store_key()];
    assert_eq!(world.stored().await, left);
    assert_eq!(world.app.end_all(&world.idp_session(1), TEST).await, Ok(0), "it may be repeated");
}

#[tokio::test]
async fn the_list_forgets_what_had_ended_before() {
    let world = World::administered(&[]).await;
    let sessions = world.sessions(3).await;
    // As a session that idled out: gone from the store, and still listed.
    assert_eq!(world.app.store.delete(&sessions[1].store_key()).await, Ok(true));
    assert_eq!(world.app.end_all(&world.alice().index(), TEST).await, Ok(2));
    assert_eq!(world.app.store.index_list(&world.alice().index()).await, Ok(vec![]));
}

#[tokio::test]
async fn an_end_by_cookie_denies_no_token_and_tells_everybody() {
    let world = World::administered(&[]).await;
    let browser = Browser::holding(&world.sessions(1).await[0]);
    let mut news = world.app.store.follow();
    let token = world.csrf(&browser).await;
    let reference = browser.reference();
    assert_eq!(browser.post("/auth/logout").with_csrf(&token).send(&world.app).await.status, 200);
    assert!(world.app.shutdown.drained(Duration::from_secs(5)).await);
    let Ok(Told::Message(message)) = news.try_recv() else { panic!("nothing was told") };
    let expected = json!([{ "type": "ended", "session": reference, "reason": "logout" }]);
    assert_eq!(serde_json::from_slice::<Value>(&message).unwrap(), expected);
    assert_eq!(world.denied("jti-0"), None, "it is revoked at the IdP");
}

#[tokio::test]
async fn what_the_store_does_not_take_now_is_not_claimed_and_made_good_for() {
    let world = World::administered(&[]).await;
    let sessions = world.sessions(3).await;
    let store = world.faulty();
    let app = world.another().over(&store).start();
    tokio::time::pause();
    store.fail("deny", Fault::Away, 2);
    assert!(app.end_key(&sessions[0].store_key(), TEST).await.is_err());
    assert!(app.shutdown.drained(Duration::from_secs(30)).await);
    assert!(world.denied("jti-0").is_some(), "nobody could name the token later");

    // A session that is looked at before is not even ended.
    let listed = app.look_at(&sessions[1].store_key()).await.unwrap().unwrap();
    store.fail("deny", Fault::Away, 1);
    assert!(app.end_listed_one(&listed, TEST).await.is_err());
    assert_eq!(world.stored().await.len(), 2);

    // All end when it is asked for again.
    store.fail("take", Fault::Away, 1);
    assert!(app.end_all(&world.alice().index(), TEST).await.is_err());
    assert_eq!(app.end_all(&world.alice().index(), TEST).await, Ok(1));
    assert_eq!(world.stored().await, []);
}
