//! Owns: how each program of ours is started, and Redis; each on free loopback ports, each ready when
//! it is returned.

use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;

use crate::load::{Load, Pace, Stop};
use crate::process::{self, Process};
use crate::resp::Connection;
use crate::{place, request, sessions};

/// Under valgrind everything takes fifty times as long.
const START: Duration = Duration::from_secs(60);

/// How programs are started.
#[derive(Debug, Clone)]
pub struct Launch {
    /// For logs.
    pub scratch: PathBuf,
    /// The CPU of the program; `None` for where this process runs.
    pub cpu: Option<usize>,
    /// Words before the program, such as those of valgrind.
    pub wrapper: Vec<String>,
}

impl Launch {
    /// A command of which the program and its first arguments are set.
    pub fn command(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut words = self.wrapper.iter().map(String::as_str);
        let mut command = match words.next() {
            None => process::command(program, self.cpu),
            Some(first) => {
                let mut command = process::command(first, self.cpu);
                command.args(words).arg(program);
                command
            }
        };
        command.args(arguments);
        command
    }
}

/// A running Redis without persistence.
#[derive(Debug)]
pub struct Redis {
    /// The server.
    pub process: Process,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Redis {
    /// Starts it where this process runs.
    ///
    /// # Errors
    /// If it does not start.
    pub fn start(scratch: &Path) -> anyhow::Result<Self> {
        Self::start_at(scratch, place::free_address()?)
    }

    /// The same at an address of the caller's.
    ///
    /// # Errors
    /// If it does not start.
    pub fn start_at(scratch: &Path, address: SocketAddr) -> anyhow::Result<Self> {
        Self::start_with(scratch, address, &[])
    }

    /// A Cluster of one server, which has all slots. `forwardauth` reads from a Cluster through fred.
    ///
    /// # Errors
    /// If it does not start.
    pub fn start_cluster(scratch: &Path) -> anyhow::Result<Self> {
        // Else it is 10,000 more than the other one, where outgoing connections take theirs.
        let bus = place::free_address()?.port().to_string();
        let arguments = [
            "--cluster-enabled",
            "yes",
            "--cluster-port",
            &bus,
            "--cluster-config-file",
            "nodes.conf",
            // A node that never met another does not know its address.
            "--cluster-announce-ip",
            "127.0.0.1",
        ];
        let mut redis = Self::start_with(scratch, place::free_address()?, &arguments)?;
        redis.connection()?.ask(&[b"CLUSTER", b"ADDSLOTSRANGE", b"0", b"16383"])?;
        let address = redis.address;
        redis.process.ready(START, || {
            let info = Connection::open(address).ok()?.ask(&[b"CLUSTER", b"INFO"]).ok()?;
            info.text().contains("cluster_state:ok").then_some(())
        })?;
        Ok(redis)
    }

    fn start_with(scratch: &Path, address: SocketAddr, arguments: &[&str]) -> anyhow::Result<Self> {
        let program = place::find("redis-server").context("redis-server is not installed")?;
        let mut command = process::command(program, None);
        let port = address.port().to_string();
        command.args(["--bind", "127.0.0.1", "--port", &port, "--save", "", "--appendonly", "no"]);
        // Thousands of commands in one pipeline are one command's worth of query buffer each.
        command.args(["--protected-mode", "no", "--daemonize", "no"]).current_dir(scratch);
        command.args(arguments);
        let mut process = Process::start("redis", command, scratch)?;
        process.ready(START, || Connection::open(address).ok()?.ask(&[b"PING"]).ok())?;
        Ok(Self { process, address })
    }

    /// A connection.
    ///
    /// # Errors
    /// If it is away.
    pub fn connection(&self) -> anyhow::Result<Connection> {
        Connection::open(self.address)
    }

    /// Writes sessions `0..count`.
    ///
    /// # Errors
    /// If Redis does not take them.
    pub fn fill(&self, count: u64) -> anyhow::Result<()> {
        sessions::write(&mut self.connection()?, 0..count)
    }
}

/// A running program that answers verify.
#[derive(Debug)]
pub struct Service {
    /// The program.
    pub process: Process,
    /// Where it answers.
    pub address: SocketAddr,
    /// From its start to its first good answer.
    pub ready: Duration,
    /// Where its metrics are, if it has any.
    pub admin: Option<SocketAddr>,
}

impl Service {
    /// Starts `command` and waits for 200 to a request of session 0.
    ///
    /// # Errors
    /// If that never comes.
    pub fn start(
        name: &str,
        command: Command,
        scratch: &Path,
        address: SocketAddr,
    ) -> anyhow::Result<Self> {
        let ask = [request::verify(sessions::id(0).expose())];
        Self::start_until(name, command, scratch, address, || answers(address, &ask))
    }

