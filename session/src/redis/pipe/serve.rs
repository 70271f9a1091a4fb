//! Owns: one connection's work: writes what was asked, hands out what is answered, and notices when
//! nothing is.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio::time::{Instant, Sleep, sleep};

use super::Shared;
use super::queue::{Asker, Queue};
use super::resp::{self, Reply};
use crate::id::StoreKey;

/// Room for answers; a dozen or more edge views.
const CHUNK: usize = 16 * 1024;

/// Longest silence of a connection that vouches for what is cached, before it is asked to speak. Any other
/// may be silent for as long as an answer may take.
pub(super) const HEARTBEAT: Duration = Duration::from_millis(100);

/// Why a connection is of no use any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    Broken(io::ErrorKind),
    Frozen,
}

/// Works until the connection is of no use any more.
pub(super) async fn serve<R, W>(
    shared: &Shared,
    reader: R,
    writer: W,
    command_timeout: Duration,
) -> Ended
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let period = if shared.tracked.is_some() { HEARTBEAT } else { command_timeout };
    let mut clock = pin!(sleep(period));
    let mut work = Work {
        shared,
        reader,
        writer,
        command_timeout,
        period,
        writing: BytesMut::with_capacity(CHUNK),
        flushed: true,
        answers: BytesMut::with_capacity(CHUNK),
        owed: VecDeque::new(),
        wakers: Vec::new(),
    };
    poll_fn(|context| match work.poll(context, clock.as_mut()) {
        Poll::Ready(Err(ended)) => Poll::Ready(ended),
        Poll::Ready(Ok(())) | Poll::Pending => Poll::Pending,
    })
    .await
}

/// Commands that were written together.
struct Batch {
    unanswered: usize,
    written_at: Instant,
}

struct Work<'a, R, W> {
    shared: &'a Shared,
    reader: R,
    writer: W,
    command_timeout: Duration,
    period: Duration,
    writing: BytesMut,
    flushed: bool,
    answers: BytesMut,
    owed: VecDeque<Batch>,
    /// Who is to be woken once the queue is free again; empty between polls.
    wakers: Vec<Waker>,
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Work<'_, R, W> {
    /// Never ready but with an end.
    fn poll(
        &mut self,
        context: &mut Context<'_>,
        clock: Pin<&mut Sleep>,
    ) -> Poll<Result<(), Ended>> {
        loop {
            if let Poll::Ready(Err(error)) = self.poll_write(context) {
                return Poll::Ready(Err(Ended::Broken(error.kind())));
            }
            match pin!(self.reader.read_buf(&mut self.answers)).poll(context) {
                Poll::Pending => break,
                Poll::Ready(Ok(0)) => {
                    return Poll::Ready(Err(Ended::Broken(io::ErrorKind::UnexpectedEof)));
                }
                Poll::Ready(Ok(_)) => {
                    if self.deliver().is_err() {
                        return Poll::Ready(Err(Ended::Broken(io::ErrorKind::InvalidData)));
                    }
                    self.answers.reserve(CHUNK / 4);
                }
                Poll::Ready(Err(error)) => {
                    return Poll::Ready(Err(Ended::Broken(error.kind())));
                }
            }
        }
        self.watch(context, clock)
    }

    /// Writes all there is to write, together what was asked meanwhile.
    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            while self.writing.has_remaining() {
                let written =
                    ready!(Pin::new(&mut self.writer).poll_write(context, &self.writing))?;
                if written == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                self.writing.advance(written);
            }
            if !self.flushed {
                ready!(Pin::new(&mut self.writer).poll_flush(context))?;
                self.flushed = true;
            }
            self.writing.clear();
            let commands = {
                let mut queue = self.shared.lock();
                queue.wait(context.waker());
                queue.take_out(&mut self.writing)
            };
            if commands == 0 {
                return Poll::Ready(Ok(()));
            }
            self.flushed = false;
            self.owed.push_back(Batch { unanswered: commands, written_at: Instant::now() });
        }
    }

    /// Hands whole answers to who waits for them.
    fn deliver(&mut self) -> Result<(), resp::Nonsense> {
        let mut queue = self.shared.lock();
        let result = loop {
            match resp::next(&mut self.answers) {
                Ok(None) => break Ok(()),
                Ok(Some(reply)) => {
                    let taken = match reply {
                        Reply::Changed(keys) => {
                            changed(self.shared, keys.as_deref());
                            Ok(())
                        }
                        reply => {
                            answered(self.shared, &mut self.owed);
                            answer(&mut queue, reply, &mut self.wakers)
                        }
                    };
                    if taken.is_err() {
                        break taken;
                    }
                }
                Err(nonsense) => break Err(nonsense),
            }
        };
        drop(queue);
        self.wakers.drain(..).for_each(Waker::wake);
        result
    }

    /// Ends a connection that owes an answer for too long, and makes a silent one speak: it may vouch for what
    /// is cached, and what a packet filter forgot is otherwise noticed by the next request. The clock is set
    /// anew only when it goes off, so that watching costs nothing between.
    fn watch(
        &mut self,
        context: &mut Context<'_>,
        mut clock: Pin<&mut Sleep>,
    ) -> Poll<Result<(), Ended>> {
        loop {
            let due = self.owed.front().map(|batch| batch.written_at + self.command_timeout);
            ready!(clock.as_mut().poll(context));
            let now = Instant::now();
            if due.is_some_and(|due| due <= now) {
                return Poll::Ready(Err(Ended::Frozen));
            }
            if due.is_none() {
                self.shared.lock().push(Asker::Link, |out| out.extend_from_slice(b"PING\r\n"));
                if let Poll::Ready(Err(error)) = self.poll_write(context) {
                    return Poll::Ready(Err(Ended::Broken(error.kind())));
                }
            }
            let soon = now + self.period;
            clock.as_mut().reset(due.map_or(soon, |due| due.min(soon)));
        }
    }
}

