//! What is held against a user is held by both stores, or the caller hears that it is not.

use bytes::Bytes;
use session::durable::keeper::{Beat, Keeper};
use session::faulty::Fault;
use session::shelf::Shelf as _;
use session::store::StoreError;

use super::Pair;

const NAME: &str = "flags:carol";

/// One time-out of Redis is enough for it to miss a note that PostgreSQL could have taken.
#[tokio::test]
async fn c80_what_redis_did_not_hear_of_a_lasting_note_is_not_called_done() {
    let pair = Pair::start().await;
    let Pair { redis, store, .. } = &pair;
    let mut keeper = Keeper::new(store.clone(), "the only one".to_owned());
    assert_eq!(keeper.beat().await, Ok(Beat::Restored(0)));
    let (said, away) = (Bytes::from("suspended"), Err(StoreError::Unavailable));

    redis.fail("put_note", Fault::Away, 1);
    assert_eq!(store.put_note(NAME, said.clone(), None).await, away);
    assert_eq!(store.note(NAME).await, Ok(None));
    assert_eq!(store.put_note(NAME, said.clone(), None).await, Ok(()));
    assert_eq!(store.note(NAME).await, Ok(Some(said.clone())));
    assert_eq!(redis.note(NAME).await, Ok(Some(said.clone())), "it decides while it is complete");

    redis.fail("remove_note", Fault::Away, 1);
    assert_eq!(store.remove_note(NAME).await, away);
    assert_eq!(store.note(NAME).await, Ok(Some(said.clone())));
    redis.restart();
    assert_eq!(keeper.beat().await, Ok(Beat::Restored(0)));
    assert_eq!(redis.note(NAME).await, Ok(Some(said)), "what was not lifted is given back");
    assert_eq!(store.remove_note(NAME).await, Ok(()));
    assert_eq!(store.note(NAME).await, Ok(None));
    redis.restart();
    assert_eq!(keeper.beat().await, Ok(Beat::Restored(0)));
    assert_eq!(store.note(NAME).await, Ok(None), "what was lifted stays so");
}
