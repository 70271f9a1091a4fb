//! Owns: the settings of verify's cache (`FORWARDAUTH_CACHE*`), and with them how edge views are read.

use std::num::NonZeroUsize;
use std::time::Duration;

use session::redis::Reads;
use session::settings::StoreSettings;
use session::tracking::Limits;
use shell::config::Settings;

/// Longest silence of Redis on whose word a cached view is still used.
const MAX_LAG: Duration = Duration::from_millis(500);
const MAX_AGE_MS: u64 = 5_000;
const ENTRIES: usize = 20_000;

/// How each of `threads` reads edge views.
pub(super) fn reads(settings: &mut Settings, threads: NonZeroUsize) -> Reads {
    let tracking =
        settings.parsed("FORWARDAUTH_CACHE", "Use off or tracking.", |text| match text {
            "off" => Ok(false),
            "tracking" => Ok(true),
            _ => Err("is not a kind of cache".to_owned()),
        });
    let max_age = settings.parsed(
        "FORWARDAUTH_CACHE_MAX_AGE_MS",
        "Use 100 to 60000.",
        number("milliseconds", 100..=60_000),
    );
    let entries = settings.parsed(
        "FORWARDAUTH_CACHE_ENTRIES",
        "Use 1 to 10000000.",
        number("entries", 1..=10_000_000),
    );
    if !tracking.unwrap_or(false) {
        return Reads::Pipe;
    }
    let entries = entries.and_then(|entries| usize::try_from(entries).ok()).unwrap_or(ENTRIES);
    Reads::Tracking(Limits {
        entries: entries.div_ceil(threads.get()),
        max_age: Duration::from_millis(max_age.unwrap_or(MAX_AGE_MS)),
        max_lag: MAX_LAG,
    })
}

/// `store`, read so; `None` if it cannot tell what changes.
pub(super) fn apply(
    settings: &mut Settings,
    store: StoreSettings,
    reads: Reads,
) -> Option<StoreSettings> {
    match store.reading(reads) {
        Ok(store) => Some(store),
        Err(error) => {
            let hint = "Set FORWARDAUTH_CACHE=off, or name one server by redis:// or rediss://.";
            settings.problem("REDIS_URL", &error.to_string(), hint);
            None
        }
    }
}

fn number(
    what: &'static str,
    range: std::ops::RangeInclusive<u64>,
) -> impl Fn(&str) -> Result<u64, String> {
    move |text| {
        let number: Option<u64> = text.parse().ok();
        number
            .filter(|number| range.contains(number))
            .ok_or_else(|| format!("is not a number of {what} in range"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REDIS: (&str, &str) = ("REDIS_URL", "redis://127.0.0.1:6379");

    fn read(pairs: &[(&str, &str)]) -> Result<Reads, String> {
        let mut settings = Settings::from_pairs(pairs.iter().copied());
        let reads = reads(&mut settings, NonZeroUsize::new(4).unwrap());
        let store = StoreSettings::read(&mut settings, Duration::from_millis(200));
        let store = store.and_then(|store| apply(&mut settings, store, reads));
        settings.finish(store.map(|_| reads)).map(|(reads, _)| reads).map_err(|e| e.to_string())
    }

    #[test]
    fn the_cache_is_off_unless_it_is_asked_for_and_its_room_is_shared() {
        assert_eq!(read(&[REDIS]), Ok(Reads::Pipe));
        assert_eq!(read(&[REDIS, ("FORWARDAUTH_CACHE", "off")]), Ok(Reads::Pipe));
        let tracking = Limits { entries: 5_000, max_age: Duration::from_secs(5), max_lag: MAX_LAG };
        assert_eq!(
            read(&[REDIS, ("FORWARDAUTH_CACHE", "tracking")]),
            Ok(Reads::Tracking(tracking))
        );
        let given = [
            REDIS,
            ("FORWARDAUTH_CACHE", "tracking"),
            ("FORWARDAUTH_CACHE_MAX_AGE_MS", "1000"),
            ("FORWARDAUTH_CACHE_ENTRIES", "10"),
        ];
        let max_age = Duration::from_secs(1);
        assert_eq!(
            read(&given),
            Ok(Reads::Tracking(Limits { entries: 3, max_age, max_lag: MAX_LAG }))
        );
    }

    #[test]
    fn t09_a_cache_that_nobody_would_invalidate_is_refused() {
        for (pairs, said) in [
            (vec![REDIS, ("FORWARDAUTH_CACHE", "on")], "FORWARDAUTH_CACHE"),
            (vec![REDIS, ("FORWARDAUTH_CACHE_MAX_AGE_MS", "99")], "FORWARDAUTH_CACHE_MAX_AGE_MS"),
            (vec![REDIS, ("FORWARDAUTH_CACHE_ENTRIES", "0")], "FORWARDAUTH_CACHE_ENTRIES"),
            (
                vec![
                    ("REDIS_URL", "redis-cluster://127.0.0.1:7000"),
                    ("FORWARDAUTH_CACHE", "tracking"),
                ],
                "REDIS_URL",
            ),
        ] {
            assert!(read(&pairs).unwrap_err().contains(said), "{pairs:?}");
        }
    }
}
