//! Owns: how long to wait between two connections.

use std::time::Duration;

use ring::rand::{SecureRandom as _, SystemRandom};

/// Pauses between two connections: the first, which doubles with each failure, and the longest.
const FIRST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_millis(500);

/// A connection that stood for so long was a good one.
pub(crate) const STEADY: Duration = Duration::from_secs(5);

/// The pause after so many failures in a row.
pub(crate) fn pause(failures: u32) -> Duration {
    between(failures, random())
}

/// Between half and all of what `failures` in a row ask for, so that services which lost one Redis together
/// do not come back together.
fn between(failures: u32, random: u8) -> Duration {
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
    use super::{FIRST, LONGEST, between};

    #[test]
    fn pauses_grow_and_are_bounded() {
        assert_eq!(between(0, 0), FIRST / 2);
        assert!(between(0, 255) <= FIRST && between(0, 255) > FIRST * 9 / 10);
        assert_eq!(between(3, 0), FIRST * 4);
        for failures in [10, 31, 32, 33, u32::MAX] {
            assert_eq!(between(failures, 0), LONGEST / 2);
            assert!(between(failures, 255) <= LONGEST);
        }
    }
}
