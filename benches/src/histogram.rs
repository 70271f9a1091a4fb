//! Owns: latencies, counted in buckets a sixteenth of an octave wide, so that a percentile is right
//! within 5 % and costs nothing to record.

use std::time::Duration;

const STEPS: u32 = 16;
const BUCKETS: usize = 40 * STEPS as usize;

/// Counts of latencies.
#[derive(Debug, Clone)]
pub struct Histogram {
    counts: Vec<u64>,
    total: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; BUCKETS], total: 0 }
    }
}

impl Histogram {
    /// Counts one.
    pub fn record(&mut self, latency: Duration) {
        let index = bucket(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX).max(1));
        if let Some(count) = self.counts.get_mut(index) {
            *count += 1;
            self.total += 1;
        }
    }

    /// Adds another's counts.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
        self.total += other.total;
    }

    /// How many were counted.
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// The latency that `share` of them did not exceed, in microseconds.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a percentile of fewer than 2^52 samples"
    )]
    pub fn percentile(&self, share: f64) -> f64 {
        let rank = (self.total as f64 * share).ceil() as u64;
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank && seen > 0 {
                return 2_f64.powf((index as f64 + 1.0) / f64::from(STEPS)) / 1_000.0;
            }
        }
        0.0
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a bucket number is small"
)]
fn bucket(nanoseconds: u64) -> usize {
    ((nanoseconds as f64).log2() * f64::from(STEPS)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_right_within_five_percent() {
        let mut histogram = Histogram::default();
        for microseconds in 1..=1_000 {
            histogram.record(Duration::from_micros(microseconds));
        }
        for (share, expected) in [(0.5, 500.0), (0.99, 990.0), (1.0, 1_000.0)] {
            let found = histogram.percentile(share);
            assert!((found / expected - 1.0).abs() < 0.05, "{share}: {found}");
        }
        assert!(Histogram::default().percentile(0.5).abs() < f64::EPSILON);
    }
}
