//! Many who ask at once, and changes while they wait.

use std::time::Duration;

use futures_util::future::join_all;

use super::{Directory, Hand, alice, may, may_read};
use crate::permissions::{PermissionCache, Unavailable, User};

#[tokio::test]
async fn however_many_ask_for_one_user_the_source_is_asked_once() {
    let (directory, hand) = (Directory::new(), Hand::default());
    let cache = directory.cache(&hand);
    directory.set(&alice(), may(&["orders:read"]));
    directory.hold(true);
    let user = alice();
    let asking = join_all((0..100).map(|_| may_read(&cache, &user)));
    let (answers, ()) = tokio::join!(asking, async {
        directory.until_asked(1).await;
        directory.hold(false);
    });
    assert_eq!(answers, [Some(true); 100]);
    assert_eq!(directory.asked(), 1);
}

#[tokio::test]
async fn users_do_not_wait_for_each_other() {
    let (directory, hand) = (Directory::new(), Hand::default());
    let cache = directory.cache(&hand);
    directory.hold(true);
    let users: Vec<_> = (0..10).map(|number| User::new("i", number.to_string())).collect();
    let asking = join_all(users.iter().map(|user| may_read(&cache, user)));
    let (answers, ()) = tokio::join!(asking, async {
        // All ten have asked before the first has its answer.
        directory.until_asked(10).await;
        directory.hold(false);
    });
    assert_eq!(answers, [Some(false); 10]);
}

#[tokio::test]
async fn who_asked_first_may_leave_and_the_answer_is_kept() {
    let (directory, hand) = (Directory::new(), Hand::default());
    let cache = directory.cache(&hand);
    directory.set(&alice(), may(&["orders:read"]));
    directory.hold(true);
    let user = alice();
    tokio::select! {
        answer = may_read(&cache, &user) => panic!("{answer:?}"),
        () = directory.until_asked(1) => {}
    }
    directory.hold(false);
    assert_eq!(may_read(&cache, &user).await, Some(true));
    assert_eq!(directory.asked(), 1);
}

/// What a load read before a change is told to who waited for it then, and to nobody else.
async fn what_was_read_before(forget: impl AsyncFn(&PermissionCache)) {
    let (directory, hand) = (Directory::new(), Hand::default());
    let cache = directory.cache(&hand);
    let user = alice();
    directory.set(&user, may(&["orders:read"]));
    directory.hold(true);
    let (before, ()) = tokio::join!(may_read(&cache, &user), async {
        directory.until_asked(1).await;
        directory.set(&user, may(&[]));
        forget(&cache).await;
        // Who asks now does not wait for that load.
        let (after, ()) = tokio::join!(may_read(&cache, &user), async {
            directory.until_asked(2).await;
            directory.hold(false);
        });
        assert_eq!(after, Some(false));
    });
    assert_eq!(before, Some(true));
    assert_eq!(may_read(&cache, &user).await, Some(false), "whichever came last");
    assert_eq!(directory.asked(), 2, "the newer answer is kept");
}

#[tokio::test]
async fn t15_a_load_that_races_with_an_invalidation_leaves_nothing_old() {
    what_was_read_before(async |cache| cache.invalidate(&alice()).await.unwrap()).await;
}

#[tokio::test]
async fn t15_a_load_that_races_with_an_invalidation_of_everybody_leaves_nothing_old() {
    what_was_read_before(async |cache| cache.invalidate_all().await.unwrap()).await;
}

/// With real threads, in whatever order they come.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t15_after_an_invalidation_nobody_is_told_what_was_before_whatever_was_under_way() {
    let (directory, hand) = (Directory::new(), Hand::default());
    let cache = directory.cache(&hand);
    let user = alice();
    for round in 0..2_000 {
        let granted = round % 2 == 0;
        let asking: Vec<_> = (0..3)
            .map(|_| {
                let (cache, user) = (cache.clone(), user.clone());
                tokio::spawn(async move { may_read(&cache, &user).await })
            })
            .collect();
        directory.set(&user, may(if granted { &["orders:read"] } else { &[] }));
        cache.invalidate(&user).await.unwrap();
        assert_eq!(may_read(&cache, &user).await, Some(granted), "round {round}");
        join_all(asking).await;
        assert_eq!(may_read(&cache, &user).await, Some(granted), "round {round}, later");
    }
}

#[tokio::test]
async fn t17_loads_under_way_are_bounded() {
    let (directory, hand) = (Directory::new(), Hand::default());
    let cache = PermissionCache::builder(directory.clone());
    let cache = cache.clock(hand.clock()).deadline(Duration::from_secs(600)).build();
    directory.hold(true);
    let users: Vec<_> = (0..1_024).map(|number| User::new("i", number.to_string())).collect();
    let asking = join_all(users.iter().map(|user| cache.rights(user)));
    let (answers, ()) = tokio::join!(asking, async {
        directory.until_asked(1_024).await;
        assert_eq!(cache.rights(&alice()).await, Err(Unavailable::Busy));
        directory.hold(false);
    });
    assert!(answers.iter().all(|answer| *answer == Ok(None)));
    assert_eq!(cache.rights(&alice()).await, Ok(None));
}

#[tokio::test]
async fn t17_what_is_kept_is_bounded_in_bytes() {
    let (directory, hand) = (Directory::new(), Hand::default());
    let cache = PermissionCache::builder(directory.clone());
    let cache = cache.clock(hand.clock()).bytes(100_000).build();
    for number in 0..1_000 {
        let user = User::new("i", number.to_string());
        directory.set(&user, may(&[&"p".repeat(200)]));
        assert!(cache.rights(&user).await.unwrap().is_some());
    }
    let (entries, bytes) = cache.size();
    assert!(bytes <= 100_000 && (100..=250).contains(&entries), "{entries} entries, {bytes} bytes");
}
