//! Owns: lists of `key=value`, as OpenTelemetry's variables have them (W3C Baggage without properties).

use percent_encoding::percent_decode_str;

/// The pairs of a list, percent-decoded.
///
/// # Errors
/// What is wrong with it.
pub(super) fn pairs(text: &str) -> Result<Vec<(String, String)>, String> {
    let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    entries.map(pair).collect()
}

fn pair(entry: &str) -> Result<(String, String), String> {
    let refused = || "is not a comma list of key=value".to_owned();
    let (name, value) = entry.split_once('=').ok_or_else(refused)?;
    let decoded = |text: &str| {
        let decoded = percent_decode_str(text.trim()).decode_utf8();
        decoded.map(std::borrow::Cow::into_owned).map_err(|_| refused())
    };
    let (name, value) = (decoded(name)?, decoded(value)?);
    if name.is_empty() { Err(refused()) } else { Ok((name, value)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_as_the_specification_has_it() {
        let read = pairs("a=1, b = two%20words ,c=x=y,").unwrap();
        let expected = [("a", "1"), ("b", "two words"), ("c", "x=y")];
        assert_eq!(read, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(pairs("").unwrap(), []);
        for wrong in ["a", "=1", "a=%ff", "a=1,b"] {
            assert!(pairs(wrong).is_err(), "{wrong}");
        }
    }
}
