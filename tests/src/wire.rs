//! A line between a caller and a server that can be cut, taken down, swallow everything, or be answered
//! by somebody else.
//!
//! It passes bytes on and understands none of them.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use rustls::ServerConfig;
use tokio::io::{copy, copy_bidirectional, sink};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use crate::tls::Leaf;

/// What happens to connections.
#[derive(Clone)]
enum State {
    /// They lead to the server.
    Whole,
    /// They are closed as soon as they stand: a handshake over them fails.
    Cut,
    /// They stand, and what is sent over them is swallowed.
    Mute,
    /// Somebody else answers, with a certificate of his own.
    Tapped(Arc<ServerConfig>),
}

/// A line to a server.
#[derive(Debug)]
pub struct Wire {
    /// Where callers connect.
    pub address: SocketAddr,
    server: SocketAddr,
    state: watch::Sender<State>,
    /// Bound and not listening: keeps the port while nobody listens on it.
    _place: TcpSocket,
    accepting: Mutex<Option<JoinHandle<()>>>,
}

impl Wire {
    /// A line to `server`.
    pub fn to(server: SocketAddr) -> Self {
        let place = bind((Ipv4Addr::LOCALHOST, 0).into());
        let address = place.local_addr().expect("a bound socket has an address");
        let (state, _) = watch::channel(State::Whole);
        let wire = Self { address, server, state, _place: place, accepting: Mutex::default() };
        wire.listen();
        wire
    }

    /// Where it leads.
    pub const fn server(&self) -> SocketAddr {
        self.server
    }

    /// Closes every connection, and from now on each new one at once.
    pub fn cut(&self) {
        self.state.send_replace(State::Cut);
    }

    /// Swallows what is sent in either direction, over every connection and each new one, and closes none:
    /// a packet filter that forgot them. They stay so when the line is whole again.
    pub fn mute(&self) {
        self.state.send_replace(State::Mute);
    }

    /// Closes every connection; who connects now meets somebody else, who shows `leaf`.
    pub fn tap(&self, leaf: &Leaf) {
        self.state.send_replace(State::Tapped(leaf.server(&["http/1.1"])));
    }

    /// Closes every connection and the listener: from now on connections are refused.
    pub async fn refuse(&self) {
        self.cut();
        if let Some(accepting) = self.take() {
            accepting.abort();
            assert!(accepting.await.is_err_and(|ended| ended.is_cancelled()), "it ended by itself");
        }
    }

    /// Lets new connections reach the server again.
    pub fn mend(&self) {
        self.state.send_replace(State::Whole);
        self.listen();
    }

    fn listen(&self) {
        let mut accepting = self.accepting.lock().unwrap_or_else(PoisonError::into_inner);
        accepting.get_or_insert_with(|| {
            let listener = bind(self.address).listen(1024).expect("a listener");
            tokio::spawn(accept(listener, self.server, self.state.subscribe()))
        });
    }

    fn take(&self) -> Option<JoinHandle<()>> {
        self.accepting.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A socket that shares its port with others of this process.
fn bind(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_reuseport(true).expect("ports can be shared");
    socket.bind(address).expect("a free port");
    socket
}

impl Drop for Wire {
    fn drop(&mut self) {
        if let Some(accepting) = self.take() {
            accepting.abort();
        }
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, state: watch::Receiver<State>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((caller, _)) = listener.accept().await else { continue };
        while connections.try_join_next().is_some() {}
        connections.spawn(carry(caller, server, state.clone()));
    }
}

async fn carry(mut caller: TcpStream, server: SocketAddr, mut state: watch::Receiver<State>) {
    let now = state.borrow_and_update().clone();
    let mut far = None;
    let carried = async {
        match now {
            State::Cut => {}
            State::Mute => swallow(&mut caller).await,
            State::Whole => {
                let Ok(server) = TcpStream::connect(server).await else { return };
                // A side that goes away is no concern of the line.
                drop(caller.set_nodelay(true).and_then(|()| server.set_nodelay(true)));
                drop(copy_bidirectional(&mut caller, far.insert(server)).await);
            }
            State::Tapped(config) => drop(TlsAcceptor::from(config).accept(&mut caller).await),
        }
    };
    tokio::select! {
        () = carried => return,
        _ = state.changed() => {}
    }
    let falls_mute = matches!(*state.borrow(), State::Mute);
    if falls_mute {
        // The server is still connected, and hears nothing.
        swallow(&mut caller).await;
    }
}

/// Until the caller gives up.
async fn swallow(caller: &mut TcpStream) {
    drop(copy(caller, &mut sink()).await);
}

impl std::fmt::Debug for State {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Whole => "Whole",
            Self::Cut => "Cut",
            Self::Mute => "Mute",
            Self::Tapped(_) => "Tapped",
        })
    }
}
