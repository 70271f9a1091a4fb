//! Owns: reading single keys out of a query (`application/x-www-form-urlencoded`).
//!
//! A key counts in any spelling that decodes to it; given twice, it is refused.

use std::borrow::Cow;

use percent_encoding::percent_decode;
use shell::config::parse;

use super::address::PolicyError;

/// The decoded value of `key`; `None` where it is not given.
pub(super) fn single<'a>(
    query: &'a str,
    key: &'static str,
) -> Result<Option<Cow<'a, str>>, PolicyError> {
    let mut found = None;
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if decoded(name).as_deref() != Some(key) {
            continue;
        }
        if found.is_some() {
            return Err(PolicyError::Repeated(key));
        }
        found = Some(decoded(value).ok_or(PolicyError::Malformed(key))?);
    }
    Ok(found)
}

/// Entries between commas and spaces; empty where the key is not given.
pub(super) fn list(query: &str, key: &'static str) -> Result<Vec<String>, PolicyError> {
    let Some(value) = single(query, key)? else {
        return Ok(Vec::new());
    };
    let entries = value.split([',', ' ']).filter(|entry| !entry.is_empty());
    let entries: Vec<String> = entries.map(str::to_owned).collect();
    let odd = |entry: &String| entry.contains(char::is_control);
    if entries.is_empty() || entries.iter().any(odd) {
        return Err(PolicyError::Malformed(key));
    }
    Ok(entries)
}

/// As [`list`], of what RFC 6749 section 3.3 takes for a scope: text that needs no escaping between
/// quotes.
pub(super) fn tokens(query: &str, key: &'static str) -> Result<Vec<String>, PolicyError> {
    let entries = list(query, key)?;
    if entries.iter().all(|entry| is_token(entry)) {
        Ok(entries)
    } else {
        Err(PolicyError::Malformed(key))
    }
}

/// Whether `text` needs no escaping between quotes.
pub(super) fn is_token(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
    !text.is_empty() && text.bytes().all(plain)
}

/// As [`tokens`], but exactly one.
pub(super) fn one_token(query: &str, key: &'static str) -> Result<Option<String>, PolicyError> {
    let mut entries = tokens(query, key)?.into_iter();
    match (entries.next(), entries.next()) {
        (entry, None) => Ok(entry),
        (_, Some(_)) => Err(PolicyError::Malformed(key)),
    }
}

/// A time in whole seconds, written as in the files.
pub(super) fn seconds(query: &str, key: &'static str) -> Result<Option<u64>, PolicyError> {
    let parsed = |text: Cow<'_, str>| match parse::duration(&text) {
        Ok(time) if time.subsec_nanos() == 0 => Ok(time.as_secs()),
        _ => Err(PolicyError::Malformed(key)),
    };
    single(query, key)?.map(parsed).transpose()
}

/// `None` where an escape is broken or the bytes are not UTF-8.
fn decoded(text: &str) -> Option<Cow<'_, str>> {
    let escapes_are_whole = text.split('%').skip(1).all(|after| {
        after.as_bytes().get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    });
    if !escapes_are_whole {
        return None;
    }
    if text.contains('+') {
        let spaced = text.replace('+', " ");
        return percent_decode(spaced.as_bytes())
            .decode_utf8()
            .ok()
            .map(|decoded| Cow::Owned(decoded.into_owned()));
    }
    percent_decode(text.as_bytes()).decode_utf8().ok()
}
