//! A verify with a cache, the sessions it is asked about, and what counts as being told in time.

use std::sync::LazyLock;
use std::time::Duration;

use e2e::stack::key;
use e2e::verify::{Line, Verify};
use e2e::{clock, wait};
use ring::rand::{SecureRandom as _, SystemRandom};
use session::edge::{EdgeKeys, EdgeView};
use session::id::{SessionId, StoreKey};
use session::keys::KeyRing;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// From the moment Redis has acknowledged a change until no answer rests on what was before.
pub(crate) const SOON: Duration = Duration::from_millis(250);
/// Longest silence of Redis on whose word a cached view is still used.
pub(crate) const MAX_LAG: Duration = Duration::from_millis(500);
/// From the moment Redis is there again until sessions are served again.
pub(crate) const BACK: Duration = Duration::from_secs(2);

/// These tests measure time: one at a time.
pub(crate) static ALONE: LazyLock<Mutex<()>> = LazyLock::new(Mutex::default);

/// A session as the BFF would have left it.
pub(crate) struct Session {
    pub(crate) cookie: String,
    pub(crate) store_key: StoreKey,
    pub(crate) redis_key: String,
}

pub(crate) struct Deployment {
    pub(crate) verify: Verify,
    pub(crate) keys: EdgeKeys,
    /// A session that nobody ends.
    pub(crate) kept: Session,
    /// One connection to each thread.
    pub(crate) lines: [Line; 2],
}

impl Deployment {
    pub(crate) async fn start() -> Self {
        let (verify, keys) = verify(&[]).await;
        let kept = save(&verify, &keys, "KEPT").await;
        let lines = verify.line_a_thread(&kept.cookie).await;
        Self { verify, keys, kept, lines }
    }

    pub(crate) async fn save(&self, roles: &'static str) -> Session {
        save(&self.verify, &self.keys, roles).await
    }

    pub(crate) async fn warm(&mut self, session: &Session) {
        warm(&mut self.lines, &session.cookie).await;
    }
}

pub(crate) async fn verify(rights: &[&str]) -> (Verify, EdgeKeys) {
    let ring = format!("e1:{}", key());
    let settings = [
        ("BFF_EDGE_KEYS", ring.as_str()),
        ("FORWARDAUTH_CACHE", "tracking"),
        ("FORWARDAUTH_CACHE_MAX_AGE_MS", "60000"),
        ("FORWARDAUTH_THREADS", "2"),
    ];
    let keys = EdgeKeys::new(&KeyRing::parse(&ring).expect("a ring"));
    (Verify::start(&settings, rights).await, keys)
}

pub(crate) fn session() -> Session {
    let mut random = [0; 32];
    SystemRandom::new().fill(&mut random).expect("the system has randomness");
    let id = SessionId::from_random(random);
    let store_key = id.store_key();
    let name = std::str::from_utf8(store_key.text().as_slice()).expect("ASCII").to_owned();
    Session { cookie: id.expose().to_owned(), store_key, redis_key: format!("bff:session:{name}") }
}

pub(crate) fn sealed(keys: &EdgeKeys, session: &Session, roles: &'static str) -> Vec<u8> {
    let now = clock::now();
    let view = EdgeView {
        created_at: now,
        auth_time: now,
        expires_at: now + 3_600,
        last_seen: now,
        idle_ttl: 3_600,
        issuer: "https://idp.wicket.test".into(),
        user_id: "u-42".into(),
        roles: roles.into(),
        ..EdgeView::default()
    };
    keys.seal(&session.store_key, &view).expect("short fields").to_vec()
}

pub(crate) async fn save(verify: &Verify, keys: &EdgeKeys, roles: &'static str) -> Session {
    let session = session();
    rewrite(verify, keys, &session, roles).await;
    session
}

/// What the BFF does when a refresh brings other roles.
pub(crate) async fn rewrite(
    verify: &Verify,
    keys: &EdgeKeys,
    session: &Session,
    roles: &'static str,
) {
    let view = sealed(keys, session, roles);
    verify.redis.ask(&[b"HSET", session.redis_key.as_bytes(), b"e", &view]).await;
}

pub(crate) async fn delete(verify: &Verify, session: &Session) -> Instant {
    verify.redis.ask(&[b"DEL", session.redis_key.as_bytes()]).await;
    Instant::now()
}

/// Has the session cached by both threads.
pub(crate) async fn warm(lines: &mut [Line; 2], cookie: &str) {
    for line in lines {
        wait::until("a living session is served", BACK, async || {
            let status = line.ask(cookie).await.status;
            assert!(matches!(status, 200 | 503), "{status}");
            (status == 200).then_some(())
        })
        .await;
    }
}

/// Asks both threads until they refuse. No answer to a question put `limit` after `changed` may rest
/// on what was before it, and after the first refusal none at all.
pub(crate) async fn refused(
    lines: &mut [Line; 2],
    cookie: &str,
    changed: Instant,
    limit: Duration,
) {
    for line in lines {
        let mut doubted = false;
        loop {
            let asked = Instant::now();
            match line.ask(cookie).await.status {
                401 => break,
                // Redis was asked and is away: nothing is cached any more.
                503 => {
                    doubted = true;
                    assert!(asked < changed + BACK, "not back in time");
                    tokio::task::yield_now().await;
                }
                200 => {
                    let late = asked.saturating_duration_since(changed);
                    assert!(late <= limit, "served {late:?} after it ended");
                    assert!(!doubted, "served again after Redis was lost");
                }
                other => panic!("{other}"),
            }
        }
        for _ in 0..3 {
            assert_eq!(line.ask(cookie).await.status, 401, "it came back");
        }
    }
}
