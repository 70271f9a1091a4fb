//! What Kubernetes puts before the replicas of a service: connections are passed on to one of the ready
//! ones, those that exist stay where they are, and no request is looked at.

use std::collections::{HashMap, HashSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::wait;

/// A balancer of connections.
#[derive(Debug)]
pub struct Balancer {
    /// Where it listens.
    pub address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Shared {
    ready: Mutex<Vec<SocketAddr>>,
    connecting: AtomicUsize,
    /// How many connections lead to each.
    carried: Mutex<HashMap<SocketAddr, usize>>,
    /// Whose connections are closed.
    lost: watch::Sender<HashSet<SocketAddr>>,
}

impl Balancer {
    /// Starts one without replicas: it closes every connection.
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        let shared = Arc::<Shared>::default();
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Self { address, shared, accepting }
    }

    /// Sends new connections to these replicas, one after the other. One that refuses is passed over.
    pub fn set_ready(&self, replicas: &[SocketAddr]) {
        *lock(&self.shared.ready) = replicas.to_vec();
    }

    /// Sends new connections to all of `replicas` but `one`, and waits until none is on its way there.
    pub async fn set_ready_without(&self, replicas: &[SocketAddr], one: SocketAddr) {
        let others: Vec<_> = replicas.iter().copied().filter(|other| *other != one).collect();
        self.set_ready(&others);
        wait::until("all connections are made", wait::START, async || {
            (self.shared.connecting.load(Ordering::Acquire) == 0).then_some(())
        })
        .await;
    }

    /// Sends nothing more to a replica and closes what leads to it, as where its machine is given up.
    pub fn lose(&self, replica: SocketAddr) {
        lock(&self.shared.ready).retain(|ready| *ready != replica);
        self.shared.lost.send_if_modified(|lost| lost.insert(replica));
    }

    /// Sends connections to a replica again.
    pub fn find(&self, replica: SocketAddr) {
        self.shared.lost.send_if_modified(|lost| lost.remove(&replica));
        let mut ready = lock(&self.shared.ready);
        if !ready.contains(&replica) {
            ready.push(replica);
        }
    }

    /// Whether new connections are sent to another replica than this one.
    pub fn is_ready_without(&self, replica: SocketAddr) -> bool {
        lock(&self.shared.ready).iter().any(|ready| *ready != replica)
    }

    /// How many connections lead to a replica.
    pub fn leads_to(&self, replica: SocketAddr) -> usize {
        lock(&self.shared.carried).get(&replica).copied().unwrap_or(0)
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let turn = AtomicUsize::new(0);
    loop {
        let (client, _) = listener.accept().await.expect("accepting goes on");
        let replicas = {
            let ready = lock(&shared.ready);
            // Under the lock: who changes the replicas sees either the choice or its connection.
            shared.connecting.fetch_add(1, Ordering::AcqRel);
            let turn = turn.fetch_add(1, Ordering::Relaxed);
            let mut replicas = ready.clone();
            if let Some(first) = turn.checked_rem(replicas.len()) {
                replicas.rotate_left(first);
            }
            replicas
        };
        tokio::spawn(carry(client, replicas, Arc::clone(&shared)));
    }
}

/// Whoever cannot be reached, or goes away, closes the connection for the other.
async fn carry(mut client: TcpStream, replicas: Vec<SocketAddr>, shared: Arc<Shared>) {
    let mut found = None;
    for replica in replicas {
        if let Ok(server) = TcpStream::connect(replica).await {
            found = Some((replica, server));
            break;
        }
    }
    shared.connecting.fetch_sub(1, Ordering::AcqRel);
    let Some((replica, mut server)) = found else { return };
    for stream in [&client, &server] {
        stream.set_nodelay(true).expect("a socket of ours");
    }
    *lock(&shared.carried).entry(replica).or_default() += 1;
    let mut lost = shared.lost.subscribe();
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut server) => {}
        _ = lost.wait_for(|lost| lost.contains(&replica)) => {}
    }
    lock(&shared.carried).entry(replica).and_modify(|carried| *carried -= 1);
}
