//! Owns: what an option is set to. It may be a secret, so nothing here can be printed.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// What one option is set to.
#[derive(Clone, Default)]
pub(super) struct Value {
    texts: Vec<SecretString>,
    /// Whether its entries stand apart. Otherwise commas separate them, as in a variable.
    is_array: bool,
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Value(..)")
    }
}

impl Value {
    /// One text, which may be a list with commas.
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self { texts: vec![text.into().into()], is_array: false }
    }

    /// A list.
    pub(super) fn array(texts: impl IntoIterator<Item = String>) -> Self {
        Self { texts: texts.into_iter().map(Into::into).collect(), is_array: true }
    }

    /// That of an option which is given more than once.
    pub(super) fn append(&mut self, other: Self) {
        self.texts.extend(other.texts);
    }

    /// The text; the last of several, and empty without one.
    pub(super) fn one(&self) -> &str {
        self.texts.last().map_or("", |text| text.expose_secret().trim())
    }

    /// The entries, without empty ones.
    pub(super) fn list(&self) -> Vec<&str> {
        let each = self.texts.iter().map(ExposeSecret::expose_secret);
        let entries: Vec<&str> = if self.is_array {
            each.collect()
        } else {
            each.flat_map(|text| text.split(',')).collect()
        };
        entries.into_iter().map(str::trim).filter(|entry| !entry.is_empty()).collect()
    }

    /// Whether it says nothing.
    pub(super) fn is_blank(&self) -> bool {
        self.list().is_empty()
    }

    /// Whether it is a switch that is on, in the spellings of Go.
    pub(super) fn is_true(&self) -> bool {
        matches!(self.one(), "1" | "t" | "T" | "true" | "True" | "TRUE")
    }
}

/// Seconds of a duration as Go writes it: `168h0m0s`, `1h30m`, `500ms`, and `0` without a unit. Parts of a second are
/// rounded up.
pub(super) fn go_seconds(text: &str) -> Option<u64> {
    if text == "0" {
        return Some(0);
    }
    let mut rest = text;
    let mut milliseconds: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, behind) = rest.split_at_checked(digits)?;
        let letters = behind.bytes().take_while(u8::is_ascii_lowercase).count();
        let (unit, behind) = behind.split_at_checked(letters)?;
        let each = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return None,
        };
        let part = number.parse::<u64>().ok()?.checked_mul(each)?;
        milliseconds = milliseconds.checked_add(part)?;
        rest = behind;
    }
    (!text.is_empty()).then(|| milliseconds.div_ceil(1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t18_a_value_cannot_be_printed() {
        assert!(!format!("{:?}", Value::text("canary")).contains("canary"));
    }

    #[test]
    fn lists_are_arrays_or_have_commas() {
        assert_eq!(Value::text("a, b,").list(), ["a", "b"]);
        assert_eq!(Value::array(["a,b".to_owned(), String::new()]).list(), ["a,b"]);
        assert!(Value::text(" ").is_blank() && Value::array([]).is_blank());
    }

    #[test]
    fn durations_are_those_of_go() {
        for (text, seconds) in [("168h0m0s", 604_800), ("1h30m", 5_400), ("500ms", 1), ("0", 0)] {
            assert_eq!(go_seconds(text), Some(seconds), "{text}");
        }
        for bad in ["", "5", "h", "1d", "-1h", "1.5h", "99999999999999999999h", "1h é"] {
            assert_eq!(go_seconds(bad), None, "{bad}");
        }
    }
}
