//! Owns: where things are: our programs beside this one, the parts and scratch below `target/`, and
//! free loopback ports.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU16, Ordering};

use anyhow::Context as _;

// Below the range from which the kernel takes the ports of outgoing connections, so that the load
// cannot take a port between the look and the use.
const FIRST: u16 = 12_000;
const COUNT: u16 = 20_000;

static NEXT: AtomicU16 = AtomicU16::new(0);

/// A loopback address on which nothing listens, handed out once in this process.
///
/// # Errors
/// If none is free.
pub fn free_address() -> anyhow::Result<SocketAddr> {
    let spread = u16::try_from(std::process::id().wrapping_mul(131) % u32::from(COUNT))?;
    (0..COUNT)
        .map(|_| spread.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT + FIRST)
        .map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
        .find(|address| TcpListener::bind(address).is_ok())
        .context("no loopback port is free")
}

/// The directory of the programs that were built together with this one.
///
/// # Errors
/// If the system does not say where this program is.
pub fn programs() -> anyhow::Result<PathBuf> {
    let program = std::env::current_exe().context("where is this program?")?;
    program.parent().map(Path::to_owned).context("this program is in no directory")
}

/// The build directory, in which parts and scratch lie.
///
/// # Errors
/// As [`programs`].
pub fn target() -> anyhow::Result<PathBuf> {
    programs()?.parent().map(Path::to_owned).context("the programs are in no build directory")
}

/// The first of `names` on the search path or in the directories of the system's administrator.
pub fn find(name: &str) -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "a search path is no setting")]
    let path = std::env::var("PATH").unwrap_or_default();
    path.split(':')
        .chain(["/usr/sbin", "/sbin"])
        .map(|directory| Path::new(directory).join(name))
        .find(|program| program.is_file())
}

/// A directory for one run, gone at its end unless [`Scratch::keep`] was called.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    keep: bool,
}

impl Scratch {
    /// Makes it.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn new() -> anyhow::Result<Self> {
        let path = target()?.join("bench").join(std::process::id().to_string());
        std::fs::create_dir_all(&path).context("no scratch directory")?;
        Ok(Self { path, keep: false })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Leaves it for somebody to look at.
    pub const fn keep(&mut self) {
        self.keep = true;
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !self.keep {
            drop(std::fs::remove_dir_all(&self.path));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_port_is_given_out_twice() {
        let given: std::collections::HashSet<_> =
            (0..50).map(|_| free_address().unwrap()).collect();
        assert_eq!(given.len(), 50);
    }
}
