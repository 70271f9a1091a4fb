//! A real PostgreSQL: TLS, a user of the product's own with a database that is its own, and data that survive `kill -9`.
//!
//! The server refuses to run as root, so there it runs as `nobody`, with its data where that user can go. What is
//! written is safe from the death of the server and not from that of the machine, which no test waits for.

use std::fs::Permissions;
use std::net::SocketAddr;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Pid, Signal, getuid, kill_process};
use tempfile::TempDir;

use crate::process::{Process, command, run};
use crate::scratch::Scratch;
use crate::tls::Ca;
use crate::{ports, wait};

/// The product's user, and the name of its database.
pub const USER: &str = "wicketgate";

/// The password of the product's user; a canary.
pub const PASSWORD: &str = "postgres-canary-4c8e1d7a90b35f62";

const ADMIN: &str = "postgres";
const ADMIN_PASSWORD: &str = "admin";

/// Where Debian's package `postgresql-15` puts the programs.
const PROGRAMS: &str = "/usr/lib/postgresql/15/bin";

/// `nobody` and `nogroup` of Debian.
const NOBODY: u32 = 65_534;

/// A PostgreSQL server.
#[derive(Debug)]
pub struct Postgres {
    process: Process,
    address: SocketAddr,
    ca: PathBuf,
    logs: PathBuf,
    // Goes last: the server writes into it until it has ended.
    data: TempDir,
}

impl Postgres {
    /// Starts a server with a fresh database.
    pub async fn start(scratch: &Scratch, ca: &Ca) -> Self {
        let data = tempfile::tempdir().expect("a directory for the data");
        give_away(data.path());
        initialise(data.path());
        // A key of its own for each server of a test.
        let address = ports::free();
        let leaf = ca.issue(&format!("postgres-{}", address.port()), &["localhost", "127.0.0.1"]);
        for (from, name) in [(&leaf.certificate, "server.crt"), (&leaf.key, "server.key")] {
            let file = data.path().join(name);
            std::fs::copy(from, &file).expect("the certificate is there");
            std::fs::set_permissions(&file, Permissions::from_mode(0o600)).expect("it is ours");
            give_away(&file);
        }
        let logs = scratch.path().to_owned();
        let process = Process::start("postgres", server(data.path(), address), &logs);
        let mut postgres = Self { process, address, ca: ca.file(), logs, data };
        postgres.ready().await;
        postgres.ask(&format!("CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'"));
        postgres.ask(&format!("CREATE DATABASE {USER} OWNER {USER}"));
        postgres
    }

    /// The address the product is given, over TLS; credentials are in it.
    pub fn url(&self) -> String {
        let ca = self.ca.display();
        format!("{}?sslmode=verify-full&sslrootcert={ca}", self.url_as(USER, PASSWORD))
    }

    /// An address without TLS, for tests that need none.
    pub fn plain_url(&self) -> String {
        format!("{}?sslmode=disable", self.url_as(USER, PASSWORD))
    }

