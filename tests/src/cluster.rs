//! A real Redis Cluster: three servers that share the slots, with the product's user on each.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;

use rustix::process::Signal;

use crate::process::{Process, command};
use crate::redis::{ADMIN_PASSWORD, PASSWORD, RIGHTS, USER, calls, login};
use crate::resp::{Connection, Value};
use crate::scratch::Scratch;
use crate::{ports, wait};

/// What a client of a cluster needs beside [`RIGHTS`]: where the slots are.
const FIND: &str = "+cluster|slots +cluster|shards +cluster|info";

const SLOTS: [(&[u8], &[u8]); 3] = [(b"0", b"5460"), (b"5461", b"10922"), (b"10923", b"16383")];

/// A running cluster.
#[derive(Debug)]
pub struct Cluster(Vec<Node>);

#[derive(Debug)]
struct Node {
    process: Process,
    address: SocketAddr,
    bus: SocketAddr,
}

impl Cluster {
    /// Starts the servers and waits until they agree on the slots.
    pub async fn start(scratch: &Scratch) -> Self {
        let mut nodes = Vec::new();
        for number in 1..=SLOTS.len() {
            nodes.push(Node::start(number, scratch).await);
        }
        let first = [nodes[0].address, nodes[0].bus].map(|address| address.port().to_string());
        let [port, bus] = first.each_ref().map(String::as_bytes);
        for (node, (from, to)) in nodes.iter().zip(SLOTS) {
            node.ask(&[b"CLUSTER", b"ADDSLOTSRANGE", from, to]).await;
        }
        for node in &nodes[1..] {
            node.ask(&[b"CLUSTER", b"MEET", b"127.0.0.1", port, bus]).await;
        }
        for node in &nodes {
            wait::until("the cluster has come together", wait::START, async || {
                let info = node.ask(&[b"CLUSTER", b"INFO"]).await.bytes();
                let info = String::from_utf8_lossy(&info).into_owned();
                let whole = ["cluster_state:ok", "cluster_slots_ok:16384", "cluster_size:3"];
                whole.iter().all(|line| info.contains(line)).then_some(())
            })
            .await;
        }
        Self(nodes)
    }

    /// The address the product is given; credentials are in it.
    pub fn url(&self) -> String {
        let mut url = format!("redis-cluster://{USER}:{PASSWORD}@{}", self.0[0].address);
        for (number, node) in self.0[1..].iter().enumerate() {
            let mark = if number == 0 { '?' } else { '&' };
            write!(url, "{mark}node={}", node.address).expect("writing to a string");
        }
        url
    }

    /// The keys that begin with `prefix`, of all servers.
    pub async fn keys(&self, prefix: &str) -> Vec<String> {
        let mut keys = Vec::new();
        for node in &self.0 {
            let found = node.ask(&[b"KEYS", format!("{prefix}*").as_bytes()]).await.flatten();
            keys.extend(found.into_iter().map(|key| String::from_utf8_lossy(&key).into_owned()));
        }
        keys
    }

    /// How often each command was carried out, all servers together.
    pub async fn calls(&self) -> BTreeMap<String, u64> {
        let mut all = BTreeMap::new();
        for node in &self.0 {
            let stats = node.ask(&[b"INFO", b"commandstats"]).await.bytes();
            for (command, times) in calls(&stats) {
                *all.entry(command).or_default() += times;
            }
        }
        all
    }

    /// Asks each server something, with all rights.
    ///
    /// # Panics
    /// When one does not answer or answers with an error.
    pub async fn ask_each(&self, words: &[&[u8]]) -> Vec<Value> {
        let mut answers = Vec::new();
        for node in &self.0 {
            answers.push(node.ask(words).await);
        }
        answers
    }

    /// Stops the clock of one server: connections stay open and nothing answers.
    pub fn freeze_one(&self) {
        self.0[0].process.signal(Signal::STOP);
    }

    /// Ends that.
    pub fn thaw_it(&self) {
        self.0[0].process.signal(Signal::CONT);
    }

    /// Gives the slot of `key`, and what is in it, to another server.
    ///
    /// # Panics
    /// When no server holds it.
    pub async fn move_key(&self, key: &[u8]) {
        let slot = self.0[0].ask(&[b"CLUSTER", b"KEYSLOT", key]).await.flatten().swap_remove(0);
        let mut ids = Vec::new();
        let mut from = None;
        for (number, node) in self.0.iter().enumerate() {
            ids.push(node.ask(&[b"CLUSTER", b"MYID"]).await.bytes());
            // Of a slot that is somebody else's it has no keys.
            let keys = node.ask(&[b"CLUSTER", b"COUNTKEYSINSLOT", &slot]).await.flatten();
            if keys != [b"0"] {
                from = Some(number);
            }
        }
        let from = from.expect("a server that holds the key");
        let to = (from + 1) % self.0.len();
        let port = self.0[to].address.port().to_string();
        let (source, target) = (&self.0[from], &self.0[to]);
        target.ask(&[b"CLUSTER", b"SETSLOT", &slot, b"IMPORTING", &ids[from]]).await;
        source.ask(&[b"CLUSTER", b"SETSLOT", &slot, b"MIGRATING", &ids[to]]).await;
        let password = ADMIN_PASSWORD.as_bytes();
        let moved: [&[u8]; 9] = [
            b"MIGRATE",
            b"127.0.0.1",
            port.as_bytes(),
            key,
            b"0",
            b"5000",
            b"AUTH2",
            b"admin",
            password,
        ];
        source.ask(&moved).await;
        for node in [target, source] {
            node.ask(&[b"CLUSTER", b"SETSLOT", &slot, b"NODE", &ids[to]]).await;
        }
    }

    /// How many servers hold keys that begin with `prefix`.
    pub async fn spread(&self, prefix: &str) -> usize {
        let mut holders = 0;
        for node in &self.0 {
            let found = node.ask(&[b"KEYS", format!("{prefix}*").as_bytes()]).await.flatten();
            holders += usize::from(!found.is_empty());
        }
        holders
    }
}

impl Node {
    async fn start(number: usize, scratch: &Scratch) -> Self {
        let (address, bus) = (ports::free(), ports::free());
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
                 cluster-config-file nodes.conf\ncluster-node-timeout 5000\naclfile {}\ndir {}\nsave \"\"\n\
                 appendonly no\nmaxmemory 256mb\nmaxmemory-policy noeviction\n",
                address.port(),
                bus.port(),
                acl.display(),
                directory.display(),
            ),
        );
        let mut server = command("redis-server");
        server.arg(config);
        let mut process = Process::start(&name, server, scratch.path());
        process
            .ready(async || {
                let mut connection = Connection::open(address).await.ok()?;
                login(&mut connection).await.ok()
            })
            .await;
        Self { process, address, bus }
    }

    async fn ask(&self, words: &[&[u8]]) -> Value {
        let mut connection = Connection::open(self.address).await.expect("Redis accepts");
        login(&mut connection).await.expect("Redis lets the administrator in");
        let answer = connection.command(words).await.expect("Redis answers");
        assert!(!matches!(answer, Value::Error(_)), "Redis: {answer:?}: {}", self.process.log());
        answer
    }
}
