//! Target: the lines of `Cookie`, divided by line feeds.
//!
//! Oracle: what is found is what a slower reading by other crates finds: the one value of the exact name, if it
//! is the one base64url of 32 bytes. It stands in the input as it is given out.

use std::str;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use session::cookie::{SessionCookie, find};
use session::id::SessionId;

/// Most bytes that are searched.
const MOST: usize = 64 * 1024;

/// Looks for the cookie under both names that it has.
pub(crate) fn run(data: &[u8]) {
    for name in ["bff_session", "__Host-bff_session"] {
        let lines: Vec<&[u8]> = data.split(|byte| *byte == b'\n').collect();
        let found = find(lines.iter().copied(), name);
        if let SessionCookie::One(id) = &found {
            is_whole(id, data);
            the_cookie_crate_agrees(&lines, name, id);
        }
        let length: usize = lines.iter().map(|line| line.len()).sum();
        if length <= MOST {
            assert_eq!(found, expected(&lines, name), "{}", data.escape_ascii());
        }
    }
}

fn is_whole(id: &SessionId, data: &[u8]) {
    let text = id.expose();
    assert!(data.windows(text.len()).any(|part| part == text.as_bytes()));
    let bytes: [u8; 32] = URL_SAFE_NO_PAD.decode(text).expect("base64url").try_into().expect("32");
    assert_eq!(SessionId::from_random(bytes), *id, "another spelling");
}

/// Only where that crate takes the bytes at all: it reads text.
fn the_cookie_crate_agrees(lines: &[&[u8]], name: &str, id: &SessionId) {
    let Ok(text) = str::from_utf8(&lines.join(&b"; "[..])).map(str::to_owned) else { return };
    let mut values = cookie::Cookie::split_parse(text)
        .flatten()
        .filter(|cookie| cookie.name() == name)
        .map(|cookie| cookie.value().to_owned());
    assert!(values.any(|value| value == id.expose()));
}

fn expected(lines: &[&[u8]], name: &str) -> SessionCookie {
    let start = format!("{name}=");
    let pairs = lines.iter().flat_map(|line| line.split(|byte| *byte == b';'));
    let mut values = pairs.filter_map(|pair| pair.trim_ascii().strip_prefix(start.as_bytes()));
    match (values.next(), values.next()) {
        (None, _) => SessionCookie::Missing,
        (Some(_), Some(_)) => SessionCookie::Several,
        (Some(value), None) => {
            let bytes = URL_SAFE_NO_PAD.decode(value).ok();
            match bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok()) {
                Some(bytes) => SessionCookie::One(SessionId::from_random(bytes)),
                None => SessionCookie::Malformed,
            }
        }
    }
}
