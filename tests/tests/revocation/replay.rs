//! Used DPoP proofs, remembered in Redis for all replicas of a service.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use e2e::redis::Redis;
use e2e::scratch::Scratch;
use e2e::tls::Ca;
use e2e::wait;
use futures_util::future::join_all;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::json;
use validator_lib::dpop::replay::redis::{ANSWER, DEFAULT_PREFIX, RedisReplay};
use validator_lib::dpop::replay::{LIFETIME, ProofName, ReplayError, SharedReplay as _};
use validator_lib::dpop::{Expected, verify};

use crate::writer::BACK;

const NOW: u64 = 1_800_000_000;
const USER: &str = "replay";
const PASSWORD: &str = "replay-password";

/// A good proof that is called `jti`.
fn proof(jti: &str) -> ProofName {
    let key = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a key");
    let x = URL_SAFE_NO_PAD.encode(key.public_key().as_ref());
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": x});
    let header = json!({"typ": "dpop+jwt", "alg": "EdDSA", "jwk": jwk}).to_string();
    let url = "https://api.example/orders";
    let claims = json!({"jti": jti, "htm": "GET", "htu": url, "iat": NOW}).to_string();
    let input = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
    let signature = URL_SAFE_NO_PAD.encode(key.sign(input.as_bytes()));
    let expected =
        Expected { method: "GET", url, access_token: None, thumbprint: None, nonce: None };
    ProofName::of(&verify(&format!("{input}.{signature}"), &expected, NOW).expect("a good proof"))
}

struct Place {
    redis: Redis,
    _scratch: Scratch,
}

impl Place {
    /// A Redis with a user who may do what the documentation says, and nothing else.
    async fn start() -> Self {
        let scratch = Scratch::new();
        let ca = Ca::new(scratch.directory("ca"));
        let redis = Redis::start(&scratch, &ca).await;
        let place = Self { redis, _scratch: scratch };
        place.admit().await;
        place
    }

    async fn admit(&self) {
        let password = format!(">{PASSWORD}");
        let keys = format!("~{DEFAULT_PREFIX}*");
        let rule = ["ACL", "SETUSER", USER, "on", &password, "resetkeys", &keys, "-@all", "+set"];
        self.redis.ask(&rule.map(str::as_bytes)).await;
    }

    /// How many connections the server ever accepted.
    async fn accepted(&self) -> u64 {
        let answer = self.redis.ask(&[b"INFO", b"stats"]).await;
        let text = String::from_utf8_lossy(&answer.flatten().concat()).into_owned();
        let line = text.lines().find_map(|line| line.strip_prefix("total_connections_received:"));
        line.and_then(|count| count.trim().parse().ok()).expect("a count of connections")
    }

    async fn replica(&self) -> RedisReplay {
        let url = self.redis.plain_url();
        let (_, host) = url.rsplit_once('@').expect("an address with credentials");
        let url = format!("redis://{USER}:{PASSWORD}@{host}");
        let replica = RedisReplay::builder(url).start().expect("the settings are usable");
        is_back(&replica, "at the start").await;
        replica
    }
}

async fn is_back(replica: &RedisReplay, what: &str) {
    let mut turn = 0;
    wait::until(&format!("the memory is back {what}"), BACK, async || {
        turn += 1;
        let name = proof(&format!("{what} {turn} {:?}", Instant::now()));
        replica.enter(name, LIFETIME).await.ok()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn t19_of_all_replicas_one_takes_a_proof_and_it_is_kept_for_as_long_as_it_could_be_used() {
    let place = Place::start().await;
    let replicas = [place.replica().await, place.replica().await];
    for round in 0..20 {
        let name = proof(&format!("contended {round}"));
        let entered = join_all((0..50).map(|turn| replicas[turn % 2].enter(name, LIFETIME))).await;
        assert_eq!(entered.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        assert!(entered.iter().all(|outcome| !matches!(outcome, Err(ReplayError::Away))));
    }
    let name = proof("kept");
    assert_eq!(replicas[0].enter(name, LIFETIME).await, Ok(()));
    let key = format!("{DEFAULT_PREFIX}{name}");
    let left = place.redis.ask(&[b"PTTL", key.as_bytes()]).await;
    let left = format!("{left:?}");
    assert!(!left.contains("-1") && !left.contains("-2"), "{left}");
    assert_eq!(replicas[1].enter(name, Duration::from_secs(1)).await, Err(ReplayError::Replayed));
}

#[tokio::test(flavor = "multi_thread")]
async fn t19_while_redis_is_away_no_proof_is_taken_and_it_is_back_by_itself() {
    let place = Place::start().await;
    let replica = place.replica().await;
    let used = proof("used before");
    assert_eq!(replica.enter(used, LIFETIME).await, Ok(()));

    place.redis.ask(&[b"CLIENT", b"KILL", b"USER", USER.as_bytes()]).await;
    is_back(&replica, "after a lost connection").await;
    assert_eq!(replica.enter(used, LIFETIME).await, Err(ReplayError::Replayed));

    place.redis.freeze();
    for turn in 0..5 {
        let asked = Instant::now();
        let outcome = replica.enter(proof(&format!("frozen {turn}")), LIFETIME).await;
        assert_eq!(outcome, Err(ReplayError::Away));
        assert!(asked.elapsed() < 2 * ANSWER, "{:?}", asked.elapsed());
    }
    place.redis.thaw();
    is_back(&replica, "after a standstill").await;
    assert_eq!(replica.enter(used, LIFETIME).await, Err(ReplayError::Replayed));
}

/// Requests go on while Redis is gone, and each of them fails at once: none of them may be in the way of the
/// connection that is being made.
#[tokio::test(flavor = "multi_thread")]
async fn t19_requests_that_go_on_meanwhile_do_not_keep_the_memory_from_coming_back() {
    const TASKS: u64 = 32;
    let mut place = Place::start().await;
    let replica = place.replica().await;
    let (stop, refused) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let load: Vec<_> = (0..TASKS)
        .map(|task| {
            let (replica, stop, refused) =
                (replica.clone(), Arc::clone(&stop), Arc::clone(&refused));
            tokio::spawn(async move {
                let mut turn = 0_u64;
                while !stop.load(Ordering::Relaxed) {
                    turn += 1;
                    let name = proof(&format!("load {task} {turn}"));
                    if replica.enter(name, LIFETIME).await.is_err() {
                        refused.fetch_add(1, Ordering::Relaxed);
                    }
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    // More than one of each task: those were sent to a memory that is known to be away.
    let many_are_refused = async || {
        let before = refused.load(Ordering::Relaxed);
        wait::until("the memory is away", BACK, async || {
            (refused.load(Ordering::Relaxed) > before + 2 * TASKS).then_some(())
        })
        .await;
        let name = proof(&format!("{:?}", Instant::now()));
        assert_eq!(replica.enter(name, LIFETIME).await, Err(ReplayError::Away));
    };
    place.redis.freeze();
    many_are_refused().await;
    place.redis.thaw();
    is_back(&replica, "after a standstill under load").await;

    place.redis.kill();
    many_are_refused().await;
    place.redis.restart_empty().await;
    place.admit().await;
    is_back(&replica, "after a restart under load").await;
    stop.store(true, Ordering::Relaxed);
    for task in join_all(load).await {
        task.expect("a task");
    }
    // Those of the test among them, and those to the server before it was started again are not.
    let accepted = place.accepted().await;
    assert!(accepted < 40, "{accepted} connections");
}
