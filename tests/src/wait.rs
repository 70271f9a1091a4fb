//! Waiting: always for a condition, always with a limit.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};

/// How long a part may take to start on a loaded machine.
pub const START: Duration = Duration::from_mins(1);

/// Asks `probe` until it answers with a value.
///
/// # Panics
/// When it has not within `limit`; the message names `what`.
pub async fn until<T>(what: &str, limit: Duration, mut probe: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + limit;
    let mut tick = interval(Duration::from_millis(10));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        match timeout_at(deadline, probe()).await {
            Ok(Some(value)) => return value,
            Ok(None) if Instant::now() < deadline => {}
            _ => panic!("{what}: not within {limit:?}"),
        }
    }
}