/// Gives one reply to who asked first; it must be of the kind that was asked for.
fn answer(queue: &mut Queue, reply: Reply, wakers: &mut Vec<Waker>) -> Result<(), resp::Nonsense> {
    let answer = match (queue.next_asker(), reply) {
        (Some(Asker::Value(place)), Reply::Value(value)) => (place, Ok(value)),
        (Some(Asker::Fields(place)), Reply::Fields(fields)) => (place, Ok(Some(fields))),
        (Some(Asker::Value(place) | Asker::Fields(place)), Reply::Refused(error)) => {
            (place, Err(error))
        }
        (Some(Asker::Link), Reply::Pong) => return Ok(()),
        _ => return Err(resp::Nonsense),
    };
    wakers.extend(queue.answer(answer.0, answer.1));
    Ok(())
}

/// One answer less is owed, and all that Redis did before the question has been heard.
fn answered(shared: &Shared, owed: &mut VecDeque<Batch>) {
    let Some(batch) = owed.front_mut() else { return };
    batch.unanswered = batch.unanswered.saturating_sub(1);
    if batch.unanswered == 0 {
        if let Some(tracked) = &shared.tracked {
            tracked.confirm(batch.written_at.into_std());
        }
        owed.pop_front();
    }
}

/// Drops what Redis says was changed; all of it where a name is not one of ours.
fn changed(shared: &Shared, keys: Option<&[Bytes]>) {
    let Some(tracked) = &shared.tracked else { return };
    let named = |key: &Bytes| {
        let name = key.strip_prefix(shared.session_prefix.as_bytes())?;
        StoreKey::parse(std::str::from_utf8(name).ok()?)
    };
    let known: Option<Vec<StoreKey>> = keys.and_then(|keys| keys.iter().map(named).collect());
    match known {
        Some(keys) => keys.iter().for_each(|key| tracked.invalidate(key)),
        None => tracked.flush(),
    }
}
