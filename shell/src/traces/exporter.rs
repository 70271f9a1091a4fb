//! Owns: the thread that sends spans: when, in which batches, how often again, and how long after the end. It
//! has a runtime of its own, so that to encode and to send takes nobody's time who serves.

use std::io;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::runtime::Builder;

use super::TraceSettings;
use super::queue::{Queue, dropped, exported};
use super::sender::{Outcome, Sender};
use super::span::Record;
use super::wire::{self, ResourceAttributes};
use crate::metrics::{Metric, OTEL_SPANS_DROPPED, OTEL_SPANS_EXPORTED};
use crate::random::Random;
use crate::sampled::Sampled;

/// Longest time after the end in which spans are still sent.
pub const FLUSH: Duration = Duration::from_secs(2);
/// What the thread may take to notice that the time is over.
const GRACE: Duration = Duration::from_millis(200);

/// How often a batch is sent before it is given up.
const ATTEMPTS: u32 = 4;
/// Doubled with each attempt.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// Sends the spans of one process.
#[derive(Debug)]
pub struct Exporter {
    queue: Arc<Queue>,
    ended: mpsc::Receiver<()>,
}

impl Exporter {
    /// Begins to send. Install the metrics recorder first.
    ///
    /// # Errors
    /// If there is no thread to be had.
    pub fn start(settings: &TraceSettings, random: Arc<dyn Random>) -> io::Result<Self> {
        [OTEL_SPANS_EXPORTED, OTEL_SPANS_DROPPED].iter().for_each(Metric::appear);
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (queue, settings) = (Arc::clone(&settings.queue), settings.clone());
        let (end, ended) = mpsc::channel::<()>();
        let work = move || {
            runtime.block_on(run(settings, &*random));
            drop(end);
        };
        drop(thread::Builder::new().name("traces".to_owned()).spawn(work)?);
        Ok(Self { queue, ended })
    }

    /// Sends what is there, for at most [`FLUSH`]; the rest is dropped and counted.
    ///
    /// Blocks its thread: call it where nobody is served any more.
    pub fn finish(self) {
        self.queue.close();
        // Nothing is ever sent: the other end is dropped with the thread.
        if self.ended.recv_timeout(FLUSH + GRACE) == Err(mpsc::RecvTimeoutError::Timeout) {
            tracing::warn!("the thread that sends spans did not end");
        }
    }
}

pub(super) async fn run(settings: TraceSettings, random: &dyn Random) {
    let TraceSettings { queue, collector, mut resource, delay, .. } = settings;
    let instance = format!("{:032x}", u128::from_be_bytes(random.bytes()));
    wire::add_if_missing(&mut resource, "service.instance.id", &instance);
    let (sender, log) = (Sender::new(collector), Sampled::default());
    let work = Work { sender, resource, queue: &queue, random, log };
    let deadline = async {
        queue.closed().await;
        tokio::time::sleep(FLUSH).await;
    };
    tokio::select! {
        () = work.all(delay) => {}
        () = deadline => {}
    }
    loop {
        match queue.batch() {
            left if left.is_empty() => return,
            left => dropped("shutdown", left.len()),
        }
    }
}

struct Work<'a> {
    sender: Sender,
    resource: ResourceAttributes,
    queue: &'a Queue,
    random: &'a dyn Random,
    log: Sampled,
}

impl Work<'_> {
    /// Until the end, and then all that is there.
    async fn all(&self, delay: Duration) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(delay) => {}
                () = self.queue.filled() => {}
                () = self.queue.closed() => {}
            }
            let is_last = self.queue.is_closed();
            loop {
                let batch = self.queue.batch();
                if batch.is_empty() {
                    break;
                }
                self.batch(batch).await;
            }
            if is_last {
                return;
            }
        }
    }

    async fn batch(&self, spans: Vec<Record>) {
        let mut counted = Counted(spans.len());
        let body = Bytes::from(wire::encode(&self.resource, spans));
        let mut attempt = 1;
        loop {
            let (reason, pause) = match self.sender.send(body.clone()).await {
                Outcome::Taken { rejected } => return counted.taken(rejected),
                Outcome::Refused { status } => {
                    self.given_up(&counted, "refused", Some(status));
                    return counted.lost("failed");
                }
                Outcome::Later { reason, pause } => (reason, pause),
            };
            if attempt >= ATTEMPTS || self.queue.is_closed() {
                self.given_up(&counted, reason, None);
                return counted.lost("failed");
            }
            let pause = pause.unwrap_or_else(|| self.pause(attempt));
            attempt += 1;
            // At the end there is one more attempt, and no pause before it.
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.queue.closed() => {}
            }
        }
    }

    /// Half of the full one and up to that much more, so that those who failed together do not come back
    /// together.
    fn pause(&self, attempt: u32) -> Duration {
        let half = FIRST_PAUSE * (1 << (attempt - 1)) / 2;
        half + half * u32::from(u16::from_be_bytes(self.random.bytes())) / u32::from(u16::MAX)
    }

    fn given_up(&self, spans: &Counted, reason: &'static str, status: Option<u16>) {
        let spans = spans.0;
        self.log.line(Instant::now(), |unwritten| {
            tracing::warn!(reason, status, spans, unwritten, "spans were not exported");
        });
    }
}

/// So many spans of which nobody has said yet what became of them.
struct Counted(usize);

impl Counted {
    fn taken(&mut self, rejected: usize) {
        let rejected = rejected.min(self.0);
        exported(self.0 - rejected);
        if rejected > 0 {
            dropped("rejected", rejected);
        }
        self.0 = 0;
    }

    fn lost(&mut self, reason: &'static str) {
        dropped(reason, self.0);
        self.0 = 0;
    }
}

impl Drop for Counted {
    /// The time was over while it was sent.
    fn drop(&mut self) {
        if self.0 > 0 {
            self.lost("shutdown");
        }
    }
}
