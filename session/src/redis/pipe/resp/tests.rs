use super::*;
use proptest::prelude::*;

fn all(wire: &[u8]) -> (Vec<Reply>, usize) {
    let mut buffer = BytesMut::from(wire);
    let mut replies = Vec::new();
    while let Ok(Some(reply)) = next(&mut buffer) {
        replies.push(reply);
    }
    (replies, buffer.len())
}

const WIRE: &[u8] =
    b"$4\r\na\r\nb\r\n$-1\r\n_\r\n$0\r\n\r\n-WRONGTYPE key bff:x\r\n-LOADING\r\n+PONG\r\n\
    >2\r\n$10\r\ninvalidate\r\n*2\r\n$1\r\nx\r\n$2\r\nyz\r\n>2\r\n$10\r\ninvalidate\r\n_\r\n";

fn replies() -> Vec<Reply> {
    vec![
        Reply::Value(Some("a\r\nb".into())),
        Reply::Value(None),
        Reply::Value(None),
        Reply::Value(Some(Bytes::new())),
        Reply::Refused(StoreError::Refused("WRONGTYPE".to_owned())),
        Reply::Refused(StoreError::Unavailable),
        Reply::Pong,
        Reply::Changed(Some(vec!["x".into(), "yz".into()])),
        Reply::Changed(None),
    ]
}

#[test]
fn replies_come_in_order_and_whole() {
    let (got, left) = all(&[WIRE, b"$3\r\nab"].concat());
    assert_eq!((got, left), (replies(), 6));
}

#[test]
fn a_reply_is_read_however_the_stream_is_cut() {
    for cut in 0..WIRE.len() {
        let mut buffer = BytesMut::from(&WIRE[..cut]);
        let mut got = Vec::new();
        while let Some(reply) = next(&mut buffer).unwrap() {
            got.push(reply);
        }
        buffer.extend_from_slice(&WIRE[cut..]);
        while let Some(reply) = next(&mut buffer).unwrap() {
            got.push(reply);
        }
        assert_eq!(got, replies(), "cut at {cut}");
    }
}

#[test]
fn fields_are_where_they_are_found_and_those_that_are_not_there_are_none() {
    let wire = b"*3\r\n$2\r\nab\r\n$-1\r\n$0\r\n\r\n+PONG\r\n";
    let whole = wire.len() - b"+PONG\r\n".len();
    let (found, length) = fields(wire).unwrap().unwrap();
    assert_eq!((found, length), ([Some(8..10), None, Some(21..21)], whole));
    let (replies, left) = all(wire);
    let raw = Bytes::copy_from_slice(&wire[..whole]);
    assert_eq!((replies, left), (vec![Reply::Fields(raw), Reply::Pong], 0));
    for cut in 1..whole {
        assert_eq!(next(&mut BytesMut::from(&wire[..cut])), Ok(None), "cut at {cut}");
    }
}

#[test]
fn t08_nonsense_ends_the_connection_and_is_no_answer() {
    for wire in [
        &b"+OK\r\n"[..],
        b":1\r\n",
        b"*1\r\n",
        b"*3\r\n:1\r\n",
        b"*3\r\n$1\r\nabc\r\n",
        b"*3\r\n$99999999\r\n",
        b"$x\r\n",
        b"$\r\n",
        b"$-2\r\n",
        b"$+1\r\n",
        b"$99999999\r\n",
        b"$1\r\nabc\r\n",
        b"$1\rx",
        b"\r\n",
        b">3\r\n",
        b">2\r\n$10\r\ninvalidatf\r\n",
        b">2\r\n$10\r\ninvalidate\r\n$1\r\nx\r\n",
        b">2\r\n$10\r\ninvalidate\r\n*1\r\n:1\r\n",
        b">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nabc",
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
    fn t08_a_value_cannot_pretend_to_be_another_reply(value in proptest::collection::vec(any::<u8>(), 0..100)) {
        let mut wire = format!("${}\r\n", value.len()).into_bytes();
        wire.extend_from_slice(&value);
        wire.extend_from_slice(b"\r\n");
        prop_assert_eq!(all(&wire), (vec![Reply::Value(Some(value.into()))], 0));
    }
}
