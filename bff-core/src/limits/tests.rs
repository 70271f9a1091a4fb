use session::faulty::FaultyStore;
use session::id::SessionId;
use session::keys::KeyRing;
use session::memory::MemoryStore;

use super::*;

fn limiter(store: &FaultyStore) -> RateLimiter {
    let keys = SessionKeys::new(KeyRing::single("k", [3; 32]));
    RateLimiter::new(AnyStore::Faulty(store.clone()), keys)
}

/// What leases cost and what they save: the limit is met exactly while all replicas are asked, and most
/// requests of a busy caller need no round trip.
#[tokio::test]
async fn replicas_share_one_limit_for_few_round_trips() {
    let memory = MemoryStore::new();
    let stores = [FaultyStore::over(memory.clone()), FaultyStore::over(memory)];
    let limiters = stores.each_ref().map(limiter);
    let rule = Rule::new("proxy", "proxy", 1_000, Duration::from_secs(3_600)).unwrap();
    let key = SessionId::from_random([1; 32]).store_key();
    let mut admitted = 0;
    for number in 0..3_000 {
        let limiter = &limiters[number % 2];
        admitted += u32::from(limiter.admit(Some(&rule), "", Subject::Session(&key)).await.is_ok());
    }
    assert_eq!(admitted, 1_000);
    let asked: usize = stores.iter().map(|store| store.calls().len()).sum();
    assert!(asked < 300, "{asked} round trips for 3000 requests");
}

/// A replica that holds permits and is asked no more takes at most a 64th of the rest from the other.
#[tokio::test]
async fn what_another_replica_holds_costs_a_caller_little() {
    let memory = MemoryStore::new();
    let stores = [FaultyStore::over(memory.clone()), FaultyStore::over(memory)];
    let [one, other] = stores.each_ref().map(limiter);
    let rule = Rule::new("proxy", "proxy", 1_000, Duration::from_secs(3_600)).unwrap();
    let key = SessionId::from_random([1; 32]).store_key();
    let ask = async |limiter: &RateLimiter| {
        u32::from(limiter.admit(Some(&rule), "", Subject::Session(&key)).await.is_ok())
    };
    let mut admitted = 0;
    for _ in 0..200 {
        admitted += ask(&one).await;
    }
    for _ in 0..1_500 {
        admitted += ask(&other).await;
    }
    assert!((1_000 - 1_000 / 64..=1_000).contains(&admitted), "{admitted}");
}
