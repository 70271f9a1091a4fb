//! Owns: how much memory each program takes, alone and for each connection that is kept open, and how
//! soon after its start it answers.

use std::time::Duration;

use serde_json::json;

use super::variants::Variants;
use crate::bench::{Bench, progress};
use crate::cpu;
use crate::load::{Load, Pace, Stop};
use crate::machine;
use crate::programs::{Redis, Service};
use crate::report::Table;
use crate::statistics::{Spread, rounded};

/// For other sockets and files than the connections counted here.
const SPARE: u64 = 1_000;

/// So many requests a second, each on another connection than the one before.
const RATE: f64 = 3_000.0;

/// What was found of one program.
struct Held {
    idle_mib: f64,
    each_kib: f64,
    start_ms: f64,
    p50: f64,
    p99: f64,
}

/// Measures fresh processes: those of the rounds have grown.
pub(super) fn measure(bench: &mut Bench, variants: &Variants, redis: &Redis) -> anyhow::Result<()> {
    progress("memory and start");
    let wanted = if bench.options.quick { 2_000 } else { 10_000 };
    let connections = wanted.min(machine::raise_descriptors().saturating_sub(SPARE));
    let mut table = Table::new(
        format!(
            "Memory with 0 and with {connections} idle connections, the way to the first 200, and {RATE} \
             requests a second over all of the connections in turn"
        ),
        ["", "idle MiB", "KiB a connection", "start ms", "p50 us", "p99 us"],
    );
    for name in ["bare", "strict"] {
        let Some(variant) = variants.all.iter().find(|variant| variant.name == name) else {
            continue;
        };
        let held = hold(bench, name, &variant.requests, redis, connections)?;
        table.row([
            name.to_owned(),
            format!("{:.1}", held.idle_mib),
            format!("{:.2}", held.each_kib),
            format!("{:.0}", held.start_ms),
            format!("{:.0}", held.p50),
            format!("{:.0}", held.p99),
        ]);
        bench.report.json(
            &format!("memory/{name}"),
            json!({
                "idle_mib": rounded(held.idle_mib, 1),
                "kib_per_connection": rounded(held.each_kib, 2),
                "start_ms": rounded(held.start_ms, 1),
                "p50_us": rounded(held.p50, 1),
                "p99_us": rounded(held.p99, 1),
            }),
        );
    }
    bench.report.table(table);
    Ok(())
}

fn hold(
    bench: &Bench,
    name: &str,
    requests: &[Vec<u8>],
    redis: &Redis,
    connections: u64,
) -> anyhow::Result<Held> {
    let (starts, seconds) = if bench.options.quick { (3, 2) } else { (7, 20) };
    let start = || match name {
        "bare" => Service::bare(&bench.launch(), None),
        _ => bench.forwardauth(redis, &[]),
    };
    let ready = (0..starts).map(|_| Ok(millis(start()?.ready)));
    let ready = ready.collect::<anyhow::Result<Vec<_>>>()?;
    let service = start()?;
    let idle = cpu::resident_kib(service.process.pid())?;
    let mut load = Load::connect(service.address, usize::try_from(connections)?, requests)?;
    // One request on each: a connection that was never used is not what Traefik keeps.
    load.run(Pace::Closed, Stop::Count(connections))?.all(200)?;
    let full = cpu::resident_kib(service.process.pid())?;
    let outcome = load.run(Pace::Rate(RATE), Stop::After(Duration::from_secs(seconds)))?;
    outcome.all(200)?;
    #[expect(clippy::cast_precision_loss, reason = "fewer than 2^52 KiB")]
    let (idle_mib, each_kib) =
        (idle as f64 / 1_024.0, full.saturating_sub(idle) as f64 / connections as f64);
    Ok(Held {
        idle_mib,
        each_kib,
        start_ms: Spread::of(ready).map_or(0.0, |spread| spread.median),
        p50: outcome.latency.percentile(0.5),
        p99: outcome.latency.percentile(0.99),
    })
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
