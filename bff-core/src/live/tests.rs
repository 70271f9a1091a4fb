use std::time::Duration;

use session::id::SessionId;
use session::memory::MemoryStore;

use super::*;

fn key(byte: u8) -> StoreKey {
    SessionId::from_random([byte; 32]).store_key()
}

struct Place {
    live: Live,
    store: AnyStore,
    shutdown: Shutdown,
}

impl Place {
    fn new(most: usize) -> Self {
        let live = Live { most, ..Live::default() };
        let store = AnyStore::Memory(MemoryStore::new());
        Self { live, store, shutdown: Shutdown::new() }
    }

    fn take(&self, byte: u8) -> Option<Seat> {
        self.live.take(key(byte), &self.store, &self.shutdown)
    }

    async fn tell(&self, news: &[News]) {
        assert_eq!(self.store.publish(News::to_bytes(news)).await, Ok(()));
    }

    fn taken(&self) -> (usize, usize) {
        let seats = lock(&self.live.seats);
        (seats.taken, seats.by_session.len())
    }
}

async fn called(seat: &mut Seat) -> bool {
    tokio::time::timeout(Duration::from_secs(10), seat.called()).await.unwrap()
}

fn is_called(seat: &Seat) -> bool {
    seat.called.has_changed().unwrap()
}

#[tokio::test]
async fn c66_news_wake_the_streams_of_their_session_alone() {
    let place = Place::new(100);
    let (mut first, mut second) = (place.take(1).unwrap(), place.take(1).unwrap());
    let mut other = place.take(2).unwrap();
    place.tell(&[News::ended(key(1), "logout")]).await;
    assert!(called(&mut first).await && called(&mut second).await);
    assert!(!is_called(&other));
    place.tell(&[News::Refreshed { session: key(1) }, News::Changed { session: key(2) }]).await;
    assert!(called(&mut first).await && called(&mut other).await);
}

#[tokio::test]
async fn c66_news_during_a_look_are_not_lost() {
    let place = Place::new(100);
    let (mut seat, mut other) = (place.take(1).unwrap(), place.take(2).unwrap());
    for _ in 0..3 {
        place.tell(&[News::Changed { session: key(1) }]).await;
    }
    place.tell(&[News::Changed { session: key(2) }]).await;
    // Whoever hears the last message has them all behind him.
    assert!(called(&mut other).await);
    assert!(called(&mut seat).await);
    assert!(!is_called(&seat));
}

#[tokio::test]
async fn c70_a_step_up_wakes_the_streams_of_its_session_and_waits_there_in_bounded_number() {
    let place = Place::new(100);
    let mut stream = place.take(1).unwrap();
    let mut other = place.take(2).unwrap();
    let guard = place.live.follow(key(1), &place.store, &place.shutdown);
    let asked = |age: usize| StepUp::new(None, Some(&age.to_string())).unwrap();
    for age in 0..10 {
        let news = News::StepUp { session: key(1), asked: asked(age) };
        place.tell(&[news.clone(), news]).await;
    }
    place.tell(&[News::Changed { session: key(2) }]).await;
    assert!(called(&mut other).await);
    assert!(called(&mut stream).await);
    assert_eq!(stream.asked(), (0..step_up::MOST).map(asked).collect::<Vec<_>>());
    assert!(stream.asked().is_empty() && other.asked().is_empty());
    assert!(!is_called(&guard), "what guards the proxy's streams has nobody to tell");
}

#[tokio::test]
async fn c66_who_may_have_missed_news_looks() {
    let place = Place::new(100);
    let (mut first, mut second) = (place.take(1).unwrap(), place.take(2).unwrap());
    let (sender, receiver) = broadcast::channel(2);
    tokio::spawn(relay(receiver, Arc::clone(&place.live.seats), place.shutdown.clone()));
    sender.send(Heard::Missed).unwrap();
    assert!(called(&mut first).await && called(&mut second).await);

    let (sender, receiver) = broadcast::channel(2);
    for _ in 0..5 {
        sender.send(Heard::Message("junk".into())).unwrap();
    }
    tokio::spawn(relay(receiver, Arc::clone(&place.live.seats), place.shutdown.clone()));
    assert!(called(&mut first).await && called(&mut second).await);
}

#[tokio::test]
async fn c66_the_oldest_stream_of_a_session_makes_room() {
    let place = Place::new(100);
    let mut oldest = place.take(1).unwrap();
    let others: Vec<_> = (1..PER_SESSION).map(|_| place.take(1).unwrap()).collect();
    assert_eq!(place.taken(), (PER_SESSION, 1));
    let newest = place.take(1).unwrap();
    assert_eq!(place.taken(), (PER_SESSION, 1));
    assert!(!called(&mut oldest).await);
    assert!(!others.iter().any(is_called));
    drop((oldest, others));
    assert_eq!(place.taken(), (1, 1));
    drop(newest);
    assert_eq!(place.taken(), (0, 0));
}

#[tokio::test]
async fn c66_a_process_has_a_bounded_number_of_streams() {
    let place = Place::new(2);
    let (first, _second) = (place.take(1).unwrap(), place.take(2).unwrap());
    assert!(place.take(3).is_none());
    drop(first);
    assert!(place.take(3).is_some());
}
