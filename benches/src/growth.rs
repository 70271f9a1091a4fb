//! Owns: what many sessions cost: memory in Redis for each, and whether verify gets slower.

use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;

use crate::bench::{Bench, progress};
use crate::load::{Load, Pace, Stop};
use crate::programs::{Redis, Service};
use crate::report::Table;
use crate::statistics::{Spread, rounded};
use crate::{request, sessions};

const SIZES: [u64; 5] = [1, 10_000, 100_000, 1_000_000, 10_000_000];
/// Sizes up to this one are measured with `--quick`.
const QUICK: u64 = 100_000;
/// Bytes of Redis's memory for a session's edge view and its entries in lists.
const BUDGET: f64 = 1_000.0;
/// Of fewer sessions the memory is that of Redis's buffers.
const JUDGED_FROM: u64 = 10_000;
const RATE: f64 = 3_000.0;
const CONNECTIONS: usize = 64;

/// Options of `bench sessions`.
#[derive(Debug, Args)]
pub struct Options {
    /// Most sessions [default: 10,000,000; with --quick 100,000]. Ten million take 10 GB of memory.
    #[arg(long)]
    max: Option<u64>,
}

/// What is known of one size.
struct Size {
    count: u64,
    edge: f64,
    lists: f64,
    written: f64,
    p50: f64,
    p99: f64,
}

/// Runs the subcommand.
///
/// # Errors
/// If a program does not start, or an answer is not 200.
pub fn run(bench: &mut Bench, options: &Options) -> anyhow::Result<()> {
    let most = options.max.unwrap_or(if bench.options.quick { QUICK } else { u64::MAX });
    let redis = bench.redis()?;
    let empty = memory(&redis)?;
    let (mut edges, mut lists) = (0, 0);
    let mut before = 0;
    let mut service = None;
    let mut sizes: Vec<Size> = Vec::new();
    for count in SIZES.into_iter().filter(|count| *count <= most) {
        progress(&format!("writing sessions up to {count}"));
        let begun = Instant::now();
        let used = memory(&redis)?;
        sessions::write(&mut redis.connection()?, before..count)?;
        let written = begun.elapsed();
        let with_edges = memory(&redis)?;
        sessions::write_indexes(&mut redis.connection()?, before..count)?;
        let all = memory(&redis)?;
        edges += with_edges.saturating_sub(used);
        lists += all.saturating_sub(with_edges);
        let service = match &service {
            Some(service) => service,
            None => service.insert(bench.forwardauth(&redis, &[])?),
        };
        let (p50, p99) = latency(bench, service, count)?;
        sizes.push(Size {
            count,
            edge: each(edges, count),
            lists: each(lists, count),
            written: each(count - before, 1) / written.as_secs_f64(),
            p50,
            p99,
        });
        before = count;
    }
    show(bench, &sizes);
    bench.report.note(format!(
        "Memory is the growth of used_memory from {empty} bytes of an empty Redis. Each user has one \
         session, which costs most: a list each. Latency at {RATE} requests a second over \
         {CONNECTIONS} connections, sessions chosen over the whole range.",
    ));
    Ok(())
}

/// Medians of p50 and p99.
fn latency(bench: &Bench, service: &Service, count: u64) -> anyhow::Result<(f64, f64)> {
    let slot = Duration::from_millis(if bench.options.quick { 1_000 } else { 4_000 });
    let requests = request::of_sessions(count);
    let mut load = Load::connect(service.address, CONNECTIONS, &requests)?;
    load.run(Pace::Rate(RATE), Stop::After(slot / 4))?.all(200)?;
    let (mut p50, mut p99) = (Vec::new(), Vec::new());
    for _ in 0..bench.options.rounds() {
        let outcome = load.run(Pace::Rate(RATE), Stop::After(slot))?;
        outcome.all(200)?;
        p50.push(outcome.latency.percentile(0.5));
        p99.push(outcome.latency.percentile(0.99));
    }
    let median = |values| Spread::of(values).map_or(0.0, |spread| spread.median);
    Ok((median(p50), median(p99)))
}

fn memory(redis: &Redis) -> anyhow::Result<u64> {
    redis.connection()?.info("memory", "used_memory")
}

#[expect(clippy::cast_precision_loss, reason = "fewer than 2^52 bytes")]
fn each(bytes: u64, count: u64) -> f64 {
    bytes as f64 / count as f64
}

fn show(bench: &mut Bench, sizes: &[Size]) {
    let mut table = Table::new(
        "Many sessions",
        [
            "sessions",
            "edge view, bytes",
            "lists, bytes",
            "both",
            "written/s",
            "p50 us",
            "p99 us",
            "p99 x first",
        ],
    );
    let first = sizes.first().map_or(0.0, |size| size.p99);
    for size in sizes {
        let both = size.edge + size.lists;
        table.row([
            size.count.to_string(),
            format!("{:.0}", size.edge),
            format!("{:.0}", size.lists),
            format!("{both:.0}"),
            format!("{:.0}", size.written),
            format!("{:.0}", size.p50),
            format!("{:.0}", size.p99),
            format!("{:.2}", size.p99 / first),
        ]);
        bench.report.json(
            &size.count.to_string(),
            json!({
                "edge_bytes": rounded(size.edge, 1),
                "list_bytes": rounded(size.lists, 1),
                "bytes": rounded(both, 1),
                "written_per_second": size.written.round(),
                "p50_us": rounded(size.p50, 1),
                "p99_us": rounded(size.p99, 1),
            }),
        );
        if both > BUDGET && size.count >= JUDGED_FROM {
            bench
                .report
                .fail(format!("{} sessions: {both:.0} bytes each, at most {BUDGET}", size.count));
        }
    }
    bench.report.table(table);
}
