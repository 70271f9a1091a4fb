//! A master, its replica, and three real Sentinels that make the replica master where the master is away.
//! All are known, also to each other, by the far ends of lines that can be cut.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use rustix::process::Signal;

use crate::process::{Command, Process, command};
use crate::redis::{ADMIN_PASSWORD, PASSWORD, RIGHTS, USER, login};
use crate::resp::{Connection, Value};
use crate::scratch::Scratch;
use crate::wire::Wire;
use crate::{ports, wait};

/// What the master is called.
const NAME: &str = "main";

/// What a client needs beside [`RIGHTS`] to see that it was led to the master.
const FIND: &str = "+role";

/// How long a server that stands still may keep who looks at it.
const LOOK: Duration = Duration::from_millis(200);

/// A running group.
#[derive(Debug)]
pub struct Sentinel {
    servers: [Server; 2],
    sentinels: Vec<Server>,
    _scratch: Scratch,
}

/// One server of the group.
#[derive(Debug)]
pub struct Server {
    /// The way to it.
    pub wire: Wire,
    process: Process,
    address: SocketAddr,
    program: &'static str,
    config: PathBuf,
}

impl Sentinel {
    /// Starts all of them, and waits until the replica follows and the Sentinels know each other.
    pub async fn start() -> Self {
        let scratch = Scratch::new();
        let master = Server::redis("master", "", &scratch).await;
        let port = master.wire.address.port();
        let follow = format!("replicaof 127.0.0.1 {port}\n");
        let replica = Server::redis("replica", &follow, &scratch).await;
        let mut sentinels = Vec::new();
        for number in 1..=3 {
            sentinels.push(Server::sentinel(number, port, &scratch).await);
        }
        let group = Self { servers: [master, replica], sentinels, _scratch: scratch };
        group.whole().await;
        group
    }

    /// Waits until one server is the master for everybody, the other follows it and has all that it has,
    /// and the Sentinels know each other.
    pub async fn whole(&self) {
        wait::until("the group has come together", wait::START, async || {
            let [master, replica] = self.roles().await?;
            let info = master.info("replication").await?;
            info.contains("state=online").then_some(())?;
            let wanted = field(&info, "master_repl_offset:")?;
            let info = replica.info("replication").await?;
            info.contains("master_link_status:up").then_some(())?;
            (field(&info, "slave_repl_offset:")? >= wanted).then_some(())?;
            for sentinel in &self.sentinels {
                let info = sentinel.info("sentinel").await?;
                info.contains("status=ok").then_some(())?;
                info.contains("slaves=1,sentinels=3").then_some(())?;
            }
            Some(())
        })
        .await;
    }

    /// The address the product is given; credentials are in it.
    pub fn url(&self) -> String {
        let [first, second, third] = self.sentinels.as_slice() else { panic!("three Sentinels") };
        format!(
            "redis-sentinel://{USER}:{PASSWORD}@{}?node={}&node={}&sentinelServiceName={NAME}",
            first.wire.address, second.wire.address, third.wire.address
        )
    }

    /// The server that clients find at this port.
    ///
    /// # Panics
    /// When there is none.
    pub fn member(&mut self, port: u16) -> &mut Server {
        let mut servers = self.servers.iter_mut();
        servers.find(|server| server.wire.address.port() == port).expect("a server of the group")
    }

    /// A Sentinel.
    pub fn sentinel(&mut self, number: usize) -> &mut Server {
        &mut self.sentinels[number]
    }

    /// The port of the master that a Sentinel names which answers.
    pub async fn named(&self) -> Option<u16> {
        let asked: [&[u8]; 3] = [b"SENTINEL", b"get-master-addr-by-name", NAME.as_bytes()];
        for sentinel in &self.sentinels {
            if let Some(answer) = sentinel.ask(&asked).await {
                let port = answer.flatten().pop()?;
                return String::from_utf8_lossy(&port).parse().ok();
            }
        }
        None
    }

    /// Waits until a Sentinel names another master than the one with this port: nobody can know sooner.
    pub async fn failed_over(&self, from: u16) {
        wait::until("another is named as the master", wait::START, async || {
            let asked: [&[u8]; 3] = [b"SENTINEL", b"get-master-addr-by-name", NAME.as_bytes()];
            for sentinel in &self.sentinels {
                let Some(answer) = sentinel.ask(&asked).await else { continue };
                let port = answer.flatten().pop()?;
                if port != from.to_string().as_bytes() {
                    return Some(());
                }
            }
            None
        })
        .await;
    }

    /// Changes what the product's user may do at the master.
    ///
    /// # Panics
    /// When the master does not take it.
    pub async fn change_rights(&self, change: &[u8]) {
        let [master, _] = self.roles().await.expect("a master");
        let changed = master.ask(&[b"ACL", b"SETUSER", USER.as_bytes(), change]).await;
        assert!(changed.is_some(), "{}", master.process.log());
    }

