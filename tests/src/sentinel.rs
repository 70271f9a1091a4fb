//! A master, its replica, and three real Sentinels that make the replica master where the master is away.

use std::net::SocketAddr;

use crate::process::{Process, command};
use crate::redis::{ADMIN_PASSWORD, PASSWORD, RIGHTS, USER, login};
use crate::resp::{Connection, Value};
use crate::scratch::Scratch;
use crate::{ports, wait};

/// What the master is called.
const NAME: &str = "main";

/// What a client needs beside [`RIGHTS`] to see that it was led to the master.
const FIND: &str = "+role";

/// A running group.
#[derive(Debug)]
pub struct Sentinel {
    servers: [Server; 2],
    sentinels: Vec<Server>,
    _scratch: Scratch,
}

#[derive(Debug)]
struct Server {
    process: Process,
    address: SocketAddr,
}

impl Sentinel {
    /// Starts all of them, and waits until the replica follows and the Sentinels know each other.
    pub async fn start() -> Self {
        let scratch = Scratch::new();
        let master = Server::redis("master", "", &scratch).await;
        let port = master.address.port();
        let follow = format!(
            "replicaof 127.0.0.1 {port}\nmasteruser admin\nmasterauth {ADMIN_PASSWORD}\n\
             repl-diskless-sync-delay 0\n"
        );
        let replica = Server::redis("replica", &follow, &scratch).await;
        let mut sentinels = Vec::new();
        for number in 1..=3 {
            sentinels.push(Server::sentinel(number, port, &scratch).await);
        }
        let group = Self { servers: [master, replica], sentinels, _scratch: scratch };
        wait::until("the group has come together", wait::START, async || {
            let info = group.servers[0].ask(&[b"INFO", b"replication"]).await?.bytes();
            String::from_utf8_lossy(&info).contains("state=online").then_some(())?;
            for sentinel in &group.sentinels {
                let info = sentinel.ask(&[b"INFO", b"sentinel"]).await?.bytes();
                let info = String::from_utf8_lossy(&info);
                info.contains("status=ok").then_some(())?;
                info.contains("slaves=1,sentinels=3").then_some(())?;
            }
            Some(())
        })
        .await;
        group
    }

    /// The address the product is given; credentials are in it.
    pub fn url(&self) -> String {
        let [first, second, third] = self.sentinels.as_slice() else { panic!("three Sentinels") };
        format!(
            "redis-sentinel://{USER}:{PASSWORD}@{}?node={}&node={}&sentinelServiceName={NAME}",
            first.address, second.address, third.address
        )
    }

    /// Changes what the product's user may do at the master.
    ///
    /// # Panics
    /// When the master does not take it.
    pub async fn change_rights(&self, change: &[u8]) {
        let changed = self.servers[0].ask(&[b"ACL", b"SETUSER", USER.as_bytes(), change]).await;
        assert!(changed.is_some(), "{}", self.servers[0].process.log());
    }

    /// Waits until the replica has all that the master has.
    pub async fn caught_up(&self) {
        let offset = async |server: &Server, field: &str| {
            let info = server.ask(&[b"INFO", b"replication"]).await?.bytes();
            let info = String::from_utf8_lossy(&info).into_owned();
            info.lines().find_map(|line| line.strip_prefix(field)?.trim().parse::<u64>().ok())
        };
        let [master, replica] = &self.servers;
        let wanted = offset(master, "master_repl_offset:").await.expect("the master tells");
        wait::until("the replica has caught up", wait::START, async || {
            (offset(replica, "slave_repl_offset:").await? >= wanted).then_some(())
        })
        .await;
    }

    /// Ends the master with `kill -9`, and waits until a Sentinel names the replica: nobody can know sooner.
    pub async fn fail_over(&mut self) {
        self.servers[0].process.kill();
        let new = self.servers[1].address.port().to_string().into_bytes();
        wait::until("the replica is named as the master", wait::START, async || {
            for sentinel in &self.sentinels {
                let asked: [&[u8]; 3] = [b"SENTINEL", b"get-master-addr-by-name", NAME.as_bytes()];
                if sentinel.ask(&asked).await?.flatten().contains(&new) {
                    return Some(());
                }
            }
            None
        })
        .await;
    }
}

impl Server {
    async fn redis(name: &str, more: &str, scratch: &Scratch) -> Self {
        let acl = format!(
            "user default off ~* &* +@all\nuser admin on >{ADMIN_PASSWORD} ~* &* +@all\n\
             user {USER} on >{PASSWORD} {RIGHTS} {FIND}\n"
        );
        let acl = scratch.write(&format!("{name}/users.acl"), acl);
        let config = format!(
            "aclfile {}\nsave \"\"\nappendonly no\nmaxmemory 256mb\nmaxmemory-policy noeviction\n{more}",
            acl.display()
        );
        Self::start(name, "redis-server", &config, scratch).await
    }

    async fn sentinel(number: usize, master: u16, scratch: &Scratch) -> Self {
        let config = format!(
            "sentinel monitor {NAME} 127.0.0.1 {master} 2\nsentinel auth-user {NAME} admin\n\
             sentinel auth-pass {NAME} {ADMIN_PASSWORD}\nsentinel down-after-milliseconds {NAME} 1000\n\
             sentinel failover-timeout {NAME} 5000\n"
        );
        Self::start(&format!("sentinel-{number}"), "redis-sentinel", &config, scratch).await
    }

    async fn start(name: &str, program: &str, config: &str, scratch: &Scratch) -> Self {
        let address = ports::free();
        let directory = scratch.directory(name);
        let common = format!(
            "bind 127.0.0.1\nport {}\ndir {}\nprotected-mode no\n",
            address.port(),
            directory.display()
        );
        let file = scratch.write(&format!("{name}/{name}.conf"), common + config);
        let mut server = command(program);
        server.arg(file);
        let process = Process::start(name, server, scratch.path());
        let mut server = Self { process, address };
        wait::until(&format!("{name} answers"), wait::START, async || {
            assert!(server.process.exited().is_none(), "{name}: {}", server.process.log());
            server.ask(&[b"INFO", b"server"]).await
        })
        .await;
        server
    }

    /// `None` where it does not answer. Sentinels have no users.
    async fn ask(&self, words: &[&[u8]]) -> Option<Value> {
        let mut connection = Connection::open(self.address).await.ok()?;
        drop(login(&mut connection).await);
        match connection.command(words).await.ok()? {
            Value::Error(_) => None,
            answer => Some(answer),
        }
    }
}
