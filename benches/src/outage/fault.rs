//! Owns: the ways in which Redis goes away, and back.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use rustix::process::Signal;

use crate::place;
use crate::programs::Redis;

/// How Redis goes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// `kill -9`, and a new server at the same address.
    Killed,
    /// SIGSTOP, and SIGCONT.
    Stopped,
    /// Nothing comes through any more, in either direction, and nothing is closed.
    BlackHole,
}

impl Fault {
    pub(super) const ALL: [Self; 3] = [Self::Killed, Self::Stopped, Self::BlackHole];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Killed => "killed",
            Self::Stopped => "stopped",
            Self::BlackHole => "black hole",
        }
    }
}

/// A Redis that can go away.
pub(super) struct Store {
    /// Where the program under test finds it.
    pub(super) address: SocketAddr,
    fault: Fault,
    redis: Option<Redis>,
    at: SocketAddr,
    scratch: PathBuf,
    dark: Arc<AtomicBool>,
}

impl Store {
    pub(super) fn start(scratch: &Path, fault: Fault) -> anyhow::Result<Self> {
        let redis = Redis::start(scratch)?;
        let at = redis.address;
        let dark = Arc::new(AtomicBool::new(false));
        let address = match fault {
            Fault::BlackHole => relay(at, &dark)?,
            Fault::Killed | Fault::Stopped => at,
        };
        Ok(Self { address, fault, redis: Some(redis), at, scratch: scratch.to_owned(), dark })
    }

    /// Writes sessions, and a file from which a new server at the same address has them again.
    pub(super) fn fill(&self, count: u64) -> anyhow::Result<()> {
        let redis = self.redis.as_ref().context("Redis is away")?;
        redis.fill(count)?;
        redis.connection()?.ask(&[b"SAVE"]).map(drop)
    }

    pub(super) fn fault(&mut self) -> anyhow::Result<()> {
        match self.fault {
            Fault::Killed => self.redis = None,
            Fault::Stopped => self.signal(Signal::STOP)?,
            Fault::BlackHole => self.dark.store(true, Ordering::SeqCst),
        }
        Ok(())
    }

    /// Returns when Redis answers a PING.
    pub(super) fn repair(&mut self) -> anyhow::Result<()> {
        match self.fault {
            Fault::Killed => self.redis = Some(Redis::start_at(&self.scratch, self.at)?),
            Fault::Stopped => self.signal(Signal::CONT)?,
            Fault::BlackHole => self.dark.store(false, Ordering::SeqCst),
        }
        let redis = self.redis.as_ref().context("Redis is away")?;
        redis.connection()?.ask(&[b"PING"]).map(drop)
    }

    fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        self.redis.as_ref().context("Redis is away")?.process.signal(signal)
    }
}

/// Passes connections on to `to` as long as it is not dark. The threads end with the process.
fn relay(to: SocketAddr, dark: &Arc<AtomicBool>) -> anyhow::Result<SocketAddr> {
    let address = place::free_address()?;
    let listener = TcpListener::bind(address)?;
    let dark = Arc::clone(dark);
    std::thread::spawn(move || {
        for near in listener.incoming().flatten() {
            // What connects in the dark waits for the light, as a packet that is sent again does.
            wait_for_light(&dark);
            let Ok(far) = TcpStream::connect(to) else { continue };
            for (from, into) in [(&near, &far), (&far, &near)] {
                if let (Ok(from), Ok(into)) = (from.try_clone(), into.try_clone()) {
                    let dark = Arc::clone(&dark);
                    std::thread::spawn(move || pass(from, into, &dark));
                }
            }
        }
    });
    Ok(address)
}

fn pass(mut from: TcpStream, mut into: TcpStream, dark: &AtomicBool) {
    let mut buffer = vec![0; 64 * 1024];
    // Without it small answers would wait for each other.
    drop(into.set_nodelay(true));
    while let Ok(read) = from.read(&mut buffer) {
        wait_for_light(dark);
        let bytes = buffer.get(..read).unwrap_or_default();
        if read == 0 || into.write_all(bytes).is_err() {
            break;
        }
    }
    // The other side is gone already, or learns it now.
    drop(into.shutdown(Shutdown::Both));
}

fn wait_for_light(dark: &AtomicBool) {
    while dark.load(Ordering::SeqCst) {
        std::thread::sleep(Duration::from_millis(1));
    }
}
