//! Owns: the text forms of settings: switches, durations, sizes, lists.

use std::time::Duration;

/// `true`, `false` and their usual spellings.
///
/// # Errors
/// What is expected instead.
pub fn switch(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err("is not a switch (true or false)".to_owned()),
    }
}

/// A duration with a unit (`ms`, `s`, `m`, `h`, `d`); a bare integer is seconds.
///
/// # Errors
/// What is expected instead.
pub fn duration(text: &str) -> Result<Duration, String> {
    let refused = || "is not a duration such as 30s, 250ms, 5m, 8h or 1d".to_owned();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits).ok_or_else(refused)?;
    let number: u64 = number.parse().map_err(|_| refused())?;
    let milliseconds = match unit {
        "ms" => Some(number),
        "" | "s" => number.checked_mul(1_000),
        "m" => number.checked_mul(60_000),
        "h" => number.checked_mul(3_600_000),
        "d" => number.checked_mul(86_400_000),
        _ => None,
    };
    milliseconds.map(Duration::from_millis).ok_or_else(refused)
}

/// Whole seconds of a [`duration`], at least one.
///
/// # Errors
/// What is expected instead.
pub fn seconds(text: &str) -> Result<u64, String> {
    match duration(text)?.as_secs() {
        0 => Err("is shorter than a second".to_owned()),
        seconds => Ok(seconds),
    }
}

/// A size in bytes, or with a unit (`KiB`, `MiB`, `GiB`).
///
/// # Errors
/// What is expected instead.
pub fn size(text: &str) -> Result<usize, String> {
    let refused = || "is not a size such as 512, 16KiB, 1MiB or 2GiB".to_owned();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits).ok_or_else(refused)?;
    let number: usize = number.parse().map_err(|_| refused())?;
    let bytes = match unit {
        "" => Some(number),
        "KiB" => number.checked_mul(1 << 10),
        "MiB" => number.checked_mul(1 << 20),
        "GiB" => number.checked_mul(1 << 30),
        _ => None,
    };
    bytes.ok_or_else(refused)
}

/// Anything that parses.
///
/// # Errors
/// `expected`, as what is expected instead.
pub fn any<T: std::str::FromStr>(expected: &str) -> impl Fn(&str) -> Result<T, String> {
    move |text| text.parse().map_err(|_| format!("is not {expected}"))
}

/// A comma list, each entry by `each`; empty entries are skipped.
///
/// # Errors
/// The first entry's error, with its number.
pub fn list<T>(
    each: impl Fn(&str) -> Result<T, String>,
) -> impl Fn(&str) -> Result<Vec<T>, String> {
    move |text| {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        entries
            .enumerate()
            .map(|(index, entry)| {
                each(entry).map_err(|error| format!("entry {} {error}", index + 1))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        for (text, expected) in
            [("30", 30_000), ("30s", 30_000), ("250ms", 250), ("5m", 300_000), ("1d", 86_400_000)]
        {
            assert_eq!(duration(text), Ok(Duration::from_millis(expected)), "{text}");
        }
        for bad in ["", "s", "-1", "1.5s", "1 s", "10w", "99999999999999999999", "é"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
        assert!(seconds("10ms").is_err());
    }

    #[test]
    fn sizes_are_bytes_or_have_a_binary_unit() {
        for (text, expected) in [("0", 0), ("512", 512), ("16KiB", 16_384), ("2MiB", 2_097_152)] {
            assert_eq!(size(text), Ok(expected), "{text}");
        }
        for bad in ["", "KiB", "-1", "1.5MiB", "1 MiB", "1MB", "1k", "99999999999999999999GiB"] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn switches_and_lists() {
        assert_eq!(switch("TRUE"), Ok(true));
        assert!(switch("maybe").is_err());
        let ports = list(any::<u16>("a port"));
        assert_eq!(ports("80, 81,"), Ok(vec![80, 81]));
        assert_eq!(ports("80,x"), Err("entry 2 is not a port".to_owned()));
    }
}
