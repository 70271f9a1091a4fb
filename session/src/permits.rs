//! Owns: the mathematics of rate limits, the same for every store: a sliding window that is cut into slots.
//!
//! Permits are counted in the slot in which they were given, and count for the window and two slots more: one
//! because a slot ends later than its first permit came, one because permits may be used for a slot after
//! they were given. So **at no time have more than `limit` permits been used within any window**, wherever it
//! begins. The price: a permit comes back between one and two twentieths of the window late.
//!
//! A token bucket or GCRA keeps two numbers instead of these slots, but lets nearly twice the limit through
//! in a window that begins just before a bucket that is full; two counters of fixed windows do the same.

use std::collections::VecDeque;
use std::time::Duration;

/// Slots of a window.
pub(crate) const SLOTS: u64 = 20;
/// Slots that count beside those of the window, with the present one.
pub(crate) const MORE: u64 = 2;
/// Who asks for many permits gets at most this part of what is left, so that nobody sits on the last ones.
pub(crate) const SHARE: u32 = 64;

const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(86_400);

/// How many permits there are for a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Quota {
    limit: u32,
    window: Duration,
}

impl Quota {
    /// At most `limit` in any `window` of a second to a day; `None` for what is neither.
    pub fn new(limit: u32, window: Duration) -> Option<Self> {
        (limit > 0 && (SHORTEST..=LONGEST).contains(&window)).then_some(Self { limit, window })
    }

    /// How many.
    pub const fn limit(&self) -> u32 {
        self.limit
    }

    /// In what time.
    pub const fn window(&self) -> Duration {
        self.window
    }

    /// How long permits may be used, counted from before they were asked for. Whoever uses them later
    /// breaks the promise of the window.
    pub fn lease(&self) -> Duration {
        Duration::from_millis(self.width())
    }

    /// How long a store keeps what it counted.
    pub fn memory(&self) -> Duration {
        Duration::from_millis(self.width() * (SLOTS + MORE))
    }

    /// Milliseconds of a slot.
    pub(crate) fn width(&self) -> u64 {
        u64::try_from(self.window.as_millis()).unwrap_or(u64::MAX).div_ceil(SLOTS)
    }
}

/// What was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// Permits, at most as many as were asked for; none if the limit is reached.
    pub permits: u32,
    /// What is left after that.
    pub remaining: u32,
    /// When the oldest of those that are used up come back.
    pub back_in: Duration,
}

/// What one caller used of its quota lately, at most one number a slot.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Slot, and permits that were given in it; the oldest first.
    slots: VecDeque<(u64, u32)>,
}

impl Tally {
    /// Gives up to `want` permits at the time `now`, by a clock of the caller's choice. What was given at a
    /// later time than `now`, by a clock that was set back, counts as given now.
    pub fn take(&mut self, quota: Quota, now: Duration, want: u32) -> Grant {
        let (now, width) = (u64::try_from(now.as_millis()).unwrap_or(u64::MAX), quota.width());
        let slot = now / width;
        let oldest = slot.saturating_sub(SLOTS + MORE - 1);
        while self.slots.front().is_some_and(|(at, _)| *at < oldest) {
            self.slots.pop_front();
        }
        let mut ahead = 0_u32;
        while let Some((_, count)) = self.slots.pop_back_if(|(at, _)| *at >= slot) {
            ahead = ahead.saturating_add(count);
        }
        let before = self.slots.iter().fold(0_u32, |sum, (_, count)| sum.saturating_add(*count));
        let free = quota.limit.saturating_sub(before.saturating_add(ahead));
        let permits = want.max(1).min((free / SHARE).max(1)).min(free);
        if ahead + permits > 0 {
            self.slots.push_back((slot, ahead + permits));
        }
        let first = self.slots.front().map_or(slot, |(at, _)| *at);
        let back = (first + SLOTS + MORE).saturating_mul(width).saturating_sub(now);
        Grant { permits, remaining: free - permits, back_in: Duration::from_millis(back) }
    }
}

#[cfg(test)]
mod tests;
