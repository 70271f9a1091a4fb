//! A child process with a log file, which never outlives the test.
//!
//! Each child leads a process group that is killed on drop. Should this process itself be killed,
//! the kernel ends the children: `setpriv --pdeathsig` asks it to, on behalf of the thread that
//! spawned them, so all are spawned by one thread that lives as long as the process.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
pub use std::process::Command;
use std::process::{Child, ExitStatus, Output, Stdio};
use std::sync::{LazyLock, mpsc};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::vitals::Vitals;
use crate::{place, wait};

const TAIL_LINES: usize = 40;

/// A command that dies with this process and sees nothing of its environment but the search path.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("setpriv");
    command
        .args(["--pdeathsig", "KILL", "--"])
        .arg(program)
        .env_clear()
        .env("PATH", place::search_path())
        .stdin(Stdio::null());
    command
}

/// Runs a command to its end.
pub fn run(mut command: Command) -> Output {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    spawn(command).wait_with_output().expect("the command runs")
}

/// A running program.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts the command; both its outputs are appended to `<logs>/<name>.log`.
    pub fn start(name: &str, command: Command, logs: &Path) -> Self {
        let log = logs.join(format!("{name}.log"));
        Self { name: name.to_owned(), child: spawn(logged(command, &log)), log }
    }

    /// Puts another process in its place, which writes to the same log.
    pub fn start_again(&mut self, command: Command) {
        self.kill();
        self.child = spawn(logged(command, &self.log));
    }

    /// Waits until `probe` has an answer, and no longer than the process runs.
    pub async fn ready<T>(&mut self, probe: impl AsyncFnMut() -> Option<T>) -> T {
        self.ready_within(wait::START, probe).await
    }

    /// The same for a program that takes longer, such as one that is compiled first.
    pub async fn ready_within<T>(
        &mut self,
        limit: Duration,
        mut probe: impl AsyncFnMut() -> Option<T>,
    ) -> T {
        let what = format!("{} is ready", self.name);
        wait::until(&what, limit, async || {
            if let Some(status) = self.exited() {
                panic!("{} ended at once with {status}", self.name);
            }
            probe().await
        })
        .await
    }

    /// Waits until it has written a line, and returns what it wrote.
    pub async fn ready_log(&mut self) -> String {
        let log = self.log.clone();
        self.ready(async || std::fs::read_to_string(&log).ok().filter(|log| log.ends_with('\n')))
            .await
    }

    /// The exit status, when the process has ended.
    pub fn exited(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("the child is ours")
    }

    /// Waits for the process to end by itself.
    pub async fn end(&mut self, limit: Duration) -> ExitStatus {
        let what = format!("{} ends", self.name);
        wait::until(&what, limit, async || self.exited()).await
    }

    /// Sends a signal to the process.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("the process is there");
    }

    /// Ends the process as a power failure would.
    pub fn kill(&mut self) {
        // Once waited for, the number may belong to somebody else.
        if self.exited().is_none() {
            kill_process_group(self.pid(), Signal::KILL).expect("the group is there");
            self.child.wait().expect("the child is ours");
        }
    }

    /// The resident memory of the process in bytes.
    pub fn resident_memory(&self) -> u64 {
        Vitals::of(self.id()).resident
    }

    /// The number of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Everything the process has written so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<_> = log.lines().collect();
            let tail = &lines[lines.len().saturating_sub(TAIL_LINES)..];
            eprintln!("--- end of the log of {} ---\n{}", self.name, tail.join("\n"));
        }
    }
}

fn logged(mut command: Command, log: &Path) -> Command {
    let output: File = OpenOptions::new()
        .create(true)
        .append(true)
        .open(log)
        .expect("the log file can be written");
    command.stdout(output.try_clone().expect("a second handle of the log file")).stderr(output);
    command
}

struct Order {
    command: Command,
    reply: mpsc::Sender<io::Result<Child>>,
}

static SPAWNER: LazyLock<mpsc::Sender<Order>> = LazyLock::new(|| {
    let (orders, inbox) = mpsc::channel::<Order>();
    std::thread::spawn(move || {
        for mut order in inbox {
            // The one who asked waits for the answer.
            drop(order.reply.send(order.command.spawn()));
        }
    });
    orders
});

fn spawn(mut command: Command) -> Child {
    command.process_group(0);
    let shown = format!("{command:?}");
    let (reply, answer) = mpsc::channel();
    SPAWNER.send(Order { command, reply }).expect("the spawning thread lives");
    answer
        .recv()
        .expect("the spawning thread answers")
        .unwrap_or_else(|error| panic!("{shown}: {error}"))
}