    /// Starts `command` and waits until `probe` is content.
    ///
    /// # Errors
    /// If that never comes.
    pub fn start_until(
        name: &str,
        command: Command,
        scratch: &Path,
        address: SocketAddr,
        probe: impl FnMut() -> Option<()>,
    ) -> anyhow::Result<Self> {
        let mut process = Process::start(name, command, scratch)?;
        let ((), ready) = process.ready(START, probe)?;
        Ok(Self { process, address, ready, admin: None })
    }

    /// Bare hyper, or the floor where `redis` is given.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn bare(launch: &Launch, redis: Option<&Redis>) -> anyhow::Result<Self> {
        let address = place::free_address()?;
        let listen = address.to_string();
        let mut command = launch.command(&place::programs()?.join("bare"), &[&listen]);
        if let Some(redis) = redis {
            command.args(["--floor", &redis.address.to_string(), &sessions::name(0)]);
        }
        let name = if redis.is_some() { "floor" } else { "bare" };
        Self::start(name, command, &launch.scratch, address)
    }

    /// `forwardauth` with one thread, and `settings` besides what it needs.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn forwardauth(
        launch: &Launch,
        program: &Path,
        redis: SocketAddr,
        settings: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let address = place::free_address()?;
        let mut command = launch.command(program, &[]);
        let admin = environment(&mut command, address, redis)?;
        command.envs(settings.iter().copied());
        let started = Self::start("forwardauth", command, &launch.scratch, address)?;
        Ok(Self { admin: Some(admin), ..started })
    }
}

/// `REDIS_URL` of [`Redis::start_cluster`].
pub fn cluster_url(redis: &Redis) -> String {
    format!("redis-cluster://{}", redis.address)
}

/// Whether somebody listens there.
pub fn listens(address: SocketAddr) -> Option<()> {
    TcpStream::connect(address).ok().map(drop)
}

/// The program under test.
///
/// # Errors
/// If the system does not say where this program is.
pub fn forwardauth() -> anyhow::Result<PathBuf> {
    Ok(place::programs()?.join("forwardauth"))
}

/// What `forwardauth` needs. Gives the address of its admin listener.
///
/// # Errors
/// If no port is free.
pub fn environment(
    command: &mut Command,
    address: SocketAddr,
    redis: SocketAddr,
) -> anyhow::Result<SocketAddr> {
    let admin = place::free_address()?;
    command
        .env("REDIS_URL", format!("redis://{redis}"))
        .env("BFF_REDIS_PREFIX", sessions::PREFIX)
        .env("BFF_EDGE_KEYS", sessions::edge_keys_setting())
        .env("BFF_TRUSTED_PROXIES", "127.0.0.1")
        .env("BFF_CONFIG_DIR", "/nonexistent")
        .env("FORWARDAUTH_THREADS", "1")
        .env("FORWARDAUTH_LISTEN", address.to_string())
        .env("FORWARDAUTH_ADMIN_LISTEN", admin.to_string());
    Ok(admin)
}

/// Whether somebody answers 200 there.
pub fn answers(address: SocketAddr, ask: &[Vec<u8>]) -> Option<()> {
    let mut load = Load::connect(address, 1, ask).ok()?;
    load.run(Pace::Closed, Stop::Count(1)).ok()?.all(200).ok()
}
