//! The load against a small server of its own.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use super::{Load, Pace, Stop};

/// Answers `rounds` requests of one connection, and pauses before the one numbered `slow`.
fn server(rounds: usize, slow: usize, pause: Duration) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut buffer = [0; 64];
        for round in 0..rounds {
            stream.read_exact(&mut buffer[..1]).unwrap();
            if round == slow {
                std::thread::sleep(pause);
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
        }
    });
    address
}

#[test]
fn a_count_is_kept_exactly() {
    let requests = [b"a".to_vec()];
    let mut load = Load::connect(server(7, 99, Duration::ZERO), 1, &requests).unwrap();
    let outcome = load.run(Pace::Closed, Stop::Count(7)).unwrap();
    assert_eq!(outcome.latency.total(), 7);
    outcome.all(200).unwrap();
    assert!(outcome.all(503).is_err());
}

#[test]
fn a_stall_counts_for_every_request_that_was_due_meanwhile() {
    let requests = [b"a".to_vec()];
    let stall = Duration::from_millis(200);
    let mut load = Load::connect(server(100, 10, stall), 1, &requests).unwrap().recorded();
    let outcome = load.run(Pace::Rate(500.0), Stop::Count(100)).unwrap();
    // Due every 2 ms: for the hundred that fall into the stall, half waited longer than half of it.
    let waited = outcome.samples.iter().filter(|sample| sample.latency > stall / 2).count();
    assert!(waited >= 45, "{waited}");
}
