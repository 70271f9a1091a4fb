//! Owns: the machine's clock, where the caller brings none.

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since the epoch; zero if the machine's clock stands before it.
#[expect(clippy::disallowed_methods, reason = "the one reader of the machine's clock")]
pub(crate) fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
