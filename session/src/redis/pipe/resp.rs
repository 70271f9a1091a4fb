//! Owns: reading what Redis says on the pipe off a buffer: bulk strings, nulls, errors and `PONG` in
//! order, and in RESP3 the invalidations between them.

use std::ops::Range;

use bytes::{Buf as _, Bytes, BytesMut};
use memchr::memchr;

use crate::store::StoreError;

/// Longest edge view, or list of changed keys, that is believed to be one.
const LENGTH_MAX: usize = 1 << 20;
/// Longest first line of an answer.
const LINE_MAX: usize = 4 * 1024;

/// What Redis says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// To `HGET`.
    Value(Option<Bytes>),
    /// To `HMGET`: as it came, for [`fields`] to read. One piece, so that it is handed on as one.
    Fields(Bytes),
    /// To any command.
    Refused(StoreError),
    /// To `PING`.
    Pong,
    /// Unasked: these keys changed; `None`: all of them.
    Changed(Option<Vec<Bytes>>),
}

/// Something that is no answer to our commands; the connection is of no use any more.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Nonsense;

/// Takes the next reply off `buffer`; `None` if it is not whole yet.
pub(super) fn next(buffer: &mut BytesMut) -> Result<Option<Reply>, Nonsense> {
    let Some((kind, rest, head)) = line(buffer)? else { return Ok(None) };
    match kind {
        b'$' if rest == b"-1" => {
            buffer.advance(head);
            Ok(Some(Reply::Value(None)))
        }
        b'$' => {
            let length = number(rest).filter(|length| *length <= LENGTH_MAX).ok_or(Nonsense)?;
            bulk(buffer, head, length).map(|value| value.map(|value| Reply::Value(Some(value))))
        }
        b'_' if rest.is_empty() => {
            buffer.advance(head);
            Ok(Some(Reply::Value(None)))
        }
        b'+' if rest == b"PONG" => {
            buffer.advance(head);
            Ok(Some(Reply::Pong))
        }
        b'-' => {
            let refused = refusal(rest);
            buffer.advance(head);
            Ok(Some(Reply::Refused(refused)))
        }
        b'*' => array(buffer),
        b'>' => changed(buffer),
        _ => Err(Nonsense),
    }
}

/// A line: its kind, the rest of it, and how many bytes it is long with its end.
type Line<'a> = (u8, &'a [u8], usize);

/// The first line.
fn line(buffer: &[u8]) -> Result<Option<Line<'_>>, Nonsense> {
    let searched = buffer.get(..LINE_MAX).unwrap_or(buffer);
    let Some(end) = memchr(b'\r', searched) else {
        return if buffer.len() > LINE_MAX { Err(Nonsense) } else { Ok(None) };
    };
    match buffer.get(end + 1) {
        None => Ok(None),
        Some(b'\n') => {
            let (kind, rest) = buffer.get(..end).and_then(<[u8]>::split_first).ok_or(Nonsense)?;
            Ok(Some((*kind, rest, end + 2)))
        }
        Some(_) => Err(Nonsense),
    }
}

/// The bulk string of `length` bytes behind a first line of `head` bytes.
fn bulk(buffer: &mut BytesMut, head: usize, length: usize) -> Result<Option<Bytes>, Nonsense> {
    let whole = head.saturating_add(length).saturating_add(2);
    if buffer.len() < whole {
        buffer.reserve(whole - buffer.len());
        return Ok(None);
    }
    buffer.advance(head);
    let value = buffer.split_to(length).freeze();
    if !buffer.starts_with(b"\r\n") {
        return Err(Nonsense);
    }
    buffer.advance(2);
    Ok(Some(value))
}

/// How many fields an `HMGET` of ours asks for.
pub(super) const FIELDS: usize = 3;

/// An array of as many strings or nulls as `HMGET` asks for.
fn array(buffer: &mut BytesMut) -> Result<Option<Reply>, Nonsense> {
    match fields(buffer)? {
        None => Ok(None),
        Some((_, length)) => Ok(Some(Reply::Fields(buffer.split_to(length).freeze()))),
    }
}

