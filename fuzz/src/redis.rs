//! Target: what Redis says on the connection that verify reads.
//!
//! Oracle: it says the same however it is cut into pieces; nonsense is found once, and nothing behind it counts.

use session::redis::fuzzing::replies;

/// Reads it whole, byte by byte, and in pieces.
pub(crate) fn run(data: &[u8]) {
    let whole = replies([data]);
    assert_eq!(replies(data.chunks(1)), whole, "{}", data.escape_ascii());
    assert_eq!(replies(data.chunks(7)), whole, "{}", data.escape_ascii());
}
