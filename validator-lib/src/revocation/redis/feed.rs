//! Owns: one connection after the other, for as long as the list lives.

use std::sync::Arc;
use std::time::Instant;

use super::line::Line;
use super::options::Options;
use super::state::State;
use crate::redis::failure::Failure;
use crate::redis::pause::{STEADY, pause};

/// Follows Redis for ever.
pub(super) async fn run(options: Options, state: Arc<State>) {
    let mut failures = 0;
    loop {
        let began = Instant::now();
        // fred's futures are kilobytes large.
        let failure = Box::pin(follow(&options, &state)).await;
        state.fail(failure);
        if began.elapsed() >= STEADY {
            failures = 0;
        }
        tokio::time::sleep(pause(failures)).await;
        failures = failures.saturating_add(1);
    }
}

/// One connection, from the first byte to whatever ends it.
async fn follow(options: &Options, state: &State) -> Failure {
    let followed = async {
        let mut line = Line::open(options, state).await?;
        line.subscribe().await?;
        line.load().await?;
        line.follow(options.interval).await
    };
    match followed.await {
        Ok(never) => match never {},
        Err(failure) => failure,
    }
}
