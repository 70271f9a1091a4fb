//! The machine's clock, for comparing with times that the product states.

use std::time::UNIX_EPOCH;

use crate::wait;

/// Seconds since the epoch.
#[expect(clippy::disallowed_methods, reason = "the tests look at running programs in real time")]
pub fn now() -> u64 {
    std::time::SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Waits until the clock shows `moment`, for what ends by itself.
pub async fn reach(moment: u64) {
    wait::until("the moment comes", wait::START, async || (now() >= moment).then_some(())).await;
}