/// Where the values stand in an answer to `HMGET`, and how long it is; `None` if it is not whole yet.
type Places = ([Option<Range<usize>>; FIELDS], usize);

pub(super) fn fields(answer: &[u8]) -> Result<Option<Places>, Nonsense> {
    let Some((b'*', count, mut at)) = line(answer)? else { return Err(Nonsense) };
    if number(count) != Some(FIELDS) {
        return Err(Nonsense);
    }
    let mut places = [const { None }; FIELDS];
    for place in &mut places {
        let rest = answer.get(at..).unwrap_or_default();
        let Some((kind, digits, head)) = line(rest)? else { return Ok(None) };
        at += head;
        match (kind, digits) {
            (b'$', b"-1") | (b'_', b"") => {}
            (b'$', digits) => {
                let length = number(digits).filter(|length| *length <= LENGTH_MAX);
                let end = at + length.ok_or(Nonsense)?;
                match answer.get(end..end + 2) {
                    None => return Ok(None),
                    Some(b"\r\n") => *place = Some(at..end),
                    Some(_) => return Err(Nonsense),
                }
                at = end + 2;
            }
            _ => return Err(Nonsense),
        }
    }
    Ok(Some((places, at)))
}

/// `>2 invalidate [key...]`, or with a null in place of the keys after `FLUSHALL` and `FLUSHDB`.
fn changed(buffer: &mut BytesMut) -> Result<Option<Reply>, Nonsense> {
    const HEAD: &[u8] = b">2\r\n$10\r\ninvalidate\r\n";
    let Some(rest) = buffer.strip_prefix(HEAD) else {
        let short = buffer.len() < HEAD.len() && HEAD.starts_with(buffer);
        return if short { Ok(None) } else { Err(Nonsense) };
    };
    let Some((kind, count, length)) = line(rest)? else { return Ok(None) };
    match kind {
        b'_' => {
            buffer.advance(HEAD.len() + length);
            Ok(Some(Reply::Changed(None)))
        }
        b'*' => {
            let count = number(count).filter(|count| *count <= LENGTH_MAX).ok_or(Nonsense)?;
            let mut rest = rest.get(length..).unwrap_or_default();
            let mut keys = Vec::new();
            for _ in 0..count {
                let Some((b'$', digits, head)) = line(rest)? else {
                    return if rest.first().is_none_or(|kind| *kind == b'$') {
                        Ok(None)
                    } else {
                        Err(Nonsense)
                    };
                };
                let length =
                    number(digits).filter(|length| *length <= LENGTH_MAX).ok_or(Nonsense)?;
                let end = head + length;
                let Some(key) = rest.get(head..end) else { return Ok(None) };
                match rest.get(end..end + 2) {
                    None => return Ok(None),
                    Some(b"\r\n") => keys.push(Bytes::copy_from_slice(key)),
                    Some(_) => return Err(Nonsense),
                }
                rest = rest.get(end + 2..).unwrap_or_default();
            }
            let used = buffer.len() - rest.len();
            buffer.advance(used);
            Ok(Some(Reply::Changed(Some(keys))))
        }
        _ => Err(Nonsense),
    }
}

fn number(digits: &[u8]) -> Option<usize> {
    let digit = |digit: &u8| digit.is_ascii_digit().then(|| usize::from(digit - b'0'));
    if digits.is_empty() {
        return None;
    }
    digits
        .iter()
        .try_fold(0_usize, |number, next| number.checked_mul(10)?.checked_add(digit(next)?))
}

/// An error by its code. What follows the code may name keys.
fn refusal(line: &[u8]) -> StoreError {
    let code: String = line
        .iter()
        .take_while(|byte| byte.is_ascii_uppercase())
        .map(|byte| char::from(*byte))
        .collect();
    match code.as_str() {
        // It is starting, failing over, or a replica that lost its master.
        "LOADING" | "MASTERDOWN" | "CLUSTERDOWN" | "TRYAGAIN" => StoreError::Unavailable,
        _ => StoreError::Refused(code),
    }
}

#[cfg(test)]
mod tests;
