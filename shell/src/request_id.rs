//! Owns: the id that follows one request through logs, answers and services.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::random::Random;

/// Longest id that is taken over from a request.
const MAX_LEN: usize = 64;

/// Letters, digits, `-`, `_` and `.`: safe in a header, a log line and JSON.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RequestId {
    text: [u8; MAX_LEN],
    length: usize,
}

impl RequestId {
    /// A fresh id: 128 random bits in hexadecimal.
    pub fn fresh(random: &dyn Random) -> Self {
        Self::from_number(u128::from_be_bytes(random.bytes()))
    }

    fn from_number(number: u128) -> Self {
        let mut text = [0; MAX_LEN];
        let (digits, _) = text.as_chunks_mut();
        for (digits, bytes) in digits.iter_mut().zip(number.to_be_bytes().as_chunks().0) {
            *digits = hexadecimal(u32::from_be_bytes(*bytes));
        }
        Self { text, length: 32 }
    }

    /// The id that a trusted proxy sent, if it is one.
    pub fn parse(value: &[u8]) -> Option<Self> {
        let allowed =
            |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if value.len() < 8 || !value.iter().all(allowed) {
            return None;
        }
        let mut text = [0; MAX_LEN];
        text.get_mut(..value.len())?.copy_from_slice(value);
        Some(Self { text, length: value.len() })
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// The text's bytes. ASCII.
    pub fn as_bytes(&self) -> &[u8] {
        self.text.get(..self.length).unwrap_or_default()
    }
}

/// The eight digits of `number`, all at once.
const fn hexadecimal(number: u32) -> [u8; 8] {
    let mut digits = number as u64;
    digits = (digits | digits << 16) & 0x0000_ffff_0000_ffff;
    digits = (digits | digits << 8) & 0x00ff_00ff_00ff_00ff;
    digits = (digits | digits << 4) & 0x0f0f_0f0f_0f0f_0f0f;
    // One for each digit that is a letter: only ten and more carry into the upper half.
    let letters = (digits + 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101;
    (digits + 0x3030_3030_3030_3030 + letters * 0x27).to_be_bytes()
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestId({self})")
    }
}

/// Gives out ids that differ from each other, cheaply: random bits once, then a count. Whoever sees one
/// can guess the next; they name requests and protect nothing.
// Alone in its cache lines: every request of every thread counts here, and reads what would lie beside it.
#[derive(Debug)]
#[repr(align(128))]
pub struct RequestIds {
    begin: u64,
    given: AtomicU64,
}

impl RequestIds {
    /// A new series.
    pub fn new(random: &dyn Random) -> Self {
        Self { begin: u64::from_be_bytes(random.bytes()), given: AtomicU64::new(0) }
    }

    /// The next one.
    pub fn fresh(&self) -> RequestId {
        self.named(self.number())
    }

    /// The number of the next one.
    pub fn number(&self) -> u64 {
        self.given.fetch_add(1, Ordering::Relaxed).wrapping_add(1)
    }

    /// The one that has `number`.
    pub fn named(&self, number: u64) -> RequestId {
        RequestId::from_number(u128::from(self.begin) << 64 | u128::from(number))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::CountingRandom;

    #[test]
    fn fresh_ids_are_valid_and_differ() {
        let random = CountingRandom::default();
        let (a, b) = (RequestId::fresh(&random), RequestId::fresh(&random));
        assert_ne!(a, b);
        assert_eq!(RequestId::parse(a.as_str().as_bytes()), Some(a));
    }

    #[test]
    fn a_series_differs_within_itself_and_from_others() {
        let random = CountingRandom::default();
        let (a, b) = (RequestIds::new(&random), RequestIds::new(&random));
        let ids = [a.fresh(), a.fresh(), b.fresh(), b.fresh()];
        assert_eq!(ids[0].as_str(), "00000000000000000000000000000001");
        for (index, id) in ids.iter().enumerate() {
            assert!(!ids[..index].contains(id));
        }
    }

    #[test]
    fn a_number_is_written_in_hexadecimal() {
        for number in [0, 1, 0x0123_4567_89ab_cdef_fedc_ba98_7654_3210, u128::MAX] {
            assert_eq!(RequestId::from_number(number).as_str(), format!("{number:032x}"));
        }
    }

    #[test]
    fn what_could_forge_a_log_line_is_no_id() {
        for bad in ["", "short", "with space..", "line\nbreak..", &"a".repeat(65), "quote\"......"]
        {
            assert_eq!(RequestId::parse(bad.as_bytes()), None, "{bad}");
        }
    }
}
