//! Owns: the way back that a login is given, as a value of its URL. It never leaves the site (class T13).

use std::sync::LazyLock;

use bytes::BytesMut;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode, percent_encode};

use super::{IN_VALUE, put_value};

/// Longest original target that is carried through a login.
pub(super) const TARGET_MAX: usize = 2048;

/// What a URL may not hold as it is. `%` stays: the target is encoded already.
const IN_URL: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// The way back to `target`: an ASCII path and query, encoded as a value.
pub(super) fn put(out: &mut BytesMut, target: Option<&[u8]>) {
    match target {
        // What nearly every target is; the arm below does the same to it with more work.
        Some(target) if put_plain_path(out, target) => {}
        Some(target) if stays_on_site(target) => {
            percent_encode(target, IN_URL).for_each(|piece| put_value(out, piece));
        }
        _ => put_value(out, "/"),
    }
}

/// What a byte of a target is in a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Piece {
    /// An unreserved character, which stands for itself.
    Itself,
    Encoded([u8; 3]),
    /// It does not stand for itself in a target, however often that is decoded.
    Other,
}

static PIECES: LazyLock<[Piece; 256]> = LazyLock::new(|| {
    let mut pieces = [Piece::Other; 256];
    for (byte, piece) in (0..=u8::MAX).zip(&mut pieces) {
        if byte.is_ascii_alphanumeric() || b"-._~/?&=:,;@!$'()*+[]".contains(&byte) {
            let encoded = percent_encode(&[byte], IN_VALUE).to_string();
            *piece = encoded.as_bytes().try_into().map_or(Piece::Itself, Piece::Encoded);
        }
    }
    pieces
});

/// Writes `target` as a value in one pass, if it stays on the site and needs no encoding to be a part
/// of a URL; nothing otherwise.
fn put_plain_path(out: &mut BytesMut, target: &[u8]) -> bool {
    if target.len() > TARGET_MAX || !target.starts_with(b"/") {
        return false;
    }
    let begin = out.len();
    out.resize(begin.saturating_add(target.len().saturating_mul(3)), 0);
    let written = out.get_mut(begin..).and_then(|room| encode_plain_path(room, target));
    out.truncate(begin.saturating_add(written.unwrap_or_default()));
    written.is_some()
}

/// Writes into `room`, which takes three bytes for each of `target`, and says how many it took.
fn encode_plain_path(room: &mut [u8], target: &[u8]) -> Option<usize> {
    let pieces = &*PIECES;
    let piece = |byte: u8| pieces.get(usize::from(byte)).copied().unwrap_or(Piece::Other);
    let (mut rest, mut end) = (target, 0_usize);
    loop {
        let length = rest.iter().position(|byte| piece(*byte) != Piece::Itself);
        let (plain, special) = rest.split_at_checked(length.unwrap_or(rest.len()))?;
        let next = end.checked_add(plain.len())?;
        room.get_mut(end..next)?.copy_from_slice(plain);
        end = next;
        let Some((byte, after)) = special.split_first() else { return Some(end) };
        let leads_away = *byte == b'/' && after.first() == Some(&b'/');
        let Piece::Encoded(encoded) = piece(*byte) else { return None };
        if leads_away {
            return None;
        }
        let next = end.checked_add(encoded.len())?;
        room.get_mut(end..next)?.copy_from_slice(&encoded);
        end = next;
        rest = after;
    }
}

/// Whether no reader, however often it decodes or normalises once, takes `target` for another
/// site's.
fn stays_on_site(target: &[u8]) -> bool {
    if target.len() > TARGET_MAX || !target.starts_with(b"/") {
        return false;
    }
    let path = target.split(|byte| *byte == b'?').next().unwrap_or_default();
    let mut previous = None;
    let mut leads_away = |byte: u8| {
        let twice = byte == b'/' && previous == Some(b'/');
        previous = Some(byte);
        byte == b'\\' || twice
    };
    !percent_decode(target).any(|byte| byte.is_ascii_control())
        && !percent_decode(path).any(&mut leads_away)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn t13_the_short_way_writes_what_the_long_way_writes(target in "/[a-z0-9/?&=:,;@!$'()*+.~_\\[\\]-]{0,40}") {
            let mut short = BytesMut::from("before");
            if put_plain_path(&mut short, target.as_bytes()) {
                prop_assert!(stays_on_site(target.as_bytes()));
                let mut long = BytesMut::from("before");
                percent_encode(target.as_bytes(), IN_URL).for_each(|piece| put_value(&mut long, piece));
                prop_assert_eq!(short, long);
            } else {
                prop_assert!(target.contains("//"));
                prop_assert_eq!(&short[..], b"before");
            }
        }
    }
}
