//! Steady load on verify while something happens to what it needs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::agent::Agent;
use crate::stack::{COOKIE, Stack};

/// One answer under load.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// When the request was sent.
    pub sent: Instant,
    /// Status code; 0 when no answer came.
    pub status: u16,
    /// How long the answer took.
    pub elapsed: Duration,
}

/// Requests that go on until they are stopped.
#[derive(Debug)]
pub struct Load {
    stop: Arc<AtomicBool>,
    workers: JoinSet<Vec<Sample>>,
}

impl Load {
    /// Lets `workers` ask verify one request after the other, with the cookie of `agent`.
    pub fn start(stack: &Stack, agent: &Agent, workers: usize) -> Self {
        Self::start_at(stack, agent, workers, "/auth/verify")
    }

    /// The same, with `address` as the middleware's address has it.
    pub fn start_at(stack: &Stack, agent: &Agent, workers: usize, address: &str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let url = format!("https://localhost:{}{address}", stack.verify.port());
        let cookie = format!("{COOKIE}={}", stack.cookie(agent));
        let caller = Arc::new(stack.agent());
        let mut running = JoinSet::new();
        for _ in 0..workers {
            let (stop, url, cookie) = (Arc::clone(&stop), url.clone(), cookie.clone());
            let caller = Arc::clone(&caller);
            running.spawn(async move {
                let mut samples = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let sent = Instant::now();
                    let reply = caller
                        .get(&url)
                        .header("cookie", &cookie)
                        .header("x-forwarded-for", "127.0.0.1")
                        .try_send()
                        .await;
                    let status = reply.map_or(0, |reply| reply.status.as_u16());
                    samples.push(Sample { sent, status, elapsed: sent.elapsed() });
                }
                samples
            });
        }
        Self { stop, workers: running }
    }

    /// Stops and returns every answer in the order of sending.
    pub async fn stop(self) -> Vec<Sample> {
        self.stop.store(true, Ordering::Relaxed);
        let mut samples = self.workers.join_all().await.concat();
        samples.sort_by_key(|sample| sample.sent);
        samples
    }
}

/// How often each status came, for messages.
pub fn histogram(samples: &[Sample]) -> String {
    let mut counts = std::collections::BTreeMap::<u16, usize>::new();
    for sample in samples {
        *counts.entry(sample.status).or_default() += 1;
    }
    let slowest = samples.iter().map(|sample| sample.elapsed).max().unwrap_or_default();
    format!("{counts:?}, slowest {slowest:?}")
}
