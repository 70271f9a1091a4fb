use std::time::Duration;

use super::{Builder, SetupError};
use crate::revocation::redis::RedisDenylist;

const SECRET: &str = "canary-5c1d7e90";

fn builder(url: &str) -> Builder {
    RedisDenylist::builder(url)
}

fn certificate() -> String {
    rcgen::generate_simple_self_signed(["redis".to_owned()]).unwrap().cert.pem()
}

fn refusal(builder: Builder) -> Option<SetupError> {
    builder.start().err()
}

#[tokio::test]
async fn t09_a_url_that_is_none_of_redis_is_refused() {
    for url in [
        "",
        "localhost:6379",
        "http://localhost:6379",
        "redis://",
        "redis-sentinel://localhost:26379?sentinelServiceName=m",
        "REDIS://localhost",
        "redis://localhost:0x10",
    ] {
        assert_eq!(refusal(builder(url)), Some(SetupError::Url), "{url}");
    }
    for url in ["redis://127.0.0.1:1", "redis://u:p%40@h:1/2", "redis-cluster://h:1?node=g:2"] {
        assert_eq!(refusal(builder(url)), None, "{url}");
    }
}

#[tokio::test]
async fn t09_an_interval_with_which_the_list_is_always_stale_is_refused() {
    let with = |interval, staleness| {
        let times = [interval, staleness].map(Duration::from_millis);
        refusal(builder("redis://127.0.0.1:1").interval(times[0]).max_staleness(times[1]))
    };
    assert_eq!(with(500, 1_000), None);
    for (interval, staleness) in [(501, 1_000), (0, 1_000), (0, 0), (1, 0)] {
        assert_eq!(with(interval, staleness), Some(SetupError::Interval));
    }
}

#[tokio::test]
async fn t09_certificates_that_protect_nothing_are_refused() {
    let pem = &certificate();
    let tls = || builder("rediss://127.0.0.1:1");
    assert_eq!(refusal(tls().ca(pem.as_str())), None);
    for unusable in ["", "no PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"] {
        assert_eq!(refusal(tls().ca(unusable)), Some(SetupError::Certificates), "{unusable}");
    }
    let half = tls().ca(pem.as_str()).client_certificate(pem.as_str(), "no key");
    assert_eq!(refusal(half), Some(SetupError::Certificates));
    // Whoever names an authority wants TLS.
    assert_eq!(
        refusal(builder("redis://127.0.0.1:1").ca(pem.as_str())),
        Some(SetupError::Certificates)
    );
}

#[test]
fn without_a_runtime_it_says_so() {
    assert_eq!(refusal(builder("redis://127.0.0.1:1")), Some(SetupError::NoRuntime));
}

#[tokio::test]
async fn no_form_of_it_shows_the_password() {
    let url = format!("redis://orders:{SECRET}@127.0.0.1:1");
    let made = builder(&url);
    let in_the_making = format!("{made:?}");
    let list = made.start().unwrap();
    for text in [in_the_making, format!("{list:?}")] {
        assert!(!text.contains(SECRET), "{text}");
    }
}
