//! Owns: whether the BFF is to be told that a session's access token nears its end: seldom enough that a
//! flood of requests is no flood of nudges, in bounded memory.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use session::id::StoreKey;

use super::TokenState;

/// Seconds before the token's expiry from which the BFF is told. It refreshes when it finds it due itself,
/// by its own threshold and jitter.
const LEAD: u64 = 60;
/// Most seconds in which a thread tells of one token once. Before its end it is half of the time that is left: a
/// token of short life is not due before its last seconds, and each may be the one in which it is.
const QUIET: u64 = 30;
/// Most tokens that a thread tells of in [`QUIET`] seconds.
const TOLD_MAX: usize = 8_192;

impl TokenState {
    /// Whether a refresh is near. A token of unknown end never asks for one.
    pub(super) const fn nears_end(self, now: u64) -> bool {
        now.saturating_add(LEAD) >= self.expires_at && self.expires_at != 0
    }

    /// Seconds that pass between `told` and the next time.
    const fn pause_after(self, told: u64) -> u64 {
        match self.expires_at.saturating_sub(told) / 2 {
            0 if told >= self.expires_at => QUIET,
            0 => 1,
            half if half < QUIET => half,
            _ => QUIET,
        }
    }
}

/// What was told lately.
#[derive(Debug, Default)]
pub(super) struct Told(Mutex<Generations>);

type Times = HashMap<(StoreKey, u64), u64>;

/// Two tables, of which the older is thrown away as a whole: what is forgotten is older than [`QUIET`].
#[derive(Debug, Default)]
struct Generations {
    began: u64,
    young: Times,
    old: Times,
}

impl Told {
    /// Whether it is the turn of this token to be told of at `now`. If so, it has been.
    pub(super) fn is_turn(&self, key: &StoreKey, token: TokenState, now: u64) -> bool {
        let told = (*key, token.version);
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if now.abs_diff(state.began) >= QUIET {
            state.old = std::mem::take(&mut state.young);
            state.began = now;
        }
        let last = state.young.get(&told).or_else(|| state.old.get(&told));
        let quiet = last.is_some_and(|at| now.abs_diff(*at) < token.pause_after(*at));
        if quiet || state.young.len() >= TOLD_MAX {
            return false;
        }
        state.young.insert(told, now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use session::id::SessionId;

    fn key(number: usize) -> StoreKey {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        SessionId::from_random(bytes).store_key()
    }

    const TOKEN: TokenState = TokenState { version: 1, expires_at: 1_000 };

    #[test]
    fn a_token_asks_for_its_refresh_from_a_minute_before_its_end() {
        for (now, expected) in [(0, false), (939, false), (940, true), (1_000, true), (2_000, true)]
        {
            assert_eq!(TOKEN.nears_end(now), expected, "{now}");
        }
        let endless = TokenState { expires_at: 0, ..TOKEN };
        assert!(!endless.nears_end(0) && !endless.nears_end(u64::MAX));
    }

    #[test]
    fn one_token_is_told_of_ever_more_often_until_its_end_and_then_once_in_half_a_minute() {
        let told = Told::default();
        let times: Vec<u64> =
            (900..1_100).filter(|now| told.is_turn(&key(1), TOKEN, *now)).collect();
        assert_eq!(
            times,
            [900, 930, 960, 980, 990, 995, 997, 998, 999, 1_000, 1_030, 1_060, 1_090]
        );
        assert!(told.is_turn(&key(2), TOKEN, 1_091));
        assert!(told.is_turn(&key(1), TokenState { version: 2, ..TOKEN }, 1_091));
        // A clock that is put back silences nobody for longer.
        assert!(told.is_turn(&key(1), TOKEN, 500));
    }

    #[test]
    fn t17_a_flood_of_sessions_takes_bounded_memory_and_room_comes_back() {
        let told = Told::default();
        let turns = (0..TOLD_MAX * 3).filter(|n| told.is_turn(&key(*n), TOKEN, 1_000)).count();
        assert_eq!(turns, TOLD_MAX);
        assert!(told.is_turn(&key(TOLD_MAX), TOKEN, 1_030));
        let state = told.0.lock().unwrap();
        assert!(state.young.len() + state.old.len() <= TOLD_MAX * 2);
    }
}
