//! Free loopback ports for programs that must be told theirs before they start.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU16, Ordering};

// Below the range from which the kernel takes the ports of outgoing connections, so that a load
// test cannot take a port between the look and the use.
const FIRST: u16 = 12_000;
const COUNT: u16 = 20_000;

static NEXT: LazyLock<AtomicU16> = LazyLock::new(|| {
    let spread = std::process::id().wrapping_mul(131) % u32::from(COUNT);
    AtomicU16::new(u16::try_from(spread).unwrap_or(0))
});

/// A loopback address on which nothing listens, handed out once in this process.
pub fn free() -> SocketAddr {
    (0..COUNT)
        .map(|_| FIRST + NEXT.fetch_add(1, Ordering::Relaxed) % COUNT)
        .map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
        .find(|address| TcpListener::bind(address).is_ok())
        .expect("no loopback port is free")
}

/// The first of two free ports in a row, for the demo, whose provider takes the next one. Both are handed
/// out, so that no other test of this process gets the second.
pub fn two() -> u16 {
    (0..100)
        .map(|_| (free().port(), free().port()))
        .find_map(|(first, second)| (first + 1 == second).then_some(first))
        .expect("two free ports in a row")
}