    /// The address for another user, without a word about TLS.
    pub fn url_as(&self, user: &str, password: &str) -> String {
        format!("postgres://{user}:{password}@{}/{USER}", self.address)
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops the server's clock: connections stay open and nothing answers.
    pub fn freeze(&self) {
        // The first process starts all others, so it stands still first.
        self.process.signal(Signal::STOP);
        self.tell_children(Signal::STOP);
    }

    /// Ends a freeze.
    pub fn thaw(&self) {
        self.tell_children(Signal::CONT);
        self.process.signal(Signal::CONT);
    }

    /// Ends the server and all its processes with `kill -9`.
    pub async fn kill(&mut self) {
        if self.process.exited().is_some() {
            return;
        }
        self.process.signal(Signal::STOP);
        let children = children(self.process.id());
        self.tell_children(Signal::KILL);
        self.process.kill();
        // One that still runs keeps the next server from its data.
        wait::until("the processes of PostgreSQL are gone", wait::START, async || {
            children.iter().all(|child| !runs(*child)).then_some(())
        })
        .await;
    }

    /// Starts the server again on the same port with what it had written.
    pub async fn restart(&mut self) {
        self.kill().await;
        // As a start after a power failure: nobody else uses this directory.
        drop(std::fs::remove_file(self.data.path().join("postmaster.pid")));
        self.process =
            Process::start("postgres", server(self.data.path(), self.address), &self.logs);
        self.ready().await;
    }

    /// Carries out SQL in the product's database with all rights, and returns the rows, a line each, with `|` between
    /// the columns.
    ///
    /// # Panics
    /// When it does not answer or answers with an error.
    pub fn query(&self, sql: &str) -> String {
        let output = run(psql(&self.admin_url(USER), sql));
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "PostgreSQL: {told}");
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// Everything that is stored in the product's database, as text, for tests that look for what must not be there.
    pub fn dump(&self) -> String {
        let mut dump = command(format!("{PROGRAMS}/pg_dump"));
        dump.args(["--data-only", "--inserts", "--dbname"]).arg(self.admin_url(USER));
        let output = run(dump);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Everything the server has written to its log.
    pub fn log(&self) -> String {
        self.process.log()
    }

    async fn ready(&mut self) {
        let url = self.admin_url(ADMIN);
        self.process
            .ready(async || run(psql(&url, "SELECT 1")).status.success().then_some(()))
            .await;
    }

    fn ask(&self, sql: &str) {
        let output = run(psql(&self.admin_url(ADMIN), sql));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn admin_url(&self, database: &str) -> String {
        format!("postgres://{ADMIN}:{ADMIN_PASSWORD}@{}/{database}?sslmode=disable", self.address)
    }

    fn tell_children(&self, signal: Signal) {
        for child in children(self.process.id()) {
            // One may have ended since it was looked for.
            let _gone = kill_process(child, signal);
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if self.process.exited().is_none() {
            self.process.signal(Signal::STOP);
            self.tell_children(Signal::KILL);
        }
    }
}

/// A program of PostgreSQL's that dies with this process and is not root.
fn unprivileged(program: &str) -> Command {
    let program = format!("{PROGRAMS}/{program}");
    if !getuid().is_root() {
        return command(program);
    }
    let mut command = command("setpriv");
    let (user, group) = (format!("--reuid={NOBODY}"), format!("--regid={NOBODY}"));
    // A change of user takes the wish to die away, so it is uttered again.
    command.args([&user, &group, "--clear-groups", "--"]);
    command.args(["setpriv", "--pdeathsig", "KILL", "--"]).arg(program);
    command
}

fn initialise(data: &Path) {
    let password = data.with_extension("password");
    std::fs::write(&password, ADMIN_PASSWORD).expect("a file beside the data");
    give_away(&password);
    let mut initdb = unprivileged("initdb");
    initdb.arg("--pgdata").arg(data).arg("--pwfile").arg(&password).current_dir("/");
    initdb.args(["--username", ADMIN, "--auth", "scram-sha-256", "--encoding", "UTF8"]);
    initdb.args(["--no-locale", "--no-sync", "--no-instructions"]);
    let output = run(initdb);
    std::fs::remove_file(&password).expect("it was written");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn server(data: &Path, address: SocketAddr) -> Command {
    let mut server = unprivileged("postgres");
    server.arg("-D").arg(data).arg("-p").arg(address.port().to_string()).current_dir("/");
    for setting in [
        "listen_addresses=127.0.0.1",
        "unix_socket_directories=",
        "ssl=on",
        "fsync=off",
        "full_page_writes=off",
        "shared_buffers=16MB",
        "max_connections=60",
        "timezone=UTC",
    ] {
        server.args(["-c", setting]);
    }
    server
}

fn psql(url: &str, sql: &str) -> Command {
    let mut psql = command(format!("{PROGRAMS}/psql"));
    psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--command", sql]);
    psql.args(["--set", "ON_ERROR_STOP=1", "--dbname", url]).current_dir("/");
    psql
}

/// To the user that the server runs as.
fn give_away(path: &Path) {
    if getuid().is_root() {
        chown(path, Some(NOBODY), Some(NOBODY)).expect("root may give it away");
    }
}

/// The processes that `parent` started and that still run.
fn children(parent: u32) -> Vec<Pid> {
    let all = std::fs::read_dir("/proc").expect("there is /proc");
    let numbers = all.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    let ours = |number: &i32| state(*number).is_some_and(|(_, of)| of == parent);
    numbers.filter(ours).filter_map(Pid::from_raw).collect()
}

fn runs(process: Pid) -> bool {
    state(process.as_raw_nonzero().get()).is_some_and(|(state, _)| state != "Z")
}

/// The state of a process, and the number of its parent. Its name, in brackets, may hold anything.
fn state(process: i32) -> Option<(String, u32)> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let mut fields = text.rsplit_once(") ")?.1.split(' ');
    Some((fields.next()?.to_owned(), fields.next()?.parse().ok()?))
}
