//! Owns: what the crate `fuzz` asks of the pipe without a socket. Behind the feature `fuzzing`, which no
//! program has.

use bytes::BytesMut;

use super::resp::{self, Reply};

/// What Redis says in `chunks`, each as it comes off the socket; last whether it is anything that our commands
/// may be answered.
pub fn replies<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> (Vec<String>, bool) {
    let (mut buffer, mut told) = (BytesMut::new(), Vec::new());
    for chunk in chunks {
        buffer.extend_from_slice(chunk);
        loop {
            match resp::next(&mut buffer) {
                Ok(None) => break,
                Ok(Some(Reply::Fields(raw))) => told.push(format!("{:?}", resp::fields(&raw))),
                Ok(Some(reply)) => told.push(format!("{reply:?}")),
                Err(resp::Nonsense) => return (told, false),
            }
        }
    }
    (told, true)
}
