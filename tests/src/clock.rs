//! The machine's clock, for comparing with times that the product states.

use std::path::Path;
use std::time::UNIX_EPOCH;

use crate::{place, wait};

/// Seconds since the epoch.
#[expect(clippy::disallowed_methods, reason = "the tests look at running programs in real time")]
pub fn now() -> u64 {
    std::time::SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Waits until the clock shows `moment`, for what ends by itself.
pub async fn reach(moment: u64) {
    wait::until("the moment comes", wait::START, async || (now() >= moment).then_some(())).await;
}

/// The variables that let a program's wall clock differ by `seconds`, such as `+120`; its timers are
/// left alone.
///
/// libfaketime stands between the program and the C library's `clock_gettime`.
pub fn shifted(seconds: &str) -> Vec<(&'static str, String)> {
    vec![
        ("LD_PRELOAD", place::faketime().display().to_string()),
        ("FAKETIME", seconds.to_owned()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
    ]
}

/// Removes what libfaketime leaves in shared memory of a program that is killed; nothing of any other.
pub fn forget(process: u32) {
    for name in [format!("faketime_shm_{process}"), format!("sem.faketime_sem_{process}")] {
        // Only a program whose clock is shifted has them.
        drop(std::fs::remove_file(Path::new("/dev/shm").join(name)));
    }
}
