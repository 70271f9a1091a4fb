//! What anybody changes in Redis counts at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use e2e::verify::Line;
use e2e::wait;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::deployment::{ALONE, Deployment, SOON, delete, refused, rewrite, sealed, session, warm};

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
