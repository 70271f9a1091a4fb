//! Owns: the floor: what one Redis round trip costs at least. One connection for the thread, commands
//! written together whenever the thread has nothing else to do, answers counted and thrown away.
//! Nothing is checked, and nothing is allocated for a request.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use tokio::net::TcpStream;

const READ: usize = 64 * 1024;

/// A handle on the connection.
#[derive(Debug, Clone)]
pub struct Floor {
    shared: Rc<RefCell<Shared>>,
    command: Rc<[u8]>,
}

#[derive(Debug, Default)]
struct Shared {
    out: BytesMut,
    asked: u64,
    answered: u64,
    /// Of requests `answered..asked`.
    waiting: VecDeque<Option<Waker>>,
    driver: Option<Waker>,
}

impl Floor {
    /// Connects; each [`Self::ask`] will send `command`, one whole RESP command with a bulk answer.
    ///
    /// # Errors
    /// If nobody listens there.
    pub async fn connect(address: SocketAddr, command: Vec<u8>) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let shared = Rc::new(RefCell::new(Shared::default()));
        let theirs = Rc::clone(&shared);
        drop(tokio::task::spawn_local(async move {
            let mut driver =
                Driver { stream, shared: theirs, read: vec![0; READ], rest: Vec::new() };
            poll_fn(|context| driver.poll(context)).await
        }));
        Ok(Self { shared, command: command.into() })
    }

    /// One round trip. Never ends if Redis goes away: this is a yardstick, not a service.
    pub async fn ask(&self) {
        let ticket = {
            let mut shared = self.shared.borrow_mut();
            shared.out.extend_from_slice(&self.command);
            shared.asked += 1;
            shared.waiting.push_back(None);
            if let Some(driver) = shared.driver.take() {
                driver.wake();
            }
            shared.asked
        };
        poll_fn(|context| {
            let mut shared = self.shared.borrow_mut();
            if shared.answered >= ticket {
                return Poll::Ready(());
            }
            let place = usize::try_from(ticket - shared.answered - 1).unwrap_or(usize::MAX);
            if let Some(slot) = shared.waiting.get_mut(place) {
                *slot = Some(context.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }
}

struct Driver {
    stream: TcpStream,
    shared: Rc<RefCell<Shared>>,
    read: Vec<u8>,
    /// The beginning of an answer that has not arrived whole.
    rest: Vec<u8>,
}

impl Driver {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut shared = self.shared.borrow_mut();
        shared.driver = Some(context.waker().clone());
        while !shared.out.is_empty() {
            match Pin::new(&mut self.stream).poll_write(context, &shared.out)? {
                Poll::Ready(written) => shared.out.advance(written),
                Poll::Pending => break,
            }
        }
        loop {
            let mut buffer = ReadBuf::new(&mut self.read);
            ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer))?;
            if buffer.filled().is_empty() {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
            let complete = if self.rest.is_empty() {
                let (complete, used) = answers(buffer.filled());
                self.rest.extend_from_slice(buffer.filled().get(used..).unwrap_or_default());
                complete
            } else {
                self.rest.extend_from_slice(buffer.filled());
                let (complete, used) = answers(&self.rest);
                drop(self.rest.drain(..used));
                complete
            };
            shared.answered += complete as u64;
            for waker in shared.waiting.drain(..complete).flatten() {
                waker.wake();
            }
        }
    }
}

/// How many whole bulk answers there are, and their length.
fn answers(bytes: &[u8]) -> (usize, usize) {
    let (mut complete, mut used) = (0, 0);
    while let Some(length) = bytes.get(used..).and_then(answer) {
        complete += 1;
        used += length;
    }
    (complete, used)
}

fn answer(bytes: &[u8]) -> Option<usize> {
    let end = memchr::memchr(b'\n', bytes)? + 1;
    let digits = bytes.get(1..end.checked_sub(2)?)?;
    let mut length = 0_usize;
    for digit in digits {
        length = length * 10 + usize::from(digit.wrapping_sub(b'0'));
    }
    let whole = end + length + 2;
    (bytes.len() >= whole).then_some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_answers_count() {
        assert_eq!(answers(b"$3\r\nabc\r\n$10\r\n0123"), (1, 9));
        assert_eq!(answers(b"$3\r\nabc\r\n$0\r\n\r\n"), (2, 15));
        assert_eq!(answers(b"$"), (0, 0));
        assert_eq!(answers(b""), (0, 0));
    }
}
