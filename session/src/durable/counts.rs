//! Owns: what is counted of the two places, for metrics.

use std::sync::atomic::{AtomicU64, Ordering};

/// How often what happened, since the start of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// Whether PostgreSQL answers.
    pub is_up: bool,
    /// Sessions that were read from PostgreSQL, because Redis was away or had lost them.
    pub fallback_reads: u64,
    /// Sessions that were given back to a Redis that had lost its data.
    pub restored: u64,
    /// Sessions that had ended and came back with Redis, and were ended again.
    pub ended_again: u64,
    /// Writes that PostgreSQL missed.
    pub missed_writes: u64,
    /// Those among them that are never made up for, because there were too many.
    pub lost_writes: u64,
    /// Those that wait to be made up for.
    pub waiting_writes: usize,
}

#[derive(Debug, Default)]
pub(super) struct Counts {
    fallback_reads: AtomicU64,
    restored: AtomicU64,
    ended_again: AtomicU64,
    missed_writes: AtomicU64,
    lost_writes: AtomicU64,
}

impl Counts {
    pub(super) fn read(&self, is_up: bool, waiting_writes: usize) -> Counted {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counted {
            is_up,
            fallback_reads: read(&self.fallback_reads),
            restored: read(&self.restored),
            ended_again: read(&self.ended_again),
            missed_writes: read(&self.missed_writes),
            lost_writes: read(&self.lost_writes),
            waiting_writes,
        }
    }

    pub(super) fn fallback_read(&self) {
        self.fallback_reads.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn restored(&self) {
        self.restored.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn ended_again(&self) {
        self.ended_again.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn missed(&self) {
        self.missed_writes.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn lost(&self) {
        self.lost_writes.fetch_add(1, Ordering::Relaxed);
    }
}
