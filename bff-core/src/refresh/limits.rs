//! Owns: how long the steps of a refresh may take.

use std::time::Duration;

/// Times of a refresh. Not settings: they hold together, and every replica must have the same.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// What the lease is taken for: how long a replica that died keeps others waiting.
    pub lease: Duration,
    /// How often the holder extends it. Two beats may be lost.
    pub beat: Duration,
    /// How often who waits for another replica looks for its result.
    pub look_every: Duration,
    /// How long it looks.
    pub look_for: Duration,
    /// Pause between two attempts to write to a store that is away.
    pub pause: Duration,
    /// How long rotated tokens are tried to be stored: shorter than others wait for them.
    pub store: Duration,
    /// How long a session whose refresh token is found spent may still be given its new tokens, by a
    /// replica that only seemed dead, before it ends.
    pub last_word: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(6),
            beat: Duration::from_secs(2),
            look_every: Duration::from_millis(50),
            look_for: Duration::from_secs(12),
            pause: Duration::from_millis(250),
            store: Duration::from_secs(10),
            last_word: Duration::from_secs(2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_hold_together() {
        let limits = Limits::default();
        assert!(limits.beat * 2 < limits.lease, "two beats may be lost");
        assert!(limits.lease < limits.look_for, "who waits outlives a replica that died");
        assert!(limits.store < limits.look_for, "who waits sees what is stored late");
        assert!(limits.pause * 2 < limits.last_word, "the last word is heard");
    }
}
