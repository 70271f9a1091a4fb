//! What Kubernetes puts before the replicas of a service: connections are passed on to one of the ready
//! ones, those that exist stay where they are, and no request is looked at.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::wait;

/// A balancer of connections.
#[derive(Debug)]
pub struct Balancer {
    /// Where it listens.
    pub address: SocketAddr,
    ready: Arc<Mutex<Vec<SocketAddr>>>,
    connecting: Arc<AtomicUsize>,
    accepting: JoinHandle<()>,
}

impl Balancer {
    /// Starts one without replicas: it closes every connection.
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        let ready = Arc::new(Mutex::new(Vec::new()));
        let connecting = Arc::default();
        let accepting = tokio::spawn(accept(listener, Arc::clone(&ready), Arc::clone(&connecting)));
        Self { address, ready, connecting, accepting }
    }

    /// Sends new connections to these replicas, one after the other.
    pub fn set_ready(&self, replicas: &[SocketAddr]) {
        *self.ready.lock().unwrap_or_else(PoisonError::into_inner) = replicas.to_vec();
    }

    /// Sends new connections to all of `replicas` but `one`, and waits until none is on its way there.
    pub async fn set_ready_without(&self, replicas: &[SocketAddr], one: SocketAddr) {
        let others: Vec<_> = replicas.iter().copied().filter(|other| *other != one).collect();
        self.set_ready(&others);
        wait::until("all connections are made", wait::START, async || {
            (self.connecting.load(Ordering::Acquire) == 0).then_some(())
        })
        .await;
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(
    listener: TcpListener,
    ready: Arc<Mutex<Vec<SocketAddr>>>,
    connecting: Arc<AtomicUsize>,
) {
    let turn = AtomicUsize::new(0);
    loop {
        let (mut client, _) = listener.accept().await.expect("accepting goes on");
        let replica = {
            let ready = ready.lock().unwrap_or_else(PoisonError::into_inner);
            // Under the lock: who changes the replicas sees either the choice or its connection.
            connecting.fetch_add(1, Ordering::AcqRel);
            let turn = turn.fetch_add(1, Ordering::Relaxed);
            turn.checked_rem(ready.len()).and_then(|turn| ready.get(turn).copied())
        };
        let connecting = Arc::clone(&connecting);
        tokio::spawn(async move {
            let server = match replica {
                Some(replica) => TcpStream::connect(replica).await.ok(),
                None => None,
            };
            connecting.fetch_sub(1, Ordering::AcqRel);
            // Whoever cannot be reached, or goes away, closes the connection for the other.
            let Some(mut server) = server else { return };
            for stream in [&client, &server] {
                stream.set_nodelay(true).expect("a socket of ours");
            }
            drop(copy_bidirectional(&mut client, &mut server).await);
        });
    }
}
