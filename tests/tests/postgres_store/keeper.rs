//! What the keeper makes of two stores of which one, or each in its turn, was away.

use session::conformance::session;
use session::durable::keeper::{Beat, Keeper};
use session::faulty::Fault;
use session::id::StoreKey;
use session::store::{Store as _, StoreError};

use super::{PATIENT, Pair};

/// The database was away as the session was made, and Redis as it ended: what is owed of the one must not undo the other.
#[tokio::test]
async fn c80_a_session_that_ended_before_the_database_was_told_of_it_stays_ended() {
    let pair = Pair::start().await;
    let Pair { postgres, redis, store, .. } = &pair;
    let mut keeper = Keeper::new(store.clone(), "the only one".to_owned());
    assert_eq!(keeper.beat().await, Ok(Beat::Restored(0)));

    postgres.freeze();
    let (key, made) = (StoreKey::parse(&"A".repeat(43)).expect("a key"), session(1));
    assert_eq!(store.create(&key, made.clone(), PATIENT * 60).await, Ok(true));
    assert_eq!(store.counted().waiting_writes, 1);
    pair.thaw().await;
    for call in ["take", "delete", "note", "load"] {
        redis.fail(call, Fault::Away, usize::MAX);
    }
    store.take(&key).await.expect("the database remembers that");
    assert_eq!(keeper.beat().await, Err(StoreError::Unavailable));
    redis.heal();
    assert_eq!(redis.load(&key).await, Ok(Some(made)), "Redis comes back with what it had");

    assert_eq!(keeper.beat().await, Ok(Beat::Kept));
    assert_eq!(store.counted().waiting_writes, 0);
    assert_eq!(redis.load(&key).await, Ok(None));
    assert_eq!(store.load(&key).await, Ok(None));
    // Nor is it made once more by what an outage kept on its way.
    assert_eq!(store.kept().create(&key, session(1), PATIENT).await, Ok(false));
    assert_eq!(store.kept().load(&key).await, Ok(None));
}
