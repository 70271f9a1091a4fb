//! Owns: one part as a process: its ports, which stay the same, and what signals do to it.

use std::fs;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::ValueEnum;
use rustix::process::{Pid, Signal, kill_process};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{interval, timeout};

use crate::compose;

/// How long a part may take to answer after it was started.
const START: Duration = Duration::from_secs(20);

/// What a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// `redis-server`, from the search path.
    #[value(skip)]
    Redis,
    /// The development IdP.
    Idp,
    /// The service behind `bff`.
    Orders,
    /// The service behind verify.
    Whoami,
    /// The Backend-for-Frontend.
    Bff,
    /// Verify.
    Forwardauth,
}

/// Ports below those that systems give to outgoing connections: one of these would keep a part from being started
/// again, and whoever waits for the part would meet somebody else.
const PORTS: Range<u32> = 10_000..12_000;

/// An address at which nobody listens, and another one each time. Each demo begins somewhere else.
fn free() -> anyhow::Result<SocketAddr> {
    static TURN: AtomicU32 = AtomicU32::new(0);
    let first = std::process::id().wrapping_mul(32);
    for _ in PORTS {
        let turn = first.wrapping_add(TURN.fetch_add(1, Ordering::Relaxed));
        let number = turn.checked_rem(PORTS.end - PORTS.start).unwrap_or_default();
        if let Ok(listener) = compose::bind(u16::try_from(PORTS.start + number)?) {
            return Ok(listener.local_addr()?);
        }
    }
    bail!("no port is free")
}

/// A process that can be ended and started again.
#[derive(Debug)]
pub(super) struct Process {
    role: Role,
    listen: [SocketAddr; 2],
    directory: PathBuf,
    child: Option<Child>,
}

impl Process {
    /// One that does not run yet, with two ports that are free.
    pub(super) fn new(role: Role, directory: &Path) -> anyhow::Result<Self> {
        let listen = [free()?, free()?];
        Ok(Self { role, listen, directory: directory.to_owned(), child: None })
    }

    /// Where it answers.
    pub(super) fn address(&self) -> SocketAddr {
        self.listen[0]
    }

    /// Where it answers operators, if it does.
    pub(super) fn admin(&self) -> SocketAddr {
        self.listen[1]
    }

    /// What it is.
    pub(super) fn role(&self) -> Role {
        self.role
    }

    /// Starts it and waits until it accepts connections.
    ///
    /// # Errors
    /// When it cannot be started, or ends, or takes too long.
    pub(super) async fn start(&mut self) -> anyhow::Result<()> {
        let mut command = self.command()?;
        // With the demo's end a part reads the end of its input.
        command.stdin(Stdio::piped()).kill_on_drop(true);
        let name = command.as_std().get_program().to_owned();
        let mut child =
            command.spawn().with_context(|| format!("cannot start {}", name.display()))?;
        let ready = async {
            let mut tick = interval(Duration::from_millis(20));
            while TcpStream::connect(self.address()).await.is_err() {
                tick.tick().await;
                if let Some(status) = child.try_wait()? {
                    bail!("{} ended at once with {status}", name.display());
                }
            }
            Ok(())
        };
        timeout(START, ready).await.context("a part does not answer")??;
        self.child = Some(child);
        Ok(())
    }

    /// Ends it as a power failure would.
    pub(super) async fn kill(&mut self) -> anyhow::Result<()> {
        match self.child.take() {
            Some(mut child) => child.kill().await.context("cannot kill a part"),
            None => Ok(()),
        }
    }

    /// Stops its clock, or lets it go on.
    pub(super) fn freeze(&self, is_frozen: bool) -> anyhow::Result<()> {
        let id = self.child.as_ref().and_then(Child::id).context("it does not run")?;
        let pid = i32::try_from(id).ok().and_then(Pid::from_raw).context("no process has it")?;
        let signal = if is_frozen { Signal::STOP } else { Signal::CONT };
        kill_process(pid, signal).context("cannot send a signal")
    }

    fn command(&self) -> anyhow::Result<Command> {
        if self.role == Role::Redis {
            let directory = self.directory.join("redis");
            fs::create_dir_all(&directory).context("cannot make a directory")?;
            let mut command = Command::new("redis-server");
            command
                .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "yes"])
                .args(["--logfile", "redis.log", "--port"])
                .arg(self.address().port().to_string())
                .arg("--dir")
                .arg(directory);
            return Ok(command);
        }
        let this = std::env::current_exe().context("cannot find this program")?;
        let role = self.role.to_possible_value().context("a role without a name")?;
        let mut command = Command::new(this);
        command.arg("--part").arg(role.get_name()).arg("--directory").arg(&self.directory);
        for address in self.listen {
            command.arg("--listen").arg(address.to_string());
        }
        Ok(command)
    }
}
