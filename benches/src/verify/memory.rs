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

/// Measures fresh processes: those of the rounds have grown.
pub(super) fn measure(bench: &mut Bench, variants: &Variants, redis: &Redis) -> anyhow::Result<()> {
    progress("memory and start");
    let wanted = if bench.options.quick { 2_000 } else { 10_000 };
    let connections = wanted.min(machine::raise_descriptors().saturating_sub(SPARE));
    let starts = if bench.options.quick { 3 } else { 7 };
    let mut table = Table::new(
        format!(
            "Memory with 0 and with {connections} idle connections, and the way to the first 200"
        ),
        ["", "idle MiB", "KiB a connection", "start ms"],
    );
    for name in ["bare", "strict"] {
        let Some(variant) = variants.all.iter().find(|variant| variant.name == name) else {
            continue;
        };
        let start = |bench: &Bench| match name {
            "bare" => Service::bare(&bench.launch(), None),
            _ => bench.forwardauth(redis, &[]),
        };
        let mut ready = Vec::new();
        for _ in 0..starts {
            ready.push(millis(start(bench)?.ready));
        }
        let service = start(bench)?;
        let idle = cpu::resident_kib(service.process.pid())?;
        let mut load =
            Load::connect(service.address, usize::try_from(connections)?, &variant.requests)?;
        // One request on each: a connection that was never used is not what Traefik keeps.
        load.run(Pace::Closed, Stop::Count(connections))?.all(200)?;
        let full = cpu::resident_kib(service.process.pid())?;
        #[expect(clippy::cast_precision_loss, reason = "fewer than 2^52 KiB")]
        let (idle, each) =
            (idle as f64 / 1_024.0, full.saturating_sub(idle) as f64 / connections as f64);
        let ready = Spread::of(ready).map_or(0.0, |spread| spread.median);
        table.row([
            name.to_owned(),
            format!("{idle:.1}"),
            format!("{each:.2}"),
            format!("{ready:.0}"),
        ]);
        bench.report.json(
            &format!("memory/{name}"),
            json!({
                "idle_mib": rounded(idle, 1),
                "kib_per_connection": rounded(each, 2),
                "start_ms": rounded(ready, 1),
            }),
        );
    }
    bench.report.table(table);
    Ok(())
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
