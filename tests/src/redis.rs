//! A real Redis: TLS, an ACL user with no more rights than the product needs, an append-only file
//! that survives `kill -9`, and a plain port for looking inside.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use rustix::process::Signal;

use crate::process::{Process, command};
use crate::resp::{Connection, Value};
use crate::scratch::Scratch;
use crate::tls::Ca;
use crate::{ports, wait};

/// The product's user.
pub const USER: &str = "wicketgate";

/// The password of the product's user; a canary.
pub const PASSWORD: &str = "redis-canary-7f3a1c9e5b2d4860";

pub(crate) const ADMIN_PASSWORD: &str = "admin";

/// Keys the product owns, and no dangerous command.
pub(crate) const RIGHTS: &str = "resetkeys ~bff:* ~jwt:blacklist ~jwt:blacklist:* \
    resetchannels &bff:* &jwt:blacklist &__redis__:invalidate \
    -@all +@read +@write +@connection +@transaction +@pubsub +@scripting -@dangerous +info +time";

/// A Redis server.
#[derive(Debug)]
pub struct Redis {
    process: Process,
    config: PathBuf,
    logs: PathBuf,
    plain: SocketAddr,
    tls: SocketAddr,
}

/// One key and everything below it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key.
    pub key: Vec<u8>,
    /// Members, fields and values, as they lie there.
    pub values: Vec<Vec<u8>>,
    /// Seconds to live; -1 without an end.
    pub ttl: i64,
}

impl Redis {
    /// Starts a server with its data in the scratch directory.
    pub async fn start(scratch: &Scratch, ca: &Ca) -> Self {
        let leaf = ca.issue("redis", &["localhost", "127.0.0.1"]);
        let (plain, tls) = (ports::free(), ports::free());
        let directory = scratch.directory("redis");
        // Nobody logs in as `default`, but Redis replays its append-only file with that user's rights:
        // without them, what a script wrote would be lost at a restart.
        let acl = scratch.write(
            "redis/users.acl",
            format!(
                "user default off ~* &* +@all\nuser admin on >{ADMIN_PASSWORD} ~* &* +@all\nuser {USER} on >{PASSWORD} {RIGHTS}\n"
            ),
        );
        let config = scratch.write(
            "redis/redis.conf",
            format!(
                "bind 127.0.0.1\nport {}\ntls-port {}\ntls-cert-file {}\ntls-key-file {}\ntls-ca-cert-file {}\n\
                 tls-auth-clients no\naclfile {}\ndir {}\nsave \"\"\nappendonly yes\nappendfsync everysec\n\
                 maxmemory 256mb\nmaxmemory-policy noeviction\n",
                plain.port(),
                tls.port(),
                leaf.certificate.display(),
                leaf.key.display(),
                ca.file().display(),
                acl.display(),
                directory.display(),
            ),
        );
        let logs = scratch.path().to_owned();
        let process = Process::start("redis", server(&config), &logs);
        let mut redis = Self { process, config, logs, plain, tls };
        redis.ready().await;
        redis
    }

    /// The address the product is given; credentials are in it.
    pub fn url(&self) -> String {
        self.url_as(USER, PASSWORD)
    }

    /// The address for another user.
    pub fn url_as(&self, user: &str, password: &str) -> String {
        format!("rediss://{user}:{password}@127.0.0.1:{}", self.tls.port())
    }

    /// Where it speaks TLS.
    pub const fn address(&self) -> SocketAddr {
        self.tls
    }

    /// An address without TLS, for tests that need none.
    pub fn plain_url(&self) -> String {
        format!("redis://{USER}:{PASSWORD}@127.0.0.1:{}", self.plain.port())
    }

    /// Stops the server's clock: connections stay open and nothing answers.
    pub fn freeze(&self) {
        self.process.signal(Signal::STOP);
    }

    /// Ends a freeze.
    pub fn thaw(&self) {
        self.process.signal(Signal::CONT);
    }

    /// Ends the server with `kill -9`.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts the server again on the same ports with what it had written.
    pub async fn restart(&mut self) {
        self.process.kill();
        self.process = Process::start("redis", server(&self.config), &self.logs);
        self.ready().await;
    }

    /// Starts the server again, after [`Self::kill`], with nothing of what it had written.
    pub async fn restart_empty(&mut self) {
        self.process.kill();
        let directory = self.config.parent().expect("a file has a directory");
        std::fs::remove_dir_all(directory.join("appendonlydir")).expect("the server has written");
        self.restart().await;
    }

    /// Asks the server something, with all rights.
    ///
    /// # Panics
    /// When it does not answer or answers with an error.
    pub async fn ask(&self, words: &[&[u8]]) -> Value {
        let mut connection = self.admin().await.expect("Redis accepts");
        let answer = connection.command(words).await.expect("Redis answers");
        assert!(!matches!(answer, Value::Error(_)), "Redis: {answer:?}");
        answer
    }

