//! Owns: one connection after the other, for as long as the list lives.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ring::rand::{SecureRandom as _, SystemRandom};

use super::failure::Failure;
use super::line::Line;
use super::options::Options;
use super::state::State;

/// Pauses between two connections: the first, which doubles with each failure, and the longest.
const FIRST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_millis(500);

/// A connection that stood for so long was a good one.
const STEADY: Duration = Duration::from_secs(5);

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
        tokio::time::sleep(pause(failures, random())).await;
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

/// Between half and all of what `failures` in a row ask for, so that services which lost one Redis together
/// do not come back together.
fn pause(failures: u32, random: u8) -> Duration {
    let whole = FIRST.saturating_mul(2_u32.saturating_pow(failures)).min(LONGEST);
    whole / 2 + whole.mul_f64(f64::from(random) / 512.0)
}

fn random() -> u8 {
    let mut byte = [0];
    // Without chance they come back together, which is no failure.
    let filled = SystemRandom::new().fill(&mut byte);
    filled.map_or(0, |()| u8::from_ne_bytes(byte))
}

#[cfg(test)]
mod tests {
    use super::{FIRST, LONGEST, pause};

    #[test]
    fn pauses_grow_and_are_bounded() {
        assert_eq!(pause(0, 0), FIRST / 2);
        assert!(pause(0, 255) <= FIRST && pause(0, 255) > FIRST * 9 / 10);
        assert_eq!(pause(3, 0), FIRST * 4);
        for failures in [10, 31, 32, 33, u32::MAX] {
            assert_eq!(pause(failures, 0), LONGEST / 2);
            assert!(pause(failures, 255) <= LONGEST);
        }
    }
}
