//! A login that is under way while its user is signed out: logout wins, in every order.

use std::time::Duration;

use session::faulty::Fault;
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
    let lists = [world.alice().index(), IndexKey::idp_session("", &issuer, "idp-session")];
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

#[tokio::test]
async fn c45_logout_wins_over_a_login_in_any_order() {
    let world = World::administered(&[]).await;
    let login = world.logged_in().await;
    let (pair, index) = (world.pair(), world.alice().index());
    let [here, there] = &pair.apps;
    let mut refused = 0;
    for seed in 1..=1_000 {
        pair.pace(seed);
        let (begun, ended) = tokio::join!(begin_directly(here, &login, Duration::ZERO), async {
            for _ in 0..(seed % 7) * (seed % 11) * 20 {
                tokio::task::yield_now().await;
            }
            there.end_all(&index, TEST).await
        });
        ended.unwrap();
        refused += usize::from(begun.is_err());
        assert_eq!(world.stored().await, [], "seed {seed}");
        if let Ok(id) = begun {
            let left = world.app.store.load(&id.store_key()).await;
            assert_eq!(left, Ok(None), "seed {seed}: a session that no list knows");
        }
        assert_eq!(world.app.store.index_list(&index).await, Ok(vec![]), "seed {seed}");
    }
    assert!((50..=950).contains(&refused), "the seeds prove little: {refused}");
}

/// A login that began after the logout is not ended, and the list that is being emptied knows it.
#[tokio::test]
async fn a_new_login_is_listed_while_old_sessions_end() {
    let world = World::administered(&[]).await;
    let login = world.logged_in().await;
    let (pair, index) = (world.pair(), world.alice().index());
    let [here, there] = &pair.apps;
    // So that the login finds a tombstone that is older than itself.
    assert_eq!(world.app.end_all(&index, TEST).await, Ok(0));
    let mut alive = 0;
    for seed in 1..=1_000 {
        pair.pace(seed);
        let (begun, ()) = tokio::join!(begin_directly(here, &login, Duration::ZERO), async {
            // The rest of an `end_all`, once its tombstone stands.
            let keys = there.store.index_list(&index).await.unwrap();
            there.empty(&index, &keys, TEST).await.unwrap();
        });
        // The list was read when the session stood in it, or it was not.
        let lives = match &begun {
            Ok(id) => world.app.store.load(&id.store_key()).await.unwrap().is_some(),
            Err(error) => {
                assert_eq!(error.reason(), "signed_out_meanwhile", "seed {seed}");
                false
            }
        };
        alive += usize::from(lives);
        assert_eq!(world.stored().await.len(), usize::from(lives), "seed {seed}");
        let listed = world.app.store.index_list(&index).await.unwrap();
        assert_eq!(listed.len(), usize::from(lives), "seed {seed}");
        if let Ok(id) = begun {
            world.app.end_key(&id.store_key(), TEST).await.unwrap();
        }
    }
    assert!((50..=990).contains(&alive), "the seeds prove little: {alive}");
}

#[tokio::test]
async fn c80_where_nobody_knows_of_a_logout_there_is_no_session() {
    let world = World::administered(&[]).await;
    let login = world.logged_in().await;
    for call in ["tombstone", "note"] {
        let store = world.faulty();
        let app = world.another().over(&store).start();
        store.fail(call, Fault::Away, 1);
        let begun = begin_directly(&app, &login, Duration::ZERO).await;
        assert!(matches!(begun, Err(ApiError::Store(_))), "{begun:?}");
        assert!(app.shutdown.drained(Duration::from_secs(5)).await);
        assert_eq!(world.stored().await, [], "{call}");
    }
}
