//! Owns: reading the answers to `HGET` off a buffer: RESP2 bulk strings, nulls and errors.

use bytes::{Buf as _, Bytes, BytesMut};

use crate::store::StoreError;

/// Longest edge view that is believed to be one.
const LENGTH_MAX: usize = 1 << 20;

/// Longest first line of an answer.
const LINE_MAX: usize = 4 * 1024;

/// Something that is no answer to our command; the connection is of no use any more.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Nonsense;

/// Takes the next answer off `buffer`; `None` if it is not whole yet.
pub(super) fn next(
    buffer: &mut BytesMut,
) -> Result<Option<Result<Option<Bytes>, StoreError>>, Nonsense> {
    let Some(end) = buffer.windows(2).take(LINE_MAX).position(|window| window == b"\r\n") else {
        return if buffer.len() > LINE_MAX { Err(Nonsense) } else { Ok(None) };
    };
    let (kind, rest) = buffer.get(..end).and_then(<[u8]>::split_first).ok_or(Nonsense)?;
    match kind {
        b'$' if rest == b"-1" => {
            buffer.advance(end + 2);
            Ok(Some(Ok(None)))
        }
        b'$' => {
            let length = number(rest).filter(|length| *length <= LENGTH_MAX).ok_or(Nonsense)?;
            let body = end + 2;
            if buffer.len() < body + length + 2 {
                buffer.reserve(body + length + 2 - buffer.len());
                return Ok(None);
            }
            buffer.advance(body);
            let value = buffer.split_to(length).freeze();
            if !buffer.starts_with(b"\r\n") {
                return Err(Nonsense);
            }
            buffer.advance(2);
            Ok(Some(Ok(Some(value))))
        }
        b'-' => {
            let refused = refusal(rest);
            buffer.advance(end + 2);
            Ok(Some(Err(refused)))
        }
        _ => Err(Nonsense),
    }
}

fn number(digits: &[u8]) -> Option<usize> {
    std::str::from_utf8(digits).ok()?.parse().ok()
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
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(wire: &[u8]) -> (Vec<Result<Option<Bytes>, StoreError>>, usize) {
        let mut buffer = BytesMut::from(wire);
        let mut answers = Vec::new();
        while let Ok(Some(answer)) = next(&mut buffer) {
            answers.push(answer);
        }
        (answers, buffer.len())
    }

    #[test]
    fn answers_come_in_order_and_whole() {
        let (answers, left) =
            all(b"$4\r\na\r\nb\r\n$-1\r\n$0\r\n\r\n-WRONGTYPE key bff:x\r\n-LOADING\r\n$3\r\nab");
        assert_eq!(
            answers,
            [
                Ok(Some("a\r\nb".into())),
                Ok(None),
                Ok(Some(Bytes::new())),
                Err(StoreError::Refused("WRONGTYPE".to_owned())),
                Err(StoreError::Unavailable),
            ]
        );
        assert_eq!(left, 6);
    }

    #[test]
    fn t08_nonsense_ends_the_connection_and_is_no_answer() {
        for wire in [
            &b"+OK\r\n"[..],
            b":1\r\n",
            b"*1\r\n",
            b"$x\r\n",
            b"$-2\r\n",
            b"$99999999\r\n",
            b"$1\r\nabc\r\n",
            b"\r\n",
        ] {
            assert_eq!(next(&mut BytesMut::from(wire)), Err(Nonsense), "{wire:?}");
        }
        assert_eq!(next(&mut BytesMut::from(&vec![b'$'; LINE_MAX + 2][..])), Err(Nonsense));
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken(wire in proptest::collection::vec(any::<u8>(), 0..200)) {
            drop(all(&wire));
        }

        #[test]
        fn a_value_is_read_however_it_is_cut(value in proptest::collection::vec(any::<u8>(), 0..100), cut in 0..100_usize) {
            let mut wire = format!("${}\r\n", value.len()).into_bytes();
            wire.extend_from_slice(&value);
            wire.extend_from_slice(b"\r\n");
            let cut = cut.min(wire.len() - 1);
            let mut buffer = BytesMut::from(&wire[..cut]);
            prop_assert_eq!(next(&mut buffer), Ok(None));
            buffer.extend_from_slice(&wire[cut..]);
            prop_assert_eq!(next(&mut buffer), Ok(Some(Ok(Some(Bytes::from(value))))));
        }
    }
}
