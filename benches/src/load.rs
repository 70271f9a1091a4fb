//! Owns: the load: HTTP/1.1 over keep-alive connections, one request under way on each, as fast as
//! answers come or at a constant rate. Bare sockets and one thread, so that the load is not what limits.
//!
//! At a constant rate a latency counts from when the request was due, not from when it could be sent,
//! so that a stalled server cannot hide its stall (no coordinated omission).

mod answer;
mod probe;
mod timer;

use std::collections::{BTreeMap, VecDeque};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::fd::OwnedFd;

use crate::histogram::Histogram;
use answer::Answers;
pub use probe::Probe;
use timer::Timer;

/// No program under test is silent for so long.
const SILENCE: Timespec = Timespec { tv_sec: 40, tv_nsec: 0 };
const TIMER: u64 = u64::MAX;

/// When to stop.
#[derive(Debug, Clone, Copy)]
pub enum Stop {
    /// After this time.
    After(Duration),
    /// After this many requests.
    Count(u64),
}

/// How fast.
#[derive(Debug, Clone, Copy)]
pub enum Pace {
    /// Each connection asks again as soon as it has its answer.
    Closed,
    /// So many requests a second over all connections, whatever the answers do.
    Rate(f64),
}

/// One answer.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// When the request was due.
    pub due: Instant,
    /// From then to the answer.
    pub latency: Duration,
    /// Its status.
    pub status: u16,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Latencies of all answers.
    pub latency: Histogram,
    /// How many answers had which status.
    pub statuses: BTreeMap<u16, u64>,
    /// How long it took.
    pub elapsed: Duration,
    /// Every answer, where they were asked for.
    pub samples: Vec<Sample>,
}

impl Outcome {
    /// Answers a second.
    #[expect(clippy::cast_precision_loss, reason = "fewer than 2^52 requests")]
    pub fn per_second(&self) -> f64 {
        self.latency.total() as f64 / self.elapsed.as_secs_f64()
    }

    /// That every answer was `status`.
    ///
    /// # Errors
    /// If there was none, or another.
    pub fn all(&self, status: u16) -> anyhow::Result<()> {
        if self.statuses.len() == 1 && self.statuses.contains_key(&status) {
            return Ok(());
        }
        bail!("not every answer is {status}: {:?}", self.statuses)
    }
}

/// Connections to one server.
#[derive(Debug)]
pub struct Load<'a> {
    requests: &'a [Vec<u8>],
    next: usize,
    epoll: OwnedFd,
    timer: Timer,
    connections: Vec<Connection>,
    record: bool,
}

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    answers: Answers,
    due: Option<Instant>,
}

impl<'a> Load<'a> {
    /// Opens the connections; `requests` will be sent in turn.
    ///
    /// # Errors
    /// If one cannot be opened.
    pub fn connect(
        target: SocketAddr,
        connections: usize,
        requests: &'a [Vec<u8>],
    ) -> anyhow::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let timer = Timer::new()?;
        epoll::add(&epoll, &timer, epoll::EventData::new_u64(TIMER), epoll::EventFlags::IN)?;
        let connections = (0..connections)
            .map(|number| {
                let stream = TcpStream::connect(target).context("cannot connect")?;
                stream.set_nodelay(true)?;
                stream.set_nonblocking(true)?;
                let data = epoll::EventData::new_u64(number as u64);
                epoll::add(&epoll, &stream, data, epoll::EventFlags::IN)?;
                Ok(Connection { stream, answers: Answers::default(), due: None })
            })
            .collect::<anyhow::Result<_>>()?;
        Ok(Self { requests, next: 0, epoll, timer, connections, record: false })
    }

    /// Keeps every answer in [`Outcome::samples`].
    #[must_use]
    pub const fn recorded(mut self) -> Self {
        self.record = true;
        self
    }

    /// Sends until `stop`, and waits for the last answers.
    ///
    /// # Errors
    /// If a connection breaks: no server here closes one.
    pub fn run(&mut self, pace: Pace, stop: Stop) -> anyhow::Result<Outcome> {
        let begun = Instant::now();
        let mut outcome = Outcome::default();
        let mut idle: VecDeque<usize> = (0..self.connections.len()).collect();
        let mut sent = 0_u64;
        let mut events = Vec::with_capacity(256);
        loop {
            let now = Instant::now();
            let over = match stop {
                Stop::After(limit) => now - begun >= limit,
                Stop::Count(count) => sent >= count,
            };
            if over && idle.len() == self.connections.len() {
                break;
            }
            while !over && !idle.is_empty() && !matches!(stop, Stop::Count(most) if sent >= most) {
                let due = due(pace, begun, sent).unwrap_or(now);
                if due > now {
                    self.timer.arm(due - now)?;
                    break;
                }
                let Some(number) = idle.pop_front() else { break };
                self.send(number, due)?;
                sent += 1;
            }
            events.clear();
            epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&SILENCE))?;
            if events.is_empty() {
                bail!("no answer for {} s", SILENCE.tv_sec);
            }
            for event in &events {
                let number = event.data.u64();
                if number == TIMER {
                    self.timer.take()?;
                    continue;
                }
                let number = usize::try_from(number)?;
                if self.receive(number, &mut outcome)? {
                    idle.push_back(number);
                }
            }
        }
        outcome.elapsed = begun.elapsed();
        Ok(outcome)
    }

    fn send(&mut self, number: usize, due: Instant) -> anyhow::Result<()> {
        let request = self.requests.get(self.next).context("no requests")?;
        self.next = (self.next + 1) % self.requests.len();
        let connection = self.connections.get_mut(number).context("no such connection")?;
        connection.due = Some(due);
        // The socket's buffer is empty: the whole request fits.
        anyhow::ensure!(connection.stream.write(request)? == request.len(), "a request was cut");
        Ok(())
    }

    /// `true` once the answer is whole.
    fn receive(&mut self, number: usize, outcome: &mut Outcome) -> anyhow::Result<bool> {
        let connection = self.connections.get_mut(number).context("no such connection")?;
        let read = match connection.stream.read(connection.answers.room()?) {
            Ok(0) => bail!("the server closed the connection"),
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        let Some(status) = connection.answers.filled(read)? else { return Ok(false) };
        let due = connection.due.take().context("an answer to nothing")?;
        let latency = due.elapsed();
        outcome.latency.record(latency);
        *outcome.statuses.entry(status).or_default() += 1;
        if self.record {
            outcome.samples.push(Sample { due, latency, status });
        }
        Ok(true)
    }
}

/// When the request of that number is due.
#[expect(clippy::cast_precision_loss, reason = "fewer than 2^52 requests")]
fn due(pace: Pace, begun: Instant, number: u64) -> Option<Instant> {
    match pace {
        Pace::Closed => None,
        Pace::Rate(rate) => Some(begun + Duration::from_secs_f64(number as f64 / rate)),
    }
}

#[cfg(test)]
mod tests;
