//! Owns: a line to a part, or to two replicas of one: it passes bytes on, can be cut, and leads new
//! connections past a replica that does not answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use shell::shutdown::Shutdown;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::compose;

/// How often replicas are asked whether they are there, and how long an answer may take.
const PERIOD: Duration = Duration::from_millis(250);
const LIMIT: Duration = Duration::from_millis(500);

/// Whether connections lead to an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Passage {
    /// They do.
    Whole,
    /// Nobody gets through, and who was connected is no more.
    Cut,
    /// The same, because nothing answers there.
    Lost,
}

/// A line. Clones are one.
#[derive(Debug, Clone)]
pub(super) struct Line(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    address: SocketAddr,
    ends: Vec<End>,
    turn: AtomicUsize,
}

#[derive(Debug)]
struct End {
    to: SocketAddr,
    passage: watch::Sender<Passage>,
}

impl Line {
    /// Listens on a port, 0 for any, and leads to `ends`.
    pub(super) fn open(
        port: u16,
        ends: &[SocketAddr],
        shutdown: &Shutdown,
    ) -> anyhow::Result<Self> {
        let listener = compose::bind(port)?;
        let end = |to: &SocketAddr| End { to: *to, passage: watch::Sender::new(Passage::Whole) };
        let line = Self(Arc::new(Shared {
            address: listener.local_addr()?,
            ends: ends.iter().map(end).collect(),
            turn: AtomicUsize::new(0),
        }));
        let (passing, end) = (line.clone(), shutdown.clone());
        drop(tokio::spawn(async move {
            tokio::select! {
                () = passing.pass(listener) => {}
                () = end.begun() => {}
            }
        }));
        if ends.len() > 1 {
            let (watching, end) = (line.clone(), shutdown.clone());
            drop(tokio::spawn(async move {
                tokio::select! {
                    () = watching.watch() => {}
                    () = end.begun() => {}
                }
            }));
        }
        Ok(line)
    }

    /// Where callers connect.
    pub(super) fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// Cuts the way to one end.
    pub(super) fn cut(&self, end: usize) {
        self.set(end, Passage::Cut);
    }

    /// Lets connections through to it again.
    pub(super) fn mend(&self, end: usize) {
        self.set(end, Passage::Whole);
    }

    fn set(&self, end: usize, passage: Passage) {
        if let Some(end) = self.0.ends.get(end) {
            end.passage.send_replace(passage);
        }
    }

    async fn pass(&self, listener: TcpListener) {
        loop {
            match listener.accept().await {
                Ok((caller, _)) => {
                    let line = self.clone();
                    drop(tokio::spawn(async move { line.carry(caller).await }));
                }
                Err(error) => {
                    tracing::warn!(%error, "a line could not accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }

    /// A caller for whom there is no end, or whose end goes away, is cut off.
    async fn carry(&self, mut caller: TcpStream) {
        let Some((mut part, mut passage)) = self.connect().await else { return };
        for stream in [&caller, &part] {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "no TCP_NODELAY");
            }
        }
        tokio::select! {
            // Either side may go away as it likes.
            _ = copy_bidirectional(&mut caller, &mut part) => {}
            _ = passage.wait_for(|passage| *passage != Passage::Whole) => {}
        }
    }

    /// By turns to each end that is there.
    async fn connect(&self) -> Option<(TcpStream, watch::Receiver<Passage>)> {
        let turn = self.0.turn.fetch_add(1, Ordering::Relaxed);
        let ends = self.0.ends.iter().cycle().skip(turn.checked_rem(self.0.ends.len())?);
        for end in ends.take(self.0.ends.len()) {
            let passage = end.passage.subscribe();
            if *passage.borrow() == Passage::Whole
                && let Ok(part) = TcpStream::connect(end.to).await
            {
                return Some((part, passage));
            }
        }
        None
    }

    /// As a kubelet would: a replica that does not answer gets no requests until it does again.
    async fn watch(&self) {
        let mut tick = interval(PERIOD);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            for end in &self.0.ends {
                let answers = matches!(timeout(LIMIT, ask(end.to)).await, Ok(Ok(())));
                end.passage.send_if_modified(|passage| {
                    let now = match *passage {
                        Passage::Cut => Passage::Cut,
                        _ if answers => Passage::Whole,
                        _ => Passage::Lost,
                    };
                    std::mem::replace(passage, now) != now
                });
            }
        }
    }
}

/// Whatever it answers is a sign of life.
async fn ask(replica: SocketAddr) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(replica).await?;
    let request = b"GET /auth/verify HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await?;
    stream.read_u8().await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A part that says its number, again and again.
    async fn part(number: u8) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    while stream.read_u8().await.is_ok() {
                        if stream.write_u8(number).await.is_err() {
                            break;
                        }
                    }
                });
            }
        });
        address
    }

    async fn who(stream: &mut TcpStream) -> std::io::Result<u8> {
        stream.write_u8(0).await?;
        stream.read_u8().await
    }

    #[tokio::test]
    async fn who_is_connected_to_an_end_that_is_cut_is_cut_off_and_the_next_gets_to_the_other() {
        let ends = [part(1).await, part(2).await];
        let line = Line::open(0, &ends, &Shutdown::new()).unwrap();
        let mut streams = Vec::new();
        for _ in 0..2 {
            streams.push(TcpStream::connect(line.address()).await.unwrap());
        }
        let mut said = [who(&mut streams[0]).await.unwrap(), who(&mut streams[1]).await.unwrap()];
        said.sort_unstable();
        assert_eq!(said, [1, 2], "by turns");

        line.cut(0);
        let mut left = Vec::new();
        for stream in &mut streams {
            left.extend(who(stream).await.ok());
        }
        assert_eq!(left, [2]);
        for _ in 0..2 {
            let mut next = TcpStream::connect(line.address()).await.unwrap();
            assert_eq!(who(&mut next).await.unwrap(), 2);
        }

        line.mend(0);
        let mut both = Vec::new();
        for _ in 0..2 {
            let mut next = TcpStream::connect(line.address()).await.unwrap();
            both.push(who(&mut next).await.unwrap());
        }
        both.sort_unstable();
        assert_eq!(both, [1, 2]);
    }
}
