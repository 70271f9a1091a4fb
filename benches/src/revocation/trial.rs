//! Owns: ending sessions that verify knows, and asking until each is refused.

use std::net::SocketAddr;
use std::ops::Range;
use std::time::{Duration, Instant};

use super::CAP;
use crate::histogram::Histogram;
use crate::load::Probe;
use crate::request;
use crate::resp::Connection;
use crate::sessions;

/// A connection to Redis that is broken on purpose comes back within this time.
const UNAVAILABLE: Duration = Duration::from_secs(10);

/// What was seen.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// From the end of a session to the last request that was sent and still answered 200; only of
    /// sessions of which there was one.
    pub(super) believed: Histogram,
    /// From the end of a session to the first answer 401.
    pub(super) refused: Histogram,
    /// Answers 503.
    pub(super) unavailable: u64,
    /// Sessions that were believed for too long.
    pub(super) missed: u64,
}

/// Sessions are used up from `next` on.
pub(super) struct Trial {
    redis: Connection,
    probe: Probe,
    next: u64,
}

impl Trial {
    pub(super) fn new(redis: Connection, verify: SocketAddr, next: u64) -> anyhow::Result<Self> {
        Ok(Self { redis, probe: Probe::connect(verify)?, next })
    }

    /// Ends `count` sessions with one pipeline.
    pub(super) fn together(&mut self, count: u64, found: &mut Found) -> anyhow::Result<()> {
        let numbers = self.known(count, found)?;
        let ended = self.end(&numbers)?;
        self.until_refused(numbers, ended, found)
    }

    /// Breaks all connections of verify to Redis, and ends `count` sessions at once.
    pub(super) fn broken(&mut self, count: u64, found: &mut Found) -> anyhow::Result<()> {
        let numbers = self.known(count, found)?;
        for kind in ["normal", "pubsub"] {
            self.redis.push(&[b"CLIENT", b"KILL", b"TYPE", kind.as_bytes(), b"SKIPME", b"yes"]);
        }
        self.redis.settle(2)?;
        let ended = self.end(&numbers)?;
        self.until_refused(numbers, ended, found)
    }

    /// Makes verify know the next sessions.
    fn known(&mut self, count: u64, found: &mut Found) -> anyhow::Result<Range<u64>> {
        let numbers = self.next..self.next + count;
        self.next += count;
        for number in numbers.clone() {
            let request = request::verify(sessions::id(number).expose());
            let asked = Instant::now();
            // The second answer can come from memory.
            for _ in 0..2 {
                loop {
                    match self.probe.ask(&request)? {
                        200 => break,
                        503 if asked.elapsed() < UNAVAILABLE => found.unavailable += 1,
                        status => anyhow::bail!("{status} to a session that has not ended"),
                    }
                }
            }
        }
        Ok(numbers)
    }

    /// Ends sessions; returns when Redis has acknowledged the last.
    fn end(&mut self, numbers: &Range<u64>) -> anyhow::Result<Instant> {
        for number in numbers.clone() {
            self.redis.push(&[b"DEL", sessions::name(number).as_bytes()]);
        }
        self.redis.settle(usize::try_from(numbers.end - numbers.start)?)?;
        Ok(Instant::now())
    }

    fn until_refused(
        &mut self,
        numbers: Range<u64>,
        ended: Instant,
        found: &mut Found,
    ) -> anyhow::Result<()> {
        let mut left: Vec<_> = numbers
            .map(|number| (request::verify(sessions::id(number).expose()), None::<Duration>))
            .collect();
        while !left.is_empty() {
            let mut still = Vec::new();
            for (request, mut believed) in left {
                let sent = ended.elapsed();
                match self.probe.ask(&request)? {
                    401 => {
                        found.refused.record(ended.elapsed());
                        if let Some(believed) = believed {
                            found.believed.record(believed);
                        }
                        continue;
                    }
                    200 => believed = Some(sent),
                    503 if sent < UNAVAILABLE => found.unavailable += 1,
                    status => anyhow::bail!("{status} to a session that has ended"),
                }
                if believed.is_some_and(|believed| believed > CAP) {
                    found.missed += 1;
                } else {
                    still.push((request, believed));
                }
            }
            left = still;
        }
        Ok(())
    }
}