    /// Asks the server many things at once, with all rights.
    ///
    /// # Panics
    /// When it does not answer or answers one of them with an error.
    pub async fn ask_all(&self, commands: &[Vec<&[u8]>]) -> Vec<Value> {
        let mut connection = self.admin().await.expect("Redis accepts");
        let answers = connection.pipeline(commands).await.expect("Redis answers");
        let error = answers.iter().find(|answer| matches!(answer, Value::Error(_)));
        assert_eq!(error, None, "Redis");
        answers
    }

    /// How often the server was given `command`, written in lower case.
    pub async fn calls(&self, command: &str) -> u64 {
        self.all_calls().await.get(command).copied().unwrap_or(0)
    }

    /// How often each command was carried out, those of scripts included.
    pub async fn all_calls(&self) -> BTreeMap<String, u64> {
        calls(&self.ask(&[b"INFO", b"commandstats"]).await.bytes())
    }

    /// The ids of the connections that are told which of the keys they read have changed.
    pub async fn trackers(&self) -> Vec<String> {
        let clients = self.ask(&[b"CLIENT", b"LIST"]).await.bytes();
        let field = |line: &str, name: &str| {
            line.split(' ').find_map(|field| field.strip_prefix(name).map(str::to_owned))
        };
        String::from_utf8_lossy(&clients)
            .lines()
            .filter(|line| field(line, "flags=").is_some_and(|flags| flags.contains('t')))
            .filter_map(|line| field(line, "id="))
            .collect()
    }

    /// Every key with everything below it.
    pub async fn dump(&self) -> Vec<Entry> {
        let mut connection = self.admin().await.expect("Redis accepts");
        let mut entries = Vec::new();
        for key in connection.command(&[b"KEYS", b"*"]).await.expect("KEYS").flatten() {
            let kind = connection.command(&[b"TYPE", &key]).await.expect("TYPE").bytes();
            let read: &[&[u8]] = match kind.as_slice() {
                b"hash" => &[b"HGETALL", &key],
                b"set" => &[b"SMEMBERS", &key],
                b"zset" => &[b"ZRANGE", &key, b"0", b"-1", b"WITHSCORES"],
                b"list" => &[b"LRANGE", &key, b"0", b"-1"],
                b"stream" => &[b"XRANGE", &key, b"-", b"+"],
                _ => &[b"GET", &key],
            };
            let values = connection.command(read).await.expect("the value").flatten();
            let ttl = match connection.command(&[b"TTL", &key]).await.expect("TTL") {
                Value::Integer(seconds) => seconds,
                other => panic!("TTL: {other:?}"),
            };
            entries.push(Entry { key, values, ttl });
        }
        entries
    }

    /// The keys that begin with `prefix`.
    pub async fn keys(&self, prefix: &str) -> Vec<String> {
        self.ask(&[b"KEYS", format!("{prefix}*").as_bytes()])
            .await
            .flatten()
            .into_iter()
            .map(|key| String::from_utf8_lossy(&key).into_owned())
            .collect()
    }

    /// Everything the server has written to its log.
    pub fn log(&self) -> String {
        self.process.log()
    }

    async fn ready(&mut self) {
        let address = self.plain;
        self.process
            .ready(async || {
                let mut connection = Connection::open(address).await.ok()?;
                login(&mut connection).await.ok()?;
                // While the append-only file is read, Redis answers LOADING.
                matches!(connection.command(&[b"PING"]).await, Ok(Value::Simple(_))).then_some(())
            })
            .await;
    }

    async fn admin(&self) -> std::io::Result<Connection> {
        let mut connection = Connection::open(self.plain).await?;
        wait::until("Redis lets the administrator in", wait::START, async || {
            login(&mut connection).await.ok()
        })
        .await;
        Ok(connection)
    }
}

/// Becomes the administrator.
pub(crate) async fn login(connection: &mut Connection) -> std::io::Result<()> {
    match connection.command(&[b"AUTH", b"admin", ADMIN_PASSWORD.as_bytes()]).await? {
        Value::Simple(_) => Ok(()),
        other => Err(std::io::Error::other(format!("{other:?}"))),
    }
}

/// Reads the answer to `INFO commandstats`. A command that was answered with an error, such as a script
/// that the server did not know yet, was not carried out.
pub(crate) fn calls(stats: &[u8]) -> BTreeMap<String, u64> {
    let field = |fields: &str, name: &str| {
        fields.split(',').find_map(|field| field.strip_prefix(name)?.parse::<u64>().ok())
    };
    let count = |line: &str| {
        let (command, fields) = line.strip_prefix("cmdstat_")?.split_once(':')?;
        let calls = field(fields, "calls=")?;
        Some((command.to_owned(), calls - field(fields, "failed_calls=").unwrap_or(0)))
    };
    String::from_utf8_lossy(stats).lines().filter_map(count).collect()
}

fn server(config: &std::path::Path) -> Command {
    let mut server = command("redis-server");
    server.arg(config);
    server
}
