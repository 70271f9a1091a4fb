//! Owns: a program that the benchmark started: its CPU, its log, and its certain end.
//!
//! The kernel ends each when this process ends, however it ends: `setpriv --pdeathsig` asks for it on
//! behalf of the thread that spawns, so all are spawned by the main thread.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process};

const POLL: Duration = Duration::from_millis(1);
const LOG_LINES: usize = 12;

/// A command with an empty environment that dies with this process, on `cpu` if one is named.
pub fn command(program: impl AsRef<OsStr>, cpu: Option<usize>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]);
    if let Some(cpu) = cpu {
        command.args(["taskset", "--cpu-list", &cpu.to_string()]);
    }
    command.arg(program).env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin");
    command
}

/// A running program, killed on drop.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
    started: Instant,
}

impl Process {
    /// Starts it; both its outputs go to `<logs>/<name>.log`.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start(name: &str, mut command: Command, logs: &Path) -> anyhow::Result<Self> {
        let log = logs.join(format!("{name}.log"));
        let output = File::create(&log).context("no log file")?;
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output).process_group(0);
        let started = Instant::now();
        let child = command.spawn().with_context(|| format!("cannot start {name}"))?;
        Ok(Self { name: name.to_owned(), child, log, started })
    }

    /// Its number.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until `probe` has an answer, and no longer than the program runs. Returns the answer and
    /// the time since the start.
    ///
    /// # Errors
    /// If the program ends, or `limit` passes.
    pub fn ready<T>(
        &mut self,
        limit: Duration,
        mut probe: impl FnMut() -> Option<T>,
    ) -> anyhow::Result<(T, Duration)> {
        loop {
            if let Some(answer) = probe() {
                return Ok((answer, self.started.elapsed()));
            }
            if let Some(status) = self.exited()? {
                bail!("{} ended with {status}:\n{}", self.name, self.log_end());
            }
            if self.started.elapsed() > limit {
                bail!("{} is not ready after {limit:?}:\n{}", self.name, self.log_end());
            }
            std::thread::sleep(POLL);
        }
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// If the system does not say.
    pub fn exited(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Sends a signal.
    ///
    /// # Errors
    /// If it is not there.
    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        kill_process(Pid::from_child(&self.child), signal)
            .with_context(|| format!("cannot signal {}", self.name))
    }

    /// Asks it to end, and waits for that.
    ///
    /// # Errors
    /// If it does not end within `limit`.
    pub fn stop(mut self, limit: Duration) -> anyhow::Result<()> {
        self.signal(Signal::TERM)?;
        let asked = Instant::now();
        while self.exited()?.is_none() {
            if asked.elapsed() > limit {
                bail!("{} does not end:\n{}", self.name, self.log_end());
            }
            std::thread::sleep(POLL);
        }
        Ok(())
    }

    /// The end of what it wrote.
    pub fn log_end(&self) -> String {
        let bytes = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<_> = text.lines().collect();
        lines.get(lines.len().saturating_sub(LOG_LINES)..).unwrap_or_default().join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Once waited for, the number may belong to somebody else: `Child` knows.
        if self.child.kill().is_ok() {
            drop(self.child.wait());
        }
    }
}
