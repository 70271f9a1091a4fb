//! Owns: one spelling for every path, before a route is chosen.
//!
//! Traefik routes and forwards the normalised form (observed with 3.7.15): percent-encoded unreserved
//! characters are decoded (RFC 3986 section 6.2.2), dot segments removed and slashes collapsed, `;` in
//! the query becomes `&`. A path that is not well-formed is refused, never guessed at.

use std::fmt::Write as _;

/// Why a request target was refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request target is not a well-formed path")]
pub(super) struct Malformed;

/// The path and query of a request target in their one spelling.
///
/// # Errors
///
/// When the path does not begin with `/` or holds a bad percent-encoding.
pub(super) fn normalise(path_and_query: &str) -> Result<String, Malformed> {
    let (path, query) = match path_and_query.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (path_and_query, None),
    };
    if !path.starts_with('/') {
        return Err(Malformed);
    }
    let mut normal = without_dot_segments(&decode_unreserved(path)?);
    if let Some(query) = query {
        normal.push('?');
        normal.push_str(&query.replace(';', "&"));
    }
    Ok(normal)
}

fn decode_unreserved(path: &str) -> Result<String, Malformed> {
    let mut out = String::with_capacity(path.len());
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let decoded = hex(bytes.next())? * 16 + hex(bytes.next())?;
            push(&mut out, decoded, is_unreserved(decoded));
        } else {
            push(&mut out, byte, byte.is_ascii_graphic());
        }
    }
    Ok(out)
}

fn hex(digit: Option<u8>) -> Result<u8, Malformed> {
    let value = digit.and_then(|digit| char::from(digit).to_digit(16)).ok_or(Malformed)?;
    u8::try_from(value).map_err(|_| Malformed)
}

fn push(out: &mut String, byte: u8, plain: bool) {
    if plain {
        out.push(char::from(byte));
    } else {
        // Writing to a `String` cannot fail.
        write!(out, "%{byte:02X}").unwrap_or_default();
    }
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

fn without_dot_segments(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                kept.pop();
            }
            other => kept.push(other),
        }
    }
    let mut out = String::with_capacity(path.len());
    for segment in &kept {
        out.push('/');
        out.push_str(segment);
    }
    if kept.is_empty() || path.ends_with('/') {
        out.push('/');
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_spelling_of_a_path_becomes_the_same_path() {
        for spelling in [
            "/auth/verify",
            "/auth/%76erify",
            "//auth//verify",
            "/./auth/./verify",
            "/x/../auth/verify",
            "/x/%2e%2E/auth/verify",
            "/../../auth/verify",
        ] {
            assert_eq!(normalise(spelling).as_deref(), Ok("/auth/verify"), "{spelling}");
        }
    }

    #[test]
    fn what_carries_meaning_is_kept() {
        for (given, normal) in [
            ("/", "/"),
            ("/a/", "/a/"),
            ("/a%2fb", "/a%2Fb"),
            ("/a%00", "/a%00"),
            ("/a%2520", "/a%2520"),
            ("/é", "/%C3%A9"),
            ("/a?x=1;y=../2&z=//", "/a?x=1&y=../2&z=//"),
            ("/a?", "/a?"),
        ] {
            assert_eq!(normalise(given).as_deref(), Ok(normal), "{given}");
        }
    }

    #[test]
    fn a_malformed_path_is_refused() {
        for bad in ["", "*", "auth/verify", "/%", "/%7", "/%zz", "/a%+1"] {
            assert_eq!(normalise(bad), Err(Malformed), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_normal_path_is_normal_and_holds_no_second_spelling(path in "/[a-z./%0-9é;A-F]{0,40}") {
            if let Ok(normal) = normalise(&path) {
                let again = normalise(&normal);
                prop_assert_eq!(again.as_ref(), Ok(&normal));
                prop_assert!(normal.starts_with('/') && !normal.contains("//"));
                prop_assert!(normal.split('/').all(|segment| segment != "." && segment != ".."));
            }
        }
    }
}
