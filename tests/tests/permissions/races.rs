//! Changes while loads are under way. Each load here has read what was before the change, and comes after it.

use e2e::wait;

use crate::place::{BACK, EPOCH, Place, Service, alice};

/// Neither service, nor one that starts later, goes by what was read before.
async fn nothing_old_is_left(place: &Place, services: &[&Service]) {
    let user = alice();
    for service in services {
        wait::until("what is new is known", BACK, async || {
            (service.allows(&user).await == Some(false)).then_some(())
        })
        .await;
    }
    let later = place.service().await;
    assert_eq!(later.allows(&user).await, Some(false));
}

#[tokio::test(flavor = "multi_thread")]
async fn t15_a_load_that_races_with_an_invalidation_elsewhere_leaves_nothing_old() {
    let place = Place::start().await;
    let user = alice();
    for all in [false, true] {
        let (reader, teller) = (place.service().await, place.service().await);
        place.directory.allow(&user, true);
        let asked = place.directory.asked();
        place.directory.hold(true);
        let (before, ()) = tokio::join!(reader.allows(&user), async {
            place.directory.until_asked(asked + 1).await;
            place.directory.allow(&user, false);
            let told = if all {
                teller.cache.invalidate_all().await
            } else {
                teller.cache.invalidate(&user).await
            };
            told.expect("Redis is told");
            place.directory.hold(false);
        });
        // It was asked before the change.
        assert_eq!(before, Some(true));
        nothing_old_is_left(&place, &[&reader, &teller]).await;
        // The next two are to find nothing in Redis.
        teller.cache.invalidate_all().await.expect("Redis is told");
    }
}

/// The message may come after what was read before is written. In Redis the lease alone keeps that out, so here
/// nobody is told.
#[tokio::test(flavor = "multi_thread")]
async fn t15_what_was_read_before_a_change_is_not_written_even_by_who_has_not_heard_of_it() {
    for forget in ["user", "epoch", "both"] {
        let place = Place::start().await;
        let reader = place.service().await;
        let user = alice();
        place.directory.allow(&user, true);
        place.directory.hold(true);
        let (before, ()) = tokio::join!(reader.allows(&user), async {
            place.directory.until_asked(1).await;
            let users = place.users().await;
            let [key] = &users[..] else { panic!("a lease: {users:?}") };
            match forget {
                "user" => place.redis.ask(&[b"DEL", key.as_bytes()]).await,
                "epoch" => place.redis.ask(&[b"SET", EPOCH, b"another"]).await,
                _ => place.redis.ask(&[b"FLUSHALL"]).await,
            };
            place.directory.allow(&user, false);
            place.directory.hold(false);
        });
        assert_eq!(before, Some(true), "{forget}");
        wait::until("the reader has tried to write", BACK, async || {
            let (by_name, by_text) =
                (place.redis.calls("evalsha").await, place.redis.calls("eval").await);
            (by_name + by_text == 2).then_some(())
        })
        .await;
        let later = place.service().await;
        assert_eq!(later.allows(&user).await, Some(false), "{forget}");
    }
}

/// Of two that load at once, with one lease, the first to come writes.
#[tokio::test(flavor = "multi_thread")]
async fn services_that_load_at_once_share_a_lease_and_one_writes() {
    let place = Place::start().await;
    let services = [place.service().await, place.service().await];
    let user = alice();
    place.directory.allow(&user, true);
    place.directory.hold(true);
    let (one, other, ()) =
        tokio::join!(services[0].allows(&user), services[1].allows(&user), async {
            place.directory.until_asked(2).await;
            place.directory.hold(false);
        });
    assert_eq!((one, other), (Some(true), Some(true)));
    place.until_kept(1).await;
    assert_eq!(place.service().await.allows(&user).await, Some(true));
    assert_eq!(place.directory.asked(), 2);
}

/// Many of everything, in whatever order it comes.
#[tokio::test(flavor = "multi_thread")]
async fn t15_after_a_storm_of_loads_and_changes_nothing_old_is_left() {
    let place = Place::start().await;
    let services = [place.service().await, place.service().await, place.service().await];
    let user = alice();
    for round in 0..300 {
        let allowed = round % 2 == 0;
        let teller = &services[round % services.len()];
        let asking = async {
            for _ in 0..5 {
                futures_util::future::join_all(services.iter().map(|each| each.allows(&user)))
                    .await;
            }
        };
        let changing = async {
            place.directory.allow(&user, allowed);
            teller.cache.invalidate(&user).await.expect("Redis is told");
        };
        tokio::join!(asking, changing);
        assert_eq!(teller.allows(&user).await, Some(allowed), "round {round}: at once by who told");
        for service in &services {
            wait::until("the change counts", BACK, async || {
                (service.allows(&user).await == Some(allowed)).then_some(())
            })
            .await;
        }
    }
    let asked = place.directory.asked();
    eprintln!("300 changes, {} questions, {asked} loads", 300 * 15);
}
