//! The program from start to end, with a Redis that is not there.

#![expect(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Longest wait for anything here.
const PATIENCE: Duration = Duration::from_secs(20);

struct Program {
    child: Child,
    listen: SocketAddr,
    admin: SocketAddr,
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Program {
    fn start() -> Self {
        let (listen, admin) = (free(), free());
        let child = Command::new(env!("CARGO_BIN_EXE_forwardauth"))
            .env_clear()
            .env("REDIS_URL", "redis://127.0.0.1:1")
            .env("BFF_EDGE_KEYS", "k1:AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=")
            .env("BFF_TRUSTED_PROXIES", "127.0.0.1")
            .env("BFF_CONFIG_DIR", "/nonexistent")
            .env("FORWARDAUTH_LISTEN", listen.to_string())
            .env("FORWARDAUTH_ADMIN_LISTEN", admin.to_string())
            .env("FORWARDAUTH_THREADS", "3")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let program = Self { child, listen, admin };
        until(|| program.is_healthy());
        program
    }

    fn is_healthy(&self) -> bool {
        Command::new(env!("CARGO_BIN_EXE_forwardauth"))
            .arg("healthcheck")
            .env_clear()
            .env("FORWARDAUTH_ADMIN_LISTEN", self.admin.to_string())
            .stderr(Stdio::null())
            .status()
            .unwrap()
            .success()
    }
}

fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn until(mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "waited too long");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn get(address: SocketAddr, path: &str, more: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{more}\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn c80_without_redis_it_starts_answers_503_and_ends_on_sigterm() {
    let mut program = Program::start();
    // Enough connections that every thread's listener is met.
    let cookie = format!("cookie: bff_session={}\r\n", "A".repeat(43));
    for _ in 0..32 {
        let started = Instant::now();
        let answer = get(program.listen, "/auth/verify", &cookie);
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
        assert!(answer.contains("\r\nretry-after: 1\r\n"), "{answer}");
        assert!(started.elapsed() < Duration::from_secs(2));
    }
    let health = get(program.admin, "/health", "");
    assert!(
        health.starts_with("HTTP/1.1 503 ") && health.contains(r#""redis":"down""#),
        "{health}"
    );
    let metrics = get(program.admin, "/metrics", "");
    assert!(
        metrics.contains(r#"forwardauth_requests_total{outcome="unavailable"} 32"#),
        "{metrics}"
    );
    assert!(metrics.contains(r#"rejected_total{reason="store_unavailable"} 32"#), "{metrics}");

    // A kept connection does not hold the end up.
    let kept = TcpStream::connect(program.listen).unwrap();
    let pid = Pid::from_child(&program.child);
    kill_process(pid, Signal::TERM).unwrap();
    until(|| program.child.try_wait().unwrap().is_some());
    assert!(program.child.wait().unwrap().success());
    drop(kept);
}

#[test]
fn an_address_that_is_taken_is_told_and_is_1() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_forwardauth"))
        .env_clear()
        .env("REDIS_URL", "redis://127.0.0.1:1")
        .env("BFF_EDGE_KEYS", "k1:AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=")
        .env("BFF_TRUSTED_PROXIES", "127.0.0.1")
        .env("BFF_CONFIG_DIR", "/nonexistent")
        .env("FORWARDAUTH_LISTEN", taken.local_addr().unwrap().to_string())
        .env("FORWARDAUTH_ADMIN_LISTEN", "127.0.0.1:0")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot listen on"));
}
