//! A login that is under way while its user is signed out: logout wins, in every order.

use std::time::Duration;

use session::id::SessionId;
use session::store::{IndexKey, Store as _};

use crate::error::ApiError;
use crate::sessions::Cause;
use crate::testing::{Browser, World, begin_directly};

const TEST: Cause<'static> = Cause::rule("test");

async fn revoked(world: &World) -> Vec<String> {
    assert!(world.app.shutdown.drained(Duration::from_secs(10)).await);
    let requests = world.idp.seen("/revoke");
    requests.iter().map(|request| request.param("token").unwrap().to_owned()).collect()
}

#[tokio::test]
async fn c45_t15_a_login_that_began_before_comes_to_nothing() {
    let world = World::administered(&[]).await;
    let issuer = world.idp.issuer.clone();
    let lists = [world.alice().index(), IndexKey::idp_session(&issuer, "idp-session")];
    for (round, list) in lists.iter().enumerate() {
        let browser = Browser::new();
        let login = world.begin(&browser, "/auth/login").await;
        assert_eq!(world.app.end_all(list, TEST).await, Ok(0));
        let answer = world.finish(&browser, &login).await;
        assert_eq!((answer.status, &*answer.code()), (400, "signed_out_meanwhile"));
        assert_eq!(browser.names(), [""; 0]);
        for list in &lists {
            assert_eq!(world.app.store.index_list(list).await, Ok(vec![]));
        }
        assert_eq!(revoked(&world).await.len(), 2 * (round + 1), "what it brought is revoked");

        // One that begins now is nobody's business.
        assert!(world.is_signed_in(&world.signed_in().await).await);
        assert_eq!(world.app.end_all(&lists[0], TEST).await, Ok(1));
    }
}

#[tokio::test]
async fn c45_a_login_that_spends_its_code_this_moment_comes_to_nothing() {
    let world = World::administered(&[]).await;
    let browser = Browser::new();
    let login = world.begin(&browser, "/auth/login").await;
    world.gate.close();
    let (answer, ()) = tokio::join!(world.finish(&browser, &login), async {
        world.gate.someone_waits().await;
        assert_eq!(world.app.end_all(&world.alice().index(), TEST).await, Ok(0));
        world.gate.open();
    });
    assert_eq!((answer.status, &*answer.code()), (400, "signed_out_meanwhile"));
    assert_eq!(world.stored().await, []);
}

/// Real threads, so that every step of the one may fall between any two of the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c45_logout_wins_over_a_login_in_any_order() {
    let world = World::administered(&[]).await;
    let login = world.logged_in().await;
    let index = world.alice().index();
    for round in 0..300 {
        let (app, login) = (world.app.clone(), login.clone());
        let begun =
            tokio::spawn(async move { begin_directly(&app, &login, Duration::from_secs(1)).await });
        let (app, list) = (world.app.clone(), index.clone());
        let ended = tokio::spawn(async move { app.end_all(&list, TEST).await });
        let begun: Result<SessionId, ApiError> = begun.await.unwrap();
        ended.await.unwrap().unwrap();
        assert_eq!(world.stored().await, [], "round {round}");
        if let Ok(id) = begun {
            let left = world.app.store.load(&id.store_key()).await;
            assert_eq!(left, Ok(None), "round {round}: a session that no list knows");
        }
        assert_eq!(world.app.store.index_list(&index).await, Ok(vec![]), "round {round}");
    }
}

/// A login that began after the logout is not ended, and the list that was being emptied knows it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_login_is_listed_while_old_sessions_end() {
    let world = World::administered(&[]).await;
    let login = world.logged_in().await;
    let index = world.alice().index();
    // So that the login finds a tombstone that is older than itself.
    assert_eq!(world.app.end_all(&index, TEST).await, Ok(0));
    for round in 0..300 {
        let (app, login) = (world.app.clone(), login.clone());
        let begun = tokio::spawn(async move { begin_directly(&app, &login, Duration::ZERO).await });
        // The rest of an `end_all` whose tombstone is older than the login.
        let (app, listed) = (world.app.clone(), index.clone());
        let ended = tokio::spawn(async move {
            let keys = app.store.index_list(&listed).await.unwrap();
            app.empty(&listed, &keys, TEST).await
        });
        let id = begun.await.unwrap().unwrap();
        ended.await.unwrap().unwrap();
        let listed = world.app.store.index_list(&index).await.unwrap();
        let lives = world.app.store.load(&id.store_key()).await.unwrap().is_some();
        assert_eq!(listed.contains(&id.store_key()), lives, "round {round}");
        world.app.end_key(&id.store_key(), TEST).await.unwrap();
    }
}
