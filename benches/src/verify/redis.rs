//! Owns: what Redis alone can do: the share of a verify that no program of ours can take away.

use std::time::{Duration, Instant};

use serde_json::json;

use super::SESSIONS;
use crate::bench::Bench;
use crate::histogram::Histogram;
use crate::programs::Redis;
use crate::report::Table;
use crate::sessions;
use crate::statistics::rounded;

const DEPTHS: [u32; 3] = [1, 16, 64];

/// Reads edge views over one connection, one at a time and pipelined.
pub(super) fn measure(bench: &mut Bench, redis: &Redis) -> anyhow::Result<()> {
    let time = Duration::from_millis(if bench.options.quick { 300 } else { 2_000 });
    let mut connection = redis.connection()?;
    let names: Vec<String> = (0..SESSIONS).map(sessions::name).collect();
    let mut names = names.iter().cycle();
    let mut table = Table::new(
        "Redis alone: HGET of an edge view",
        ["commands under way", "a second", "p50 us", "p99 us"],
    );
    for depth in DEPTHS {
        let mut latency = Histogram::default();
        let begun = Instant::now();
        while begun.elapsed() < time {
            let sent = Instant::now();
            for name in names.by_ref().take(usize::try_from(depth)?) {
                connection.push(&[b"HGET", name.as_bytes(), b"e"]);
            }
            connection.settle(usize::try_from(depth)?)?;
            latency.record(sent.elapsed());
        }
        #[expect(clippy::cast_precision_loss, reason = "fewer than 2^52 commands")]
        let rate = latency.total() as f64 * f64::from(depth) / begun.elapsed().as_secs_f64();
        let (p50, p99) = (latency.percentile(0.5), latency.percentile(0.99));
        table.row([
            depth.to_string(),
            format!("{rate:.0}"),
            format!("{p50:.0}"),
            format!("{p99:.0}"),
        ]);
        bench.report.json(
            &format!("redis/{depth}"),
            json!({ "rate": rate.round(), "p50_us": rounded(p50, 1), "p99_us": rounded(p99, 1) }),
        );
    }
    bench.report.table(table);
    Ok(())
}
