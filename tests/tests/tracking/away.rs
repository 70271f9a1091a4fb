//! While Redis is out of reach, nothing is guessed.

use std::time::Duration;

use e2e::verify::Verify;
use e2e::wait;
use tokio::time::Instant;

use crate::deployment::{ALONE, BACK, Deployment, MAX_LAG, SOON, refused, warm};

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
