//! Verify with `FORWARDAUTH_CACHE=tracking` and a real Redis: what anybody changes there counts at
//! once, and where Redis cannot say so, verify does not guess.
//!
//! Views are kept for a minute here, so that nothing ends by its age. Every promise is asked of both
//! threads, each of which has a cache of its own.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use e2e::stack::key;
use e2e::verify::{Line, Verify, allow};
use e2e::{clock, wait};
use ring::rand::{SecureRandom as _, SystemRandom};
use session::edge::{EdgeKeys, EdgeView};
use session::id::{SessionId, StoreKey};
use session::keys::KeyRing;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// From the moment Redis has acknowledged a change until no answer rests on what was before.
const SOON: Duration = Duration::from_millis(250);
/// Longest silence of Redis on whose word a cached view is still used.
const MAX_LAG: Duration = Duration::from_millis(500);
/// From the moment Redis is there again until sessions are served again.
const BACK: Duration = Duration::from_secs(2);

/// These tests measure time: one at a time.
static ALONE: LazyLock<Mutex<()>> = LazyLock::new(Mutex::default);

/// A session as the BFF would have left it.
struct Session {
    cookie: String,
    store_key: StoreKey,
    redis_key: String,
}

struct Deployment {
    verify: Verify,
    keys: EdgeKeys,
    /// A session that nobody ends.
    kept: Session,
    /// One connection to each thread.
    lines: [Line; 2],
}

impl Deployment {
    async fn start() -> Self {
        let (verify, keys) = verify(&[]).await;
        let kept = save(&verify, &keys, "KEPT").await;
        let lines = verify.line_a_thread(&kept.cookie).await;
        Self { verify, keys, kept, lines }
    }

    async fn save(&self, roles: &'static str) -> Session {
        save(&self.verify, &self.keys, roles).await
    }

    async fn warm(&mut self, session: &Session) {
        warm(&mut self.lines, &session.cookie).await;
    }
}

