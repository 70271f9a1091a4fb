//! Owns: a connection to Redis over which messages and answers come in order, and that is thrown away when it
//! ends: no reconnection of fred's own can come between a subscription and what rests on it.

use std::time::Duration;

use fred::clients::{Client, WithOptions};
use fred::interfaces::{ClientLike as _, ClusterInterface as _, EventInterface as _};
use fred::types::config::{Config, Options};
use fred::types::{Builder, ConnectHandle, Message};
use fred::util::redis_keyslot;
use tokio::sync::broadcast::Receiver;
use tokio::time::timeout;

use super::failure::{Failure, connecting};

/// Longest wait for a connection, and for the log-in over it.
const CONNECT: Duration = Duration::from_secs(2);

/// Longest wait for an answer. A server that pauses for less is found as it was, with nothing to be read anew,
/// as would all the services around it.
pub(crate) const ANSWER: Duration = Duration::from_secs(3);

/// Bytes that nobody has confirmed for so long mean that the network is gone.
const UNCONFIRMED: Duration = Duration::from_secs(1);

/// Messages that may wait to be applied.
const BACKLOG: usize = 16_384;

/// A connection that stands.
pub(crate) struct Connection {
    pub(crate) client: WithOptions<Client>,
    pub(crate) messages: Receiver<Message>,
    pub(crate) driver: Driver,
}

/// The task that drives a connection, and with it the socket.
pub(crate) struct Driver(pub(crate) ConnectHandle);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Connection {
    /// Connects, in a cluster to the server that has `key`: what is published there stays in order with what
    /// is done to the key.
    pub(crate) async fn open(config: &Config, key: &str) -> Result<Self, Failure> {
        let client = client(config).ok_or(Failure::Connect)?;
        let messages = client.message_rx();
        let mut driver = Driver(client.connect());
        let connected = async {
            tokio::select! {
                connected = client.wait_for_connect() => connected.map_err(|error| connecting(&error)),
                // It may have failed before anybody waited.
                ended = &mut driver.0 => Err(match ended {
                    Ok(Err(error)) => connecting(&error),
                    Ok(Ok(())) | Err(_) => Failure::Connect,
                }),
            }
        };
        timeout(ANSWER, connected).await.map_err(|_| Failure::TimedOut)??;
        let client = match client.cached_cluster_state() {
            Some(cluster) if client.is_clustered() => {
                let slot = redis_keyslot(key.as_bytes());
                client.with_cluster_node(cluster.get_server(slot).ok_or(Failure::Connect)?)
            }
            _ => client.with_options(&Options::default()),
        };
        Ok(Self { client, messages, driver })
    }
}

/// A client for one connection, with a limit on everything that can wait. It never makes a second one.
fn client(config: &Config) -> Option<Client> {
    let mut builder = Builder::from_config(config.clone());
    builder
        .with_performance_config(|performance| {
            performance.default_command_timeout = ANSWER;
            performance.broadcast_channel_capacity = BACKLOG;
        })
        .with_connection_config(|connection| {
            connection.connection_timeout = CONNECT;
            connection.internal_command_timeout = CONNECT;
            connection.max_command_attempts = 1;
            connection.max_redirections = 1;
            connection.auto_client_setname = false;
            connection.tcp.nodelay = Some(true);
            connection.tcp.user_timeout = Some(UNCONFIRMED);
        });
    builder.build().ok()
}
