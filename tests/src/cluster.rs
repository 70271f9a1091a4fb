//! A real Redis Cluster: three servers that share the slots, with the product's user on each, and where a
//! test asks for it a replica of the first. Clients find each at the far end of a line that can be cut.

mod node;

use std::collections::BTreeMap;
use std::fmt::Write as _;

pub use node::Node;

use crate::redis::{ADMIN_PASSWORD, PASSWORD, USER, calls};
use crate::resp::Value;
use crate::scratch::Scratch;
use crate::wait;

const SLOTS: [(&[u8], &[u8]); 3] = [(b"0", b"5460"), (b"5461", b"10922"), (b"10923", b"16383")];

/// A running cluster: first those that began with slots.
#[derive(Debug)]
pub struct Cluster(Vec<Node>);

impl Cluster {
    /// Starts the servers and waits until they agree on the slots.
    pub async fn start(scratch: &Scratch) -> Self {
        Self::start_with(scratch, 5000).await
    }

    /// The same with a replica of the first server, which takes its place about two seconds after it is away.
    pub async fn start_with_replica(scratch: &Scratch) -> Self {
        let mut cluster = Self::start_with(scratch, 1000).await;
        let replica = Node::start(SLOTS.len() + 1, 1000, scratch).await;
        let first = &cluster.0[0];
        let (port, bus) = (first.address.port().to_string(), first.bus.port().to_string());
        replica.ask(&[b"CLUSTER", b"MEET", b"127.0.0.1", port.as_bytes(), bus.as_bytes()]).await;
        let id = first.ask(&[b"CLUSTER", b"MYID"]).await.bytes();
        wait::until("the replica follows", wait::START, async || {
            match replica.try_ask(&[b"CLUSTER", b"REPLICATE", &id]).await? {
                Value::Error(_) => None,
                _ => Some(()),
            }
        })
        .await;
        cluster.0.push(replica);
        cluster.whole().await;
        cluster
    }

    async fn start_with(scratch: &Scratch, timeout_ms: u32) -> Self {
        let mut nodes = Vec::new();
        for number in 1..=SLOTS.len() {
            nodes.push(Node::start(number, timeout_ms, scratch).await);
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
        let mut url = format!("redis-cluster://{USER}:{PASSWORD}@{}", self.0[0].wire.address);
        for (number, node) in self.0[1..].iter().enumerate() {
            let mark = if number == 0 { '?' } else { '&' };
            write!(url, "{mark}node={}", node.wire.address).expect("writing to a string");
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
        self.0[0].freeze();
    }

    /// Ends that.
    pub fn thaw_it(&self) {
        self.0[0].thaw();
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

    /// Waits until the cluster works, and of the first two thirds of slots one server is the master that
    /// the other follows, and has all that it has.
    pub async fn whole(&self) {
        wait::until("the cluster is whole", wait::START, async || {
            for node in &self.0 {
                let info = node.info("CLUSTER", "INFO").await?;
                info.contains("cluster_state:ok").then_some(())?;
                info.contains("cluster_known_nodes:4").then_some(())?;
            }
            let [master, replica] = self.shard().await?;
            let info = self.0[master].info("INFO", "replication").await?;
            let wanted = field(&info, "master_repl_offset:")?;
            let info = self.0[replica].info("INFO", "replication").await?;
            info.contains("master_link_status:up").then_some(())?;
            (field(&info, "slave_repl_offset:")? >= wanted).then_some(())
        })
        .await;
    }

    /// The master of the first slots, by its own word, where it has a replica.
    ///
    /// # Panics
    /// When there is none.
    pub async fn master(&mut self) -> &mut Node {
        let [master, _] = self.shard().await.expect("a master and a replica");
        &mut self.0[master]
    }

    /// The server that clients find at this port.
    ///
    /// # Panics
    /// When there is none.
    pub fn member(&mut self, port: u16) -> &mut Node {
        let mut nodes = self.0.iter_mut();
        nodes.find(|node| node.wire.address.port() == port).expect("a server of the cluster")
    }

    /// Its replica.
    ///
    /// # Panics
    /// When there is none.
    pub async fn replica(&mut self) -> &mut Node {
        let [_, replica] = self.shard().await.expect("a master and a replica");
        &mut self.0[replica]
    }

    /// Which of the first slots' two servers is the master, and which the replica.
    async fn shard(&self) -> Option<[usize; 2]> {
        let last = self.0.len() - 1;
        let is_master = async |node: &Node| {
            Some(node.info("INFO", "replication").await?.contains("role:master"))
        };
        match (is_master(&self.0[0]).await?, is_master(&self.0[last]).await?) {
            (true, false) => Some([0, last]),
            (false, true) => Some([last, 0]),
            _ => None,
        }
    }

    /// Waits until one of the others says that the first slots are with another server than the one that
    /// clients find at this port, and that all slots are served: nobody can know sooner.
    pub async fn failed_over(&self, from: u16) {
        wait::until("another master is announced", wait::START, async || {
            for node in &self.0[1..SLOTS.len()] {
                let Some(port) = node.port_of_first_slot().await else { continue };
                let info = node.info("CLUSTER", "INFO").await.unwrap_or_default();
                if port != i64::from(from) && info.contains("cluster_state:ok") {
                    return Some(());
                }
            }
            None
        })
        .await;
    }

    /// Whether a key's slot is among those that have a replica.
    pub async fn is_replicated(&self, key: &str) -> bool {
        let slot = self.0[1].ask(&[b"CLUSTER", b"KEYSLOT", key.as_bytes()]).await;
        matches!(slot, Value::Integer(..=5460))
    }
}

/// A number in what `INFO` says.
fn field(info: &str, name: &str) -> Option<u64> {
    info.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}