async fn verify(rights: &[&str]) -> (Verify, EdgeKeys) {
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

fn session() -> Session {
    let mut random = [0; 32];
    SystemRandom::new().fill(&mut random).expect("the system has randomness");
    let id = SessionId::from_random(random);
    let store_key = id.store_key();
    let name = std::str::from_utf8(store_key.text().as_slice()).expect("ASCII").to_owned();
    Session { cookie: id.expose().to_owned(), store_key, redis_key: format!("bff:session:{name}") }
}

fn sealed(keys: &EdgeKeys, session: &Session, roles: &'static str) -> Vec<u8> {
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

async fn save(verify: &Verify, keys: &EdgeKeys, roles: &'static str) -> Session {
    let session = session();
    rewrite(verify, keys, &session, roles).await;
    session
}

/// What the BFF does when a refresh brings other roles.
async fn rewrite(verify: &Verify, keys: &EdgeKeys, session: &Session, roles: &'static str) {
    let view = sealed(keys, session, roles);
    verify.redis.ask(&[b"HSET", session.redis_key.as_bytes(), b"e", &view]).await;
}

async fn delete(verify: &Verify, session: &Session) -> Instant {
    verify.redis.ask(&[b"DEL", session.redis_key.as_bytes()]).await;
    Instant::now()
}

/// Has the session cached by both threads.
async fn warm(lines: &mut [Line; 2], cookie: &str) {
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
async fn refused(lines: &mut [Line; 2], cookie: &str, changed: Instant, limit: Duration) {
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

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_cached_session_costs_redis_no_command() {
    const REQUESTS: u32 = 2_000;
    let _alone = ALONE.lock().await;
    let mut all = Deployment::start().await;
    let hits = r#"result="hit""#;
    let name = "forwardauth_cache_requests_total";
    let (asked, hit) = (all.verify.redis.calls("hget").await, all.verify.metric(name, hits).await);
    for _ in 0..REQUESTS / 2 {
        for line in &mut all.lines {
            assert_eq!(line.ask(&all.kept.cookie).await.status, 200);
        }
    }
    let asked = all.verify.redis.calls("hget").await - asked;
    // A machine that gave verify no time for half a second makes it ask again.
    assert!(asked <= 4, "{asked} questions to Redis for {REQUESTS} requests");
    let least = hit + f64::from(REQUESTS - 4);
    wait::until("the hits are counted", wait::START, async || {
        (all.verify.metric(name, hits).await >= least).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t16_c44_a_session_that_anybody_ends_is_refused_at_once_under_load() {
    const ENDED: usize = 200;
    let _alone = ALONE.lock().await;
    let mut all = Deployment::start().await;
    let stop = Arc::new(AtomicBool::new(false));
    let mut load = JoinSet::new();
    for _ in 0..4 {
        let other = all.save("OTHER").await;
        let (stop, address) = (Arc::clone(&stop), all.verify.address);
        load.spawn(async move {
            let mut line = Line::open(address).await;
            let mut answers = 0_u64;
            while !stop.load(Ordering::Relaxed) {
                assert_eq!(line.ask(&other.cookie).await.status, 200);
                answers += 1;
            }
            answers
        });
    }
    let mut ended = Vec::new();
    for _ in 0..ENDED {
        let session = all.save("USER").await;
        all.warm(&session).await;
        let changed = delete(&all.verify, &session).await;
        refused(&mut all.lines, &session.cookie, changed, SOON).await;
        ended.push(session);
    }
    for session in &ended {
        for line in &mut all.lines {
            assert_eq!(line.ask(&session.cookie).await.status, 401, "it came back");
        }
    }
    stop.store(true, Ordering::Relaxed);
    let answers: u64 = load.join_all().await.iter().sum();
    assert!(answers > 1_000, "too little load to tell: {answers}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t16_roles_that_changed_are_told_at_once_and_the_old_ones_never_again() {
    const ROLES: [&str; 2] = ["ADMIN", "USER"];
    let _alone = ALONE.lock().await;
    let mut all = Deployment::start().await;
    let session = all.save(ROLES[1]).await;
    all.warm(&session).await;
    for change in 0..100 {
        let (new, old) = (ROLES[change % 2], ROLES[(change + 1) % 2]);
        rewrite(&all.verify, &all.keys, &session, new).await;
        let changed = Instant::now();
        for line in &mut all.lines {
            loop {
                let asked = Instant::now();
                let said = line.ask(&session.cookie).await;
                assert_eq!(said.status, 200);
                if said.roles == new {
                    break;
                }
                assert_eq!(said.roles, old);
                assert!(asked <= changed + SOON, "still {old} after {:?}", asked - changed);
            }
            for _ in 0..3 {
                assert_eq!(line.ask(&session.cookie).await.roles, new);
            }
        }
    }
}

/// Redis tells of a change once: a view that was read before it and kept after it would stay.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t16_a_view_that_changed_while_it_was_read_is_not_kept() {
    const CHANGES: usize = 300;
    let _alone = ALONE.lock().await;
    let mut all = Deployment::start().await;
    for _ in 0..5 {
        let session = all.save("OLD").await;
        let (old, new) = (sealed(&all.keys, &session, "OLD"), sealed(&all.keys, &session, "NEW"));
        let write = |view| vec![&b"HSET"[..], session.redis_key.as_bytes(), b"e", view];
        let mut writes = vec![write(old.as_slice()); CHANGES];
        writes.push(write(&new));
        let done = AtomicBool::new(false);
        let [first, second] = &mut all.lines;
        let ask = async |line: &mut Line| {
            while !done.load(Ordering::Relaxed) {
                assert_eq!(line.ask(&session.cookie).await.status, 200);
            }
        };
        let change = async {
            // One after the other, so that reads come between them.
            for write in &writes {
                all.verify.redis.ask_all(std::slice::from_ref(write)).await;
            }
            done.store(true, Ordering::Relaxed);
            Instant::now()
        };
        let ((), (), changed) = tokio::join!(ask(first), ask(second), change);
        for line in &mut all.lines {
            while line.ask(&session.cookie).await.roles != "NEW" {
                assert!(changed.elapsed() <= SOON, "a view of before was kept");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t16_when_all_sessions_are_flushed_none_is_served() {
    let _alone = ALONE.lock().await;
    let mut all = Deployment::start().await;
    let mut sessions = Vec::new();
    for _ in 0..100 {
        let session = all.save("USER").await;
        all.warm(&session).await;
        sessions.push(session);
    }
    for command in ["FLUSHALL", "FLUSHDB"] {
        all.verify.redis.ask(&[command.as_bytes()]).await;
        let changed = Instant::now();
        for session in sessions.iter().chain([&all.kept]) {
            refused(&mut all.lines, &session.cookie, changed, SOON).await;
        }
        // Once more, with sessions that are there again.
        for session in sessions.iter().chain([&all.kept]) {
            rewrite(&all.verify, &all.keys, session, "USER").await;
            warm(&mut all.lines, &session.cookie).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t16_two_thousand_sessions_that_end_together_are_all_refused() {
    const SESSIONS: usize = 2_000;
    let _alone = ALONE.lock().await;
    let mut all = Deployment::start().await;
    for one_command in [false, true] {
        let sessions: Vec<_> = (0..SESSIONS).map(|_| session()).collect();
        let views: Vec<_> = sessions.iter().map(|one| sealed(&all.keys, one, "USER")).collect();
        let writes: Vec<Vec<&[u8]>> = sessions
            .iter()
            .zip(&views)
            .map(|(one, view)| vec![&b"HSET"[..], one.redis_key.as_bytes(), b"e", view])
            .collect();
        all.verify.redis.ask_all(&writes).await;
        for session in &sessions {
            all.warm(session).await;
        }
        let asked = all.verify.redis.calls("hget").await;
        for session in &sessions {
            all.warm(session).await;
        }
        let asked = all.verify.redis.calls("hget").await - asked;
        assert!(asked < 40, "they were not cached: {asked} questions");

        let names = sessions.iter().map(|one| one.redis_key.as_bytes());
        let deletes: Vec<Vec<&[u8]>> = if one_command {
            vec![std::iter::once(&b"DEL"[..]).chain(names).collect()]
        } else {
            names.map(|name| vec![&b"DEL"[..], name]).collect()
        };
        all.verify.redis.ask_all(&deletes).await;
        let changed = Instant::now();
        for session in &sessions {
            refused(&mut all.lines, &session.cookie, changed, Duration::from_secs(1)).await;
        }
        for session in &sessions {
            for line in &mut all.lines {
                assert_eq!(line.ask(&session.cookie).await.status, 401, "it came back");
            }
        }
        all.verify.redis.ask(&[b"PING"]).await;
        warm(&mut all.lines, &all.kept.cookie).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t16_a_session_that_redis_lets_expire_is_refused() {
    let _alone = ALONE.lock().await;
    let mut all = Deployment::start().await;
    for _ in 0..20 {
        let session = all.save("USER").await;
        all.warm(&session).await;
        all.verify.redis.ask(&[b"PEXPIRE", session.redis_key.as_bytes(), b"50"]).await;
        let over = Instant::now() + Duration::from_millis(50);
        // Redis looks for what is over ten times a second.
        refused(&mut all.lines, &session.cookie, over, SOON + Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t16_what_ends_while_the_connection_is_lost_is_never_served_after() {
    let _alone = ALONE.lock().await;
    let mut all = Deployment::start().await;
    for _ in 0..20 {
        let session = all.save("USER").await;
        all.warm(&session).await;
        let trackers = wait::until("both threads are told of changes", BACK, async || {
            Some(all.verify.redis.trackers().await).filter(|trackers| trackers.len() == 2)
        })
        .await;
        let mut commands: Vec<Vec<&[u8]>> =
            trackers.iter().map(|id| vec![&b"CLIENT"[..], b"KILL", b"ID", id.as_bytes()]).collect();
        // Redis does all three before it accepts another connection.
        commands.push(vec![b"DEL", session.redis_key.as_bytes()]);
        all.verify.redis.ask_all(&commands).await;
        refused(&mut all.lines, &session.cookie, Instant::now(), SOON).await;
        warm(&mut all.lines, &all.kept.cookie).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t16_c80_a_frozen_redis_vouches_for_nothing_and_signs_nobody_out() {
    let _alone = ALONE.lock().await;
    let mut all = Deployment::start().await;
    warm(&mut all.lines, &all.kept.cookie).await;
    all.verify.redis.freeze();
    let frozen = Instant::now();
    let mut last = [Duration::ZERO; 2];
    let mut refusals = [0; 2];
    while frozen.elapsed() < BACK {
        for (thread, line) in all.lines.iter_mut().enumerate() {
            let asked = frozen.elapsed();
            match line.ask(&all.kept.cookie).await.status {
                200 => last[thread] = asked,
                503 => refusals[thread] += 1,
                other => panic!("{other} after {asked:?}"),
            }
        }
    }
    assert!(last.iter().all(|last| *last <= MAX_LAG + SOON), "served until {last:?}");
    assert!(refusals.iter().all(|refusals| *refusals > 10), "{refusals:?}");
    all.verify.redis.thaw();
    warm(&mut all.lines, &all.kept.cookie).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t16_c80_after_redis_lost_everything_no_session_is_served() {
    let _alone = ALONE.lock().await;
    let mut all = Deployment::start().await;
    let Deployment { verify: Verify { redis, .. }, kept, lines, .. } = &mut all;
    warm(lines, &kept.cookie).await;
    redis.kill();
    let killed = Instant::now();
    let mut refusals = 0;
    while refusals < 200 {
        for line in lines.iter_mut() {
            let asked = killed.elapsed();
            match line.ask(&kept.cookie).await.status {
                503 => refusals += 1,
                200 => assert!(asked <= SOON && refusals == 0, "served after {asked:?}"),
                other => panic!("{other} after {asked:?}"),
            }
        }
    }
    let watched = async {
        let mut gone = [false; 2];
        while gone != [true; 2] {
            for (gone, line) in gone.iter_mut().zip(lines.iter_mut()) {
                match line.ask(&kept.cookie).await.status {
                    503 => assert!(!*gone, "away again"),
                    401 => *gone = true,
                    other => panic!("{other}"),
                }
            }
        }
        Instant::now()
    };
    let started = async {
        redis.restart_empty().await;
        Instant::now()
    };
    let limit = wait::START;
    let both = async { tokio::join!(started, watched) };
    let (back, refused_at) = tokio::time::timeout(limit, both).await.expect("verify is back");
    let late = refused_at.saturating_duration_since(back);
    assert!(late <= BACK, "back after {late:?}");
    for line in lines {
        for _ in 0..100 {
            assert_eq!(line.ask(&kept.cookie).await.status, 401);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t16_a_redis_that_may_not_tell_of_changes_is_not_read_from() {
    let _alone = ALONE.lock().await;
    let (verify, keys) = verify(&["-client|tracking"]).await;
    let session = save(&verify, &keys, "USER").await;
    // Enough connections that both threads answer.
    for _ in 0..20 {
        let mut line = Line::open(verify.address).await;
        assert_eq!(line.ask(&session.cookie).await.status, 503);
    }
    assert_eq!(verify.redis.calls("hget").await, 0);

    allow(&verify.redis, &["+client|tracking"]).await;
    let mut lines = [Line::open(verify.address).await, Line::open(verify.address).await];
    warm(&mut lines, &session.cookie).await;
    let changed = delete(&verify, &session).await;
    refused(&mut lines, &session.cookie, changed, SOON).await;
}

/// A verify whose right to be told of changes was taken while it ran.
async fn without_the_right() -> Verify {
    let (verify, keys) = verify(&[]).await;
    let session = save(&verify, &keys, "USER").await;
    let mut line = Line::open(verify.address).await;
    assert_eq!(line.ask(&session.cookie).await.status, 200);
    allow(&verify.redis, &["-client|tracking"]).await;
    for id in verify.redis.trackers().await {
        verify.redis.ask(&[b"CLIENT", b"KILL", b"ID", id.as_bytes()]).await;
    }
    wait::until("verify refuses", BACK, async || {
        (line.ask(&session.cookie).await.status == 503).then_some(())
    })
    .await;
    verify
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_redis_that_refuses_to_tell_of_changes_is_named_in_the_log() {
    let _alone = ALONE.lock().await;
    let verify = without_the_right().await;
    wait::until("the log says that Redis refuses", BACK, async || {
        let loud = |line: &str| line.contains(r#""WARN""#) || line.contains(r#""ERROR""#);
        let log = verify.program.log();
        log.lines().any(|line| loud(line) && line.contains("redis")).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn health_is_degraded_where_redis_refuses_to_tell_of_changes() {
    let _alone = ALONE.lock().await;
    let verify = without_the_right().await;
    let health = format!("http://{}/health", verify.program.admin);
    let reply = verify.agent.get(&health).send().await;
    assert_eq!(reply.status, 503, "no session can be served: {}", reply.text());
}
