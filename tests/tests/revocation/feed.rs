//! A list that follows a real Redis, over TLS, as a Redis user with the documented rights.

use std::time::{Duration, Instant};

use e2e::wait;
use validator_lib::revocation::Verdict::{Clear, Denied, Unknown};
use validator_lib::revocation::redis::Failure;

use crate::writer::{BACK, HOUR, INDEX, Place, RIGHTS, asked, asked_of, following, token, until};

#[tokio::test(flavor = "multi_thread")]
async fn t15_what_was_denied_before_the_start_is_known_to_the_last_entry() {
    let place = Place::start().await;
    // Some pages.
    let entries: Vec<_> = (0..5_000).map(|number| token(&format!("t{number}"))).collect();
    let mut words: Vec<&[u8]> = vec![b"ZADD", INDEX];
    words.extend(entries.iter().flat_map(|entry| [&b"9999999999"[..], entry.as_bytes()]));
    place.redis.ask(&words).await;
    place.deny("by the store").await;
    place.deny_user("bob", HOUR).await;

    let list = place.following().await;
    assert_eq!((list.len(), list.skipped(), list.loads()), (5_002, 0, 1));
    for number in 0..5_000 {
        assert_eq!(asked(&list, &format!("t{number}")), Denied, "t{number}");
    }
    assert_eq!(asked(&list, "by the store"), Denied);
    assert_eq!(asked_of(&list, "bob", Duration::ZERO), Denied);
    assert_eq!(asked_of(&list, "carol", Duration::ZERO), Clear);
    assert_eq!(asked(&list, "t5000"), Clear);
    assert!(list.is_synced() && list.last_failure().is_none(), "{list:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn t15_what_is_denied_later_is_heard() {
    let place = Place::start().await;
    let list = place.following().await;
    for number in 0..100 {
        let jti = format!("t{number}");
        assert_eq!(asked(&list, &jti), Clear);
        place.deny(&jti).await;
        until(&list, &jti, Denied).await;
    }
    assert_eq!((list.loads(), list.skipped()), (1, 0));
}

/// Neither the scan nor the subscription alone would know all of it.
#[tokio::test(flavor = "multi_thread")]
async fn t15_what_is_denied_while_the_list_is_read_is_known() {
    let place = Place::start().await;
    let entries: Vec<_> = (0..30_000).map(|number| token(&format!("old {number}"))).collect();
    let mut words: Vec<&[u8]> = vec![b"ZADD", INDEX];
    words.extend(entries.iter().flat_map(|entry| [&b"9999999999"[..], entry.as_bytes()]));
    place.redis.ask(&words).await;
    let list = place.list().start().expect("the options are usable");
    let mut denied = Vec::new();
    while !list.is_synced() {
        denied.push(format!("t{}", denied.len()));
        place.deny(denied.last().expect("just pushed")).await;
    }
    assert!(denied.len() > 10, "the list was read too fast to tell: {}", denied.len());
    for jti in &denied {
        until(&list, jti, Denied).await;
    }
    assert_eq!((list.len(), list.loads()), (30_000 + denied.len(), 1));
}

/// Not even those that came just before the answer are still to be applied.
#[tokio::test(flavor = "multi_thread")]
async fn t15_a_proof_vouches_for_every_message_before_it() {
    let place = Place::start().await;
    let list = following(place.list().interval(Duration::from_millis(5))).await;
    for round in 0..10 {
        let names: Vec<_> = (0..3_000).map(|number| format!("t{round}-{number}")).collect();
        let entries: Vec<_> = names.iter().map(|name| token(name)).collect();
        let told = entries.iter().map(|entry| vec![&b"PUBLISH"[..], INDEX, entry.as_bytes()]);
        place.redis.ask_all(&told.collect::<Vec<_>>()).await;
        let told = Instant::now();
        wait::until("a proof comes after", BACK, async || {
            let since = told.elapsed();
            list.staleness().filter(|staleness| *staleness < since).map(drop)
        })
        .await;
        let known = names.iter().filter(|name| asked(&list, name) == Denied).count();
        assert_eq!((known, list.loads()), (names.len(), 1), "{:?}", list.last_failure());
    }
}

/// The message does not say for how long. A token that lives longer than a day must not come back after one.
#[tokio::test(flavor = "multi_thread")]
async fn t15_a_user_who_is_heard_of_is_denied_for_as_long_as_the_index_says() {
    let place = Place::start().await;
    let list = place.following().await;
    let (day, month) = (HOUR * 24, HOUR * 24 * 30);
    place.deny_user("bob", month).await;
    place.deny_user("carol", day * 2).await;
    wait::until("the end of the entries is known", BACK, async || {
        (asked_of(&list, "bob", day * 29) == Denied && asked_of(&list, "carol", day) == Denied)
            .then_some(())
    })
    .await;
    assert_eq!(asked_of(&list, "bob", month + HOUR), Clear);
    assert_eq!(asked_of(&list, "carol", day * 3), Clear);
    assert_eq!(list.loads(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn t17_what_is_no_entry_is_counted_and_stops_nothing() {
    let place = Place::start().await;
    place.redis.ask(&[b"ZADD", INDEX, b"9999999999", b"{", b"inf", b"\xff", b"-1", b""]).await;
    let list = place.following().await;
    assert_eq!((list.len(), list.skipped()), (0, 3));
    let long = vec![b'x'; 100_000];
    for message in [&b""[..], b"null", b"\xff\x00", b"{\"iss\":\"i\",\"jti\":\"t\"}", &long] {
        place.redis.ask(&[b"PUBLISH", INDEX, message]).await;
    }
    place.deny("t").await;
    until(&list, "t", Denied).await;
    assert_eq!((list.len(), list.skipped(), list.loads()), (1, 8, 1));
    assert!(list.is_synced());
}

#[tokio::test(flavor = "multi_thread")]
async fn t15_a_list_that_is_full_vouches_for_nobody() {
    let place = Place::start().await;
    let list = following(place.list().capacity(10)).await;
    for number in 0..10 {
        place.deny(&format!("t{number}")).await;
    }
    until(&list, "t9", Denied).await;
    assert_eq!(asked(&list, "other"), Clear);
    place.deny("t10").await;
    until(&list, "other", Unknown).await;
    assert_eq!(asked(&list, "t3"), Denied);
}

/// Whatever is dropped on the way is read from the index.
#[tokio::test(flavor = "multi_thread")]
async fn t15_a_flood_of_messages_loses_none() {
    const FLOOD: usize = 100_000;
    let place = Place::start().await;
    let list = place.following().await;
    let entries: Vec<_> = (0..FLOOD).map(|number| token(&format!("t{number}"))).collect();
    let commands: Vec<Vec<&[u8]>> = entries
        .iter()
        .map(String::as_bytes)
        .flat_map(|entry| {
            [vec![&b"ZADD"[..], INDEX, b"9999999999", entry], vec![b"PUBLISH", INDEX, entry]]
        })
        .collect();
    place.redis.ask_all(&commands).await;
    let told = Instant::now();
    wait::until("all are there", wait::START, async || (list.len() == FLOOD).then_some(())).await;
    eprintln!(
        "{FLOOD} messages applied {:?} after the last, {} loads",
        told.elapsed(),
        list.loads()
    );
    for number in 0..FLOOD {
        assert_eq!(asked(&list, &format!("t{number}")), Denied, "t{number}");
    }
    until(&list, "other", Clear).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn t09_without_a_right_the_list_says_so_and_begins_once_it_is_given() {
    let place = Place::start().await;
    for (missing, expected) in [
        ("&jwt:blacklist", None),
        ("%R~jwt:blacklist", Some("NOPERM")),
        ("+zscan", Some("NOPERM")),
        ("+zmscore", Some("NOPERM")),
        ("+client|info", Some("NOPERM")),
    ] {
        let rights: Vec<_> = RIGHTS.into_iter().filter(|right| *right != missing).collect();
        place.allow(&rights).await;
        let list = place.list().start().expect("the options are usable");
        let failure = wait::until("it fails", BACK, async || list.last_failure()).await;
        match expected {
            Some(code) => assert_eq!(failure, Failure::Refused(code.to_owned()), "{missing}"),
            // The refusal of a subscription may come as the answer to the next question.
            None => assert!(
                matches!(&failure, Failure::NotSubscribed | Failure::Refused(_)),
                "{failure:?}"
            ),
        }
        assert_eq!(asked(&list, "t"), Unknown, "{missing}");
        assert!(!list.is_synced() && list.staleness().is_none());
        place.allow(&RIGHTS).await;
        until(&list, "t", Clear).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t09_a_wrong_password_and_a_stranger_are_told_apart_and_never_shown() {
    let place = Place::start().await;
    let ca = std::fs::read(place.ca.file()).expect("the CA is readable");
    let url = place.redis.url_as("orders", "canary-wrong");
    let wrong = validator_lib::revocation::redis::RedisDenylist::builder(url).ca(ca);
    let wrong = wrong.start().expect("usable");
    // Without the authority of the test the machine's are asked, which know nobody here.
    let other =
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let stranger = place.list().ca(other.cert.pem()).start().expect("usable");
    for (list, expected) in
        [(wrong, Failure::Refused("WRONGPASS".to_owned())), (stranger, Failure::Connect)]
    {
        let failure = wait::until("it fails", BACK, async || list.last_failure()).await;
        assert_eq!(failure, expected);
        assert!(!format!("{failure} {failure:?} {list:?}").contains("canary"));
        assert_eq!(asked(&list, "t"), Unknown);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_connection_ends_with_the_last_handle() {
    let place = Place::start().await;
    let list = place.following().await;
    let clone = list.clone();
    drop(list);
    assert_eq!((place.connections().await, asked(&clone, "t")), (1, Clear));
    drop(clone);
    wait::until("the connection is closed", BACK, async || {
        (place.connections().await == 0).then_some(())
    })
    .await;
}
