use session::id::SessionId;

use super::*;
use crate::testing::World;

fn key(byte: u8) -> StoreKey {
    SessionId::from_random([byte; 32]).store_key()
}

fn counts(streams: &Streams) -> (usize, usize) {
    let open = lock(&streams.open);
    (open.count, open.sessions.len())
}

#[tokio::test]
async fn t12_a_session_and_a_process_have_only_so_many_streams() {
    let world = World::start().await;
    let streams = Streams::new(StreamLimits { process: 4, session: 2 });
    let take = |byte: Option<u8>| {
        let taken = streams.take(&world.app, Kind::Answer, byte.map(key));
        taken.map_err(|error| error.reason())
    };
    let (first, _second) = (take(Some(1)).unwrap(), take(Some(1)).unwrap());
    assert_eq!(take(Some(1)).unwrap_err(), "too_many_streams_of_session");
    let (_other, _nobody) = (take(Some(2)).unwrap(), take(None).unwrap());
    for who in [Some(3), None] {
        assert_eq!(take(who).unwrap_err(), "too_many_streams");
    }
    assert_eq!(counts(&streams), (4, 2));
    drop(first);
    assert!(take(Some(3)).is_ok());
}

#[tokio::test]
async fn what_ended_leaves_nothing_behind() {
    let world = World::start().await;
    let streams = Streams::new(StreamLimits::default());
    let place = streams.take(&world.app, Kind::WebSocket, Some(key(1))).unwrap();
    let left = lock(&streams.open).sessions[&key(1)].left.clone();
    drop(place);
    assert!(left.is_cancelled(), "nobody watches for it any more");
    assert_eq!(counts(&streams), (0, 0));
}

#[tokio::test]
async fn c66_a_session_that_is_gone_ends_streams_that_began_after_it() {
    let world = World::start().await;
    tokio::time::pause();
    let place = world.app.streams.take(&world.app, Kind::Answer, Some(key(1))).unwrap();
    let begun = tokio::time::Instant::now();
    place.over().cancelled().await;
    assert!(begun.elapsed() <= Duration::from_secs(2), "{:?}", begun.elapsed());
}
