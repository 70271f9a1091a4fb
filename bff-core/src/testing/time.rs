//! Owns: timers that a test does not wait for.

use std::time::Duration;

/// Lets `time` pass for every timer of the runtime at once. Before and after it is real, because a clock
/// that stands runs ahead of whoever waits for the network.
pub(crate) async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}
