//! Owns: the load: raw HTTP/1.1 over keep-alive connections, closed loop or at a constant rate.
//!
//! At a constant rate a request's latency counts from when it was due, not from when it could be
//! sent, so that a stalled server cannot hide its stall (no coordinated omission).

use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep_until};

use crate::histogram::Histogram;

/// What to send, and how.
#[derive(Debug, Clone)]
pub struct Plan {
    /// `host:port`.
    pub target: String,
    /// Connections, each with one request under way.
    pub connections: usize,
    /// When to stop.
    pub stop: Stop,
    /// Requests a second over all connections; `None` for as fast as answers come.
    pub rate: Option<f64>,
    /// The requests, taken in turn.
    pub requests: Vec<Vec<u8>>,
}

/// When to stop.
#[derive(Debug, Clone, Copy)]
pub enum Stop {
    /// After this time.
    After(Duration),
    /// After this many requests over all connections.
    Count(u64),
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Latencies of all answers.
    pub latency: Histogram,
    /// Answers that were not 2xx.
    pub refused: u64,
    /// How long it took.
    pub elapsed: Duration,
}

/// Runs the plan on this thread.
///
/// # Errors
/// If a connection breaks: no server here closes one.
pub async fn run(plan: &Plan) -> anyhow::Result<Outcome> {
    let begun = Instant::now();
    let local = LocalSet::new();
    let mut workers = Vec::new();
    for number in 0..plan.connections {
        let plan = plan.clone();
        workers.push(local.spawn_local(async move { connection(&plan, number, begun).await }));
    }
    let mut outcome = Outcome::default();
    local
        .run_until(async {
            for worker in workers {
                let one = worker.await.context("a connection died")??;
                outcome.latency.merge(&one.latency);
                outcome.refused += one.refused;
            }
            anyhow::Ok(())
        })
        .await?;
    outcome.elapsed = begun.elapsed();
    Ok(outcome)
}

async fn connection(plan: &Plan, number: usize, begun: Instant) -> anyhow::Result<Outcome> {
    let mut stream = TcpStream::connect(&plan.target).await.context("cannot connect")?;
    stream.set_nodelay(true)?;
    let mut outcome = Outcome::default();
    let mut buffer = vec![0; 16 * 1024];
    let share = match plan.stop {
        Stop::After(_) => u64::MAX,
        Stop::Count(count) => {
            let connections = u64::try_from(plan.connections)?;
            count / connections + u64::from(u64::try_from(number)? < count % connections)
        }
    };
    let mut due = first_due(plan, number, begun);
    let mut sent = 0_u64;
    while sent < share && !is_over(plan, begun) {
        if let Some(due) = due {
            sleep_until(due).await;
        }
        let from = due.unwrap_or_else(Instant::now);
        let at = number.wrapping_add(usize::try_from(sent)?.wrapping_mul(plan.connections));
        let request = plan.requests.get(at % plan.requests.len()).context("no requests")?;
        stream.write_all(request).await?;
        if !answer(&mut stream, &mut buffer).await? {
            outcome.refused += 1;
        }
        outcome.latency.record(from.elapsed());
        sent += 1;
        due = due.zip(interval(plan)).map(|(due, interval)| due + interval);
    }
    Ok(outcome)
}

fn is_over(plan: &Plan, begun: Instant) -> bool {
    matches!(plan.stop, Stop::After(limit) if begun.elapsed() >= limit)
}

/// Between two requests of one connection.
#[expect(clippy::cast_precision_loss, reason = "there are not 2^52 connections")]
fn interval(plan: &Plan) -> Option<Duration> {
    plan.rate.map(|rate| Duration::from_secs_f64(plan.connections as f64 / rate))
}

#[expect(clippy::cast_precision_loss, reason = "there are not 2^52 connections")]
fn first_due(plan: &Plan, number: usize, begun: Instant) -> Option<Instant> {
    plan.rate.map(|rate| begun + Duration::from_secs_f64(number as f64 / rate))
}

/// Reads one answer, which has a length; `true` if it is 2xx.
async fn answer(stream: &mut TcpStream, buffer: &mut [u8]) -> anyhow::Result<bool> {
    let mut filled = 0;
    loop {
        let room = buffer.get_mut(filled..).context("an answer too large")?;
        let read = stream.read(room).await?;
        if read == 0 {
            bail!("the server closed the connection");
        }
        filled += read;
        let text = buffer.get(..filled).unwrap_or_default();
        let Some(end) = text.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = text.get(..end).unwrap_or_default();
        if filled >= end + 4 + content_length(head) {
            return Ok(head.get(9) == Some(&b'2'));
        }
    }
}

fn content_length(head: &[u8]) -> usize {
    head.split(|byte| *byte == b'\n')
        .filter_map(|line| std::str::from_utf8(line).ok())
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse().ok())
        .unwrap_or_default()
}
