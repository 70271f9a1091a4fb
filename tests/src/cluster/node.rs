//! One server of a cluster.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use rustix::process::Signal;

use crate::ports;
use crate::process::{Command, Process, command};
use crate::redis::{ADMIN_PASSWORD, PASSWORD, RIGHTS, USER, login};
use crate::resp::{Connection, Value};
use crate::scratch::Scratch;
use crate::wire::Wire;

/// What a client of a cluster needs beside [`RIGHTS`]: where the slots are.
const FIND: &str = "+cluster|slots +cluster|shards +cluster|info";

/// How long a server that stands still may keep who looks at it.
const LOOK: Duration = Duration::from_millis(200);

/// A server.
#[derive(Debug)]
pub struct Node {
    /// The way of clients, and of a replica, to it. The servers speak among each other past it.
    pub wire: Wire,
    pub(super) address: SocketAddr,
    pub(super) bus: SocketAddr,
    process: Process,
    config: PathBuf,
}

impl Node {
    pub(super) async fn start(number: usize, timeout_ms: u32, scratch: &Scratch) -> Self {
        let (address, bus) = (ports::free(), ports::free());
        let wire = Wire::to(address);
        let name = format!("redis-{number}");
        let directory = scratch.directory(&name);
        let acl = scratch.write(
            &format!("{name}/users.acl"),
            format!(
                "user default off ~* &* +@all\nuser admin on >{ADMIN_PASSWORD} ~* &* +@all\n\
                 user {USER} on >{PASSWORD} {RIGHTS} {FIND}\n"
            ),
        );
        let config = scratch.write(
            &format!("{name}/redis.conf"),
            format!(
                "bind 127.0.0.1\nport {}\ncluster-enabled yes\ncluster-port {}\ncluster-announce-ip 127.0.0.1\n\
                 cluster-announce-port {}\ncluster-config-file nodes.conf\ncluster-node-timeout {timeout_ms}\n\
                 masteruser admin\nmasterauth {ADMIN_PASSWORD}\nrepl-diskless-sync-delay 0\n\
                 aclfile {}\ndir {}\nsave \"\"\nappendonly no\nmaxmemory 256mb\nmaxmemory-policy noeviction\n",
                address.port(),
                bus.port(),
                wire.address.port(),
                acl.display(),
                directory.display(),
            ),
        );
        let process = Process::start(&name, server(&config), scratch.path());
        let mut node = Self { wire, address, bus, process, config };
        node.ready().await;
        node
    }

    /// Ends the server with `kill -9`.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again with what it knew of the cluster, and no keys.
    pub async fn restart(&mut self) {
        self.process.start_again(server(&self.config));
        self.ready().await;
    }

    /// Stops its clock: connections stay open and nothing answers.
    pub fn freeze(&self) {
        self.process.signal(Signal::STOP);
    }

    /// Ends a freeze.
    pub fn thaw(&self) {
        self.process.signal(Signal::CONT);
    }

    async fn ready(&mut self) {
        let address = self.address;
        self.process
            .ready(async || {
                let mut connection = Connection::open(address).await.ok()?;
                login(&mut connection).await.ok()
            })
            .await;
    }

    pub(super) async fn ask(&self, words: &[&[u8]]) -> Value {
        let mut connection = Connection::open(self.address).await.expect("Redis accepts");
        login(&mut connection).await.expect("Redis lets the administrator in");
        let answer = connection.command(words).await.expect("Redis answers");
        assert!(!matches!(answer, Value::Error(_)), "Redis: {answer:?}: {}", self.process.log());
        answer
    }

    /// `None` where it does not answer.
    pub(super) async fn try_ask(&self, words: &[&[u8]]) -> Option<Value> {
        let asked = async {
            let mut connection = Connection::open(self.address).await.ok()?;
            login(&mut connection).await.ok()?;
            connection.command(words).await.ok()
        };
        tokio::time::timeout(LOOK, asked).await.ok()?
    }

    pub(super) async fn info(&self, command: &str, section: &str) -> Option<String> {
        let info = self.try_ask(&[command.as_bytes(), section.as_bytes()]).await?.bytes();
        Some(String::from_utf8_lossy(&info).into_owned())
    }

    /// Where clients are to find the master of the first slot, as this server sees it.
    pub(super) async fn port_of_first_slot(&self) -> Option<i64> {
        let ranges = self.try_ask(&[b"CLUSTER", b"SLOTS"]).await?.members();
        let of_first = ranges
            .into_iter()
            .map(Value::members)
            .find(|range| matches!(range.as_slice(), [Value::Integer(0), ..]))?;
        match of_first.into_iter().nth(2)?.members().as_slice() {
            [_, Value::Integer(port), ..] => Some(*port),
            _ => None,
        }
    }
}

fn server(config: &std::path::Path) -> Command {
    let mut server = command("redis-server");
    server.arg(config);
    server
}
