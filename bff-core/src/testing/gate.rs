//! Owns: a door before the scripted IdP that a test can close, to look at what happens while an
//! answer is awaited.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Relays bytes, but while closed lets none through to the IdP.
pub(crate) struct Gate {
    origin: String,
    state: watch::Sender<State>,
}

#[derive(Clone, Copy)]
struct State {
    open: bool,
    waiting: usize,
    /// How many bytes of each answer come through; then the connection stands still.
    answers: u64,
}

impl Gate {
    /// An open gate before the server at `origin`.
    pub(crate) async fn before(origin: &str) -> Self {
        let target = origin.strip_prefix("http://").unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let state = watch::Sender::new(State { open: true, waiting: 0, answers: u64::MAX });
        let relayed = state.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let server = TcpStream::connect(&target).await.unwrap();
                tokio::spawn(relay(stream, server, relayed.clone()));
            }
        });
        Self { origin, state }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    pub(crate) fn close(&self) {
        self.state.send_modify(|state| (state.open, state.waiting) = (false, 0));
    }

    /// Waits until a request stands before the closed gate.
    pub(crate) async fn someone_waits(&self) {
        self.so_many_wait(1).await;
    }

    /// Waits until so many requests stand before the closed gate.
    pub(crate) async fn so_many_wait(&self, count: usize) {
        self.state.subscribe().wait_for(|state| state.waiting >= count).await.unwrap();
    }

    /// Lets so many bytes of what each new connection is answered through, and then no more.
    pub(crate) fn stall_after(&self, answers: u64) {
        self.state.send_modify(|state| state.answers = answers);
    }

    pub(crate) fn open(&self) {
        self.state.send_modify(|state| state.open = true);
    }
}

async fn relay(client: TcpStream, server: TcpStream, state: watch::Sender<State>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (from_server, mut to_server) = server.into_split();
    let mut answers = from_server.take(state.borrow().answers);
    tokio::spawn(async move {
        tokio::io::copy(&mut answers, &mut to_client).await?;
        if answers.limit() == 0 {
            std::future::pending::<()>().await;
        }
        std::io::Result::Ok(())
    });
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from_client.read(&mut buffer).await {
        state.send_modify(|state| state.waiting += 1);
        state.subscribe().wait_for(|state| state.open).await.unwrap();
        if to_server.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
