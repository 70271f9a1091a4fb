//! Owns: which step-ups of one session were told a moment ago: a page whose calls are all refused is told
//! once, and a service that asks for ever other things floods nobody.

use std::collections::VecDeque;

use super::StepUp;

/// Seconds for which the same is not told again.
pub(crate) const REST: u64 = 10;

/// Different ones within that time.
pub(crate) const MOST: usize = 4;

/// What was told, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Recent(VecDeque<(u64, StepUp)>);

impl Recent {
    /// Whether `asked` is to be told at `now`. If so, it counts as told.
    pub(crate) fn is_new(&mut self, asked: &StepUp, now: u64) -> bool {
        self.0.retain(|(at, _)| now.abs_diff(*at) < REST);
        if self.0.len() >= MOST || self.0.iter().any(|(_, known)| known == asked) {
            return false;
        }
        self.0.push_back((now, asked.clone()));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c70_the_same_is_told_once_in_ten_seconds_and_four_different_ones_at_most() {
        let asked = |age: u64| StepUp::new(None, Some(&age.to_string())).unwrap();
        let mut recent = Recent::default();
        assert!(recent.is_new(&asked(0), 100));
        assert!(!recent.is_new(&asked(0), 109));
        for age in 1..4 {
            assert!(recent.is_new(&asked(age), 105), "{age}");
        }
        assert!(!recent.is_new(&asked(4), 105), "a fifth");
        assert!(recent.is_new(&asked(0), 110));
        assert!(!recent.is_new(&asked(4), 114), "four are there again");
        assert!(recent.is_new(&asked(4), 115));
        // A clock that was set back holds nothing back for long.
        assert!(recent.is_new(&asked(4), 50));
    }
}
