//! The line to Redis is lost: for how long a service may go by what it knows, and what it does when the line is
//! back.

use std::time::Duration;

use e2e::wire::Wire;
use validator_lib::permissions::{DEFAULT_LIFE, InvalidateError};

use crate::place::{BACK, PASSWORD, Place, SERVICE, Service, alice};

const MOMENT: Duration = Duration::from_millis(1);

/// A service behind a line of its own.
async fn behind(place: &Place, wire: &Wire) -> Service {
    let url = place.redis.url_as(SERVICE, PASSWORD);
    let port = place.redis.address().port();
    let url = url.replace(&format!(":{port}"), &format!(":{}", wire.address.port()));
    place.service_at(url).await
}

/// Old rights count for their life in L1 and not a moment longer, however long the line stays lost.
async fn bounded(lose: impl Fn(&Wire)) {
    let place = Place::start().await;
    let wire = Wire::to(place.redis.address());
    let (teller, deaf) = (place.service().await, behind(&place, &wire).await);
    let user = alice();
    place.directory.allow(&user, true);
    assert_eq!(deaf.allows(&user).await, Some(true));
    lose(&wire);
    place.directory.allow(&user, false);
    teller.cache.invalidate(&user).await.expect("Redis is told");
    deaf.until_deaf().await;

    deaf.advance(DEFAULT_LIFE.saturating_sub(MOMENT));
    assert_eq!(deaf.allows(&user).await, Some(true), "the line is lost, so this is what it knows");
    deaf.advance(MOMENT);
    assert_eq!(deaf.allows(&user).await, Some(false));
}

#[tokio::test(flavor = "multi_thread")]
async fn t15_a_service_that_is_cut_off_goes_by_old_rights_for_a_minute_at_most() {
    bounded(Wire::cut).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn t15_a_service_whose_line_is_mute_goes_by_old_rights_for_a_minute_at_most() {
    bounded(Wire::mute).await;
}

/// Rights that outlive their minute because the source fails may have been taken back without a word.
#[tokio::test(flavor = "multi_thread")]
async fn t15_a_service_that_cannot_hear_tells_nothing_stale() {
    let place = Place::start().await;
    let wire = Wire::to(place.redis.address());
    let service = behind(&place, &wire).await;
    let user = alice();
    place.directory.allow(&user, true);
    assert_eq!(service.allows(&user).await, Some(true));
    place.directory.fail(true);
    // Redis has them no more either.
    service_forgotten_by_redis(&place).await;
    service.advance(DEFAULT_LIFE);
    assert_eq!(service.allows(&user).await, Some(true), "it would have heard");
    wire.cut();
    service.until_deaf().await;
    assert_eq!(service.allows(&user).await, None);
}

async fn service_forgotten_by_redis(place: &Place) {
    place.until_kept(1).await;
    place.redis.ask(&[b"FLUSHALL"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn t15_a_service_that_hears_again_forgets_what_it_may_have_missed() {
    let place = Place::start().await;
    let wire = Wire::to(place.redis.address());
    let (teller, service) = (place.service().await, behind(&place, &wire).await);
    let user = alice();
    for allowed in [true, false, true] {
        place.directory.allow(&user, !allowed);
        teller.cache.invalidate_all().await.expect("Redis is told");
        e2e::wait::until("it knows what is now", BACK, async || {
            (service.allows(&user).await == Some(!allowed)).then_some(())
        })
        .await;
        wire.cut();
        service.until_deaf().await;
        place.directory.allow(&user, allowed);
        teller.cache.invalidate(&user).await.expect("Redis is told");
        assert_eq!(service.allows(&user).await, Some(!allowed), "it cannot know");
        wire.mend();
        service.until_listening().await;
        // Its clock has not moved.
        assert_eq!(service.allows(&user).await, Some(allowed));
    }
    assert_eq!(service.tier.flushes(), 4 + 3, "one for each connection and each of the three");
}

#[tokio::test(flavor = "multi_thread")]
async fn t15_without_redis_the_source_is_asked_and_who_tells_is_told_that_he_could_not() {
    let mut place = Place::start().await;
    let services = [place.service().await, place.service().await];
    let user = alice();
    place.directory.allow(&user, true);
    for service in &services {
        assert_eq!(service.allows(&user).await, Some(true));
    }
    place.redis.kill();
    for service in &services {
        service.until_deaf().await;
    }
    place.directory.allow(&user, false);
    assert_eq!(services[0].cache.invalidate(&user).await, Err(InvalidateError));
    assert_eq!(services[0].cache.invalidate_all().await, Err(InvalidateError));
    assert_eq!(services[0].allows(&user).await, Some(false), "it knows itself");
    assert_eq!(services[1].allows(&user).await, Some(true), "nobody told it");

    // With what it had written, which is from before the change.
    place.redis.restart().await;
    for service in &services {
        service.until_listening().await;
    }
    services[0].cache.invalidate(&user).await.expect("Redis is told");
    for service in &services {
        e2e::wait::until("the change counts", BACK, async || {
            (service.allows(&user).await == Some(false)).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t15_a_redis_that_is_frozen_holds_up_nobody_for_long() {
    let place = Place::start().await;
    let service = place.service().await;
    let user = alice();
    place.directory.allow(&user, true);
    place.redis.freeze();
    let asked = std::time::Instant::now();
    assert_eq!(service.allows(&user).await, Some(true));
    let took = asked.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
    service.until_deaf().await;
    place.directory.allow(&user, false);
    service.advance(DEFAULT_LIFE);
    assert_eq!(service.allows(&user).await, Some(false));
    place.redis.thaw();
    service.until_listening().await;
    service.cache.invalidate(&user).await.expect("Redis is told");
}
