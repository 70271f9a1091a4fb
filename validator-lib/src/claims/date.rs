//! Owns: `NumericDate` (RFC 7519 section 2).

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

/// 9999-12-31T23:59:59Z. A later date is a mistake, and sums with it must not overflow.
pub(super) const LAST_DATE: u64 = 253_402_300_799;

/// Seconds since the epoch; written as an integer or with a fraction, which is cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct NumericDate(pub(crate) u64);

impl<'de> Deserialize<'de> for NumericDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DateVisitor)
    }
}

struct DateVisitor;

impl Visitor<'_> for DateVisitor {
    type Value = NumericDate;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("seconds since the epoch")
    }

    fn visit_u64<E: Error>(self, seconds: u64) -> Result<NumericDate, E> {
        if seconds > LAST_DATE {
            return Err(E::custom("the date is out of range"));
        }
        Ok(NumericDate(seconds))
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "the range is checked, and every whole number in it is exact in both types"
    )]
    fn visit_f64<E: Error>(self, seconds: f64) -> Result<NumericDate, E> {
        if !(0.0..=LAST_DATE as f64).contains(&seconds) {
            return Err(E::custom("the date is out of range"));
        }
        Ok(NumericDate(seconds as u64))
    }
}
