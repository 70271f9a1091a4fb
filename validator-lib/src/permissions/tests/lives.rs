//! For how long what is known is told, and what becomes of who asks while nobody can say.

use std::time::Duration;

use super::directory::MOMENT;
use super::{Directory, Hand, alice, may, may_read};
use crate::permissions::{
    DEFAULT_LIFE, DEFAULT_STALE, DEFAULT_UNKNOWN_LIFE, PermissionCache, PermissionSource, Rights,
    SourceError, Unavailable, User,
};

#[tokio::test]
async fn t15_rights_are_told_for_their_life_and_not_a_moment_longer() {
    let (directory, hand) = (Directory::new(), Hand::default());
    let cache = directory.cache(&hand);
    directory.set(&alice(), may(&["orders:read"]));
    assert_eq!(may_read(&cache, &alice()).await, Some(true));
    directory.set(&alice(), may(&[]));
    hand.advance_nearly(DEFAULT_LIFE);
    assert_eq!(may_read(&cache, &alice()).await, Some(true));
    assert_eq!(directory.asked(), 1);
    hand.advance(MOMENT);
    assert_eq!(may_read(&cache, &alice()).await, Some(false));
    assert_eq!(directory.asked(), 2);
}

/// The answer may be as old as the question.
#[tokio::test]
async fn t15_the_life_of_rights_begins_when_they_were_asked_for() {
    let (directory, hand) = (Directory::new(), Hand::default());
    let cache = directory.cache(&hand);
    directory.set(&alice(), may(&["orders:read"]));
    directory.hold(true);
    let user = alice();
    let (first, ()) = tokio::join!(may_read(&cache, &user), async {
        directory.until_asked(1).await;
        directory.set(&alice(), may(&[]));
        hand.advance(DEFAULT_LIFE);
        directory.hold(false);
    });
    assert_eq!(first, Some(true));
    assert_eq!(may_read(&cache, &alice()).await, Some(false));
}

#[tokio::test]
async fn t15_an_unknown_user_is_denied_for_seconds_without_asking_again() {
    let (directory, hand) = (Directory::new(), Hand::default());
    let cache = directory.cache(&hand);
    for _ in 0..3 {
        assert_eq!(may_read(&cache, &alice()).await, Some(false));
    }
    directory.set(&alice(), may(&["orders:read"]));
    hand.advance_nearly(DEFAULT_UNKNOWN_LIFE);
    assert_eq!(may_read(&cache, &alice()).await, Some(false));
    assert_eq!(directory.asked(), 1);
    hand.advance(MOMENT);
    assert_eq!(may_read(&cache, &alice()).await, Some(true));

    // Who is added and told of is known at once.
    let bob = User::new("https://idp.example", "bob");
    assert_eq!(may_read(&cache, &bob).await, Some(false));
    directory.set(&bob, may(&["orders:read"]));
    cache.invalidate(&bob).await.unwrap();
    assert_eq!(may_read(&cache, &bob).await, Some(true));
}

#[tokio::test]
async fn t15_while_the_source_fails_what_was_known_is_told_within_its_bound() {
    let (directory, hand) = (Directory::new(), Hand::default());
    let cache = directory.cache(&hand);
    directory.set(&alice(), may(&["orders:read"]));
    assert_eq!(may_read(&cache, &alice()).await, Some(true));
    directory.fail(true);
    hand.advance_nearly(DEFAULT_LIFE + DEFAULT_STALE);
    assert_eq!(may_read(&cache, &alice()).await, Some(true));
    assert_eq!(directory.asked(), 2, "the source was asked first");
    hand.advance(MOMENT);
    let refused = cache.rights(&alice()).await;
    assert_eq!(refused, Err(SourceError::new("told to fail").into()));
    directory.fail(false);
    assert_eq!(may_read(&cache, &alice()).await, Some(true));
}

#[tokio::test]
async fn t15_while_the_source_fails_nobody_is_allowed_what_was_not_known_of_him() {
    let (directory, hand) = (Directory::new(), Hand::default());
    let cache = directory.cache(&hand);
    let [unknown, invalidated] = ["unknown", "invalidated"].map(|id| User::new("i", id));
    directory.set(&invalidated, may(&["orders:read"]));
    assert_eq!(may_read(&cache, &unknown).await, Some(false));
    assert_eq!(may_read(&cache, &invalidated).await, Some(true));
    cache.invalidate(&invalidated).await.unwrap();
    directory.fail(true);
    hand.advance(DEFAULT_UNKNOWN_LIFE);
    for user in [&unknown, &invalidated, &alice()] {
        assert_eq!(may_read(&cache, user).await, None, "{user:?}");
    }
    // A failure is no answer, and is remembered by nobody.
    directory.fail(false);
    directory.set(&alice(), may(&["orders:read"]));
    assert_eq!(may_read(&cache, &alice()).await, Some(true));
}

#[tokio::test]
async fn t15_without_a_bound_for_stale_rights_there_are_none() {
    let (directory, hand) = (Directory::new(), Hand::default());
    let cache = PermissionCache::builder(directory.clone());
    let cache = cache.clock(hand.clock()).stale(Duration::ZERO).build();
    directory.set(&alice(), may(&["orders:read"]));
    assert_eq!(may_read(&cache, &alice()).await, Some(true));
    directory.fail(true);
    hand.advance(DEFAULT_LIFE);
    assert_eq!(may_read(&cache, &alice()).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_does_not_answer_is_given_up() {
    let (directory, hand) = (Directory::new(), Hand::default());
    let cache = directory.cache(&hand);
    directory.hold(true);
    assert_eq!(cache.rights(&alice()).await, Err(Unavailable::Deadline));
    directory.hold(false);
    directory.set(&alice(), may(&["orders:read"]));
    assert_eq!(may_read(&cache, &alice()).await, Some(true));
}

#[tokio::test]
async fn a_source_that_panics_harms_nobody_but_who_waits() {
    struct Panics;

    impl PermissionSource for Panics {
        async fn load(&self, user: &User) -> Result<Option<Rights>, SourceError> {
            assert_eq!(user.id(), "bob", "told to");
            Ok(Some(may(&["orders:read"])))
        }
    }

    let cache = PermissionCache::new(Panics);
    for _ in 0..2 {
        assert_eq!(cache.rights(&alice()).await, Err(Unavailable::Failed));
    }
    assert_eq!(may_read(&cache, &User::new("i", "bob")).await, Some(true));
}

#[tokio::test]
async fn t13_users_of_one_name_share_nothing_across_tenants_and_issuers() {
    let (directory, hand) = (Directory::new(), Hand::default());
    let cache = directory.cache(&hand);
    let blue = alice().tenant("blue");
    directory.set(&blue, may(&["orders:read"]));
    assert_eq!(may_read(&cache, &blue).await, Some(true));
    for other in [alice(), alice().tenant("red"), User::new("other", "alice").tenant("blue")] {
        assert_eq!(may_read(&cache, &other).await, Some(false), "{other:?}");
    }
    // Nor does the end of the one touch the other.
    cache.invalidate(&alice()).await.unwrap();
    directory.remove(&blue);
    assert_eq!(may_read(&cache, &blue).await, Some(true));
}