    /// Ends the master with `kill -9`, and waits until a Sentinel names the replica: nobody can know sooner.
    pub async fn fail_over(&mut self) {
        let port = self.named().await.expect("a master");
        let master = self.member(port);
        master.kill();
        master.wire.refuse().await;
        self.failed_over(port).await;
    }

    /// The master, by its own word, and the other.
    async fn roles(&self) -> Option<[&Server; 2]> {
        let [first, second] = &self.servers;
        let is_master =
            async |server: &Server| Some(server.info("replication").await?.contains("role:master"));
        match (is_master(first).await?, is_master(second).await?) {
            (true, false) => Some([first, second]),
            (false, true) => Some([second, first]),
            _ => None,
        }
    }
}

impl Server {
    async fn redis(name: &str, more: &str, scratch: &Scratch) -> Self {
        let acl = format!(
            "user default off ~* &* +@all\nuser admin on >{ADMIN_PASSWORD} ~* &* +@all\n\
             user {USER} on >{PASSWORD} {RIGHTS} {FIND}\n"
        );
        let acl = scratch.write(&format!("{name}/users.acl"), acl);
        let wire = Wire::to(ports::free());
        let config = format!(
            "aclfile {}\nsave \"\"\nappendonly no\nmaxmemory 256mb\nmaxmemory-policy noeviction\n\
             masteruser admin\nmasterauth {ADMIN_PASSWORD}\nrepl-diskless-sync-delay 0\n\
             replica-announce-ip 127.0.0.1\nreplica-announce-port {}\n{more}",
            acl.display(),
            wire.address.port()
        );
        Self::start(name, ("redis-server", wire), &config, scratch).await
    }

    async fn sentinel(number: usize, master: u16, scratch: &Scratch) -> Self {
        let wire = Wire::to(ports::free());
        let config = format!(
            "sentinel monitor {NAME} 127.0.0.1 {master} 2\nsentinel auth-user {NAME} admin\n\
             sentinel auth-pass {NAME} {ADMIN_PASSWORD}\nsentinel down-after-milliseconds {NAME} 1000\n\
             sentinel failover-timeout {NAME} 5000\nsentinel announce-ip 127.0.0.1\n\
             sentinel announce-port {}\n",
            wire.address.port()
        );
        let name = format!("sentinel-{number}");
        Self::start(&name, ("redis-sentinel", wire), &config, scratch).await
    }

    async fn start(
        name: &str,
        (program, wire): (&'static str, Wire),
        config: &str,
        scratch: &Scratch,
    ) -> Self {
        let address = wire.server();
        let directory = scratch.directory(name);
        let common = format!(
            "bind 127.0.0.1\nport {}\ndir {}\nprotected-mode no\n",
            address.port(),
            directory.display()
        );
        let config = scratch.write(&format!("{name}/{name}.conf"), common + config);
        let process = Process::start(name, server(program, &config), scratch.path());
        let mut server = Self { wire, process, address, program, config };
        server.ready(name).await;
        server
    }

    /// Ends the server with `kill -9`.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again with what it had written into its configuration, and nothing else.
    pub async fn restart(&mut self) {
        self.process.start_again(server(self.program, &self.config));
        self.ready("the server that was started again").await;
    }

    /// Stops its clock: connections stay open and nothing answers.
    pub fn freeze(&self) {
        self.process.signal(Signal::STOP);
    }

    /// Ends a freeze.
    pub fn thaw(&self) {
        self.process.signal(Signal::CONT);
    }

    async fn ready(&mut self, name: &str) {
        wait::until(&format!("{name} answers"), wait::START, async || {
            assert!(self.process.exited().is_none(), "{name}: {}", self.process.log());
            self.ask(&[b"INFO", b"server"]).await
        })
        .await;
    }

    async fn info(&self, section: &str) -> Option<String> {
        let info = self.ask(&[b"INFO", section.as_bytes()]).await?.bytes();
        Some(String::from_utf8_lossy(&info).into_owned())
    }

    /// `None` where it does not answer. Sentinels have no users.
    async fn ask(&self, words: &[&[u8]]) -> Option<Value> {
        let asked = async {
            let mut connection = Connection::open(self.address).await.ok()?;
            drop(login(&mut connection).await);
            match connection.command(words).await.ok()? {
                Value::Error(_) => None,
                answer => Some(answer),
            }
        };
        tokio::time::timeout(LOOK, asked).await.ok()?
    }
}

fn server(program: &str, config: &std::path::Path) -> Command {
    let mut server = command(program);
    server.arg(config);
    server
}

/// A number in what `INFO` says.
fn field(info: &str, name: &str) -> Option<u64> {
    info.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}
