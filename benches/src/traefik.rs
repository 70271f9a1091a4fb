//! Owns: the whole chain: a client, the real Traefik, ForwardAuth and a service that does nothing; with
//! no ForwardAuth at all, with nginx that answers 200, and with ours; over HTTP/1.1 and over TLS with
//! HTTP/2.

mod chain;

use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use serde_json::json;

use crate::bench::{Bench, progress};
use crate::cpu;
use crate::load::{Load, Pace, Stop};
use crate::report::Table;
use crate::statistics::{Spread, rounded};
use chain::{Chain, Route};

const WARM: Stop = Stop::After(Duration::from_millis(200));

/// Options of `bench traefik`.
#[derive(Debug, Args)]
pub struct Options {
    /// Connections of the client [default: 1,8,64,256; with --quick 8,64].
    #[arg(long, value_delimiter = ',')]
    connections: Vec<usize>,
}

struct Slot {
    route: &'static str,
    connections: usize,
    round: usize,
    rps: f64,
    p50: f64,
    p99: f64,
    auth_us: f64,
    traefik_us: f64,
    opened: f64,
}

type Figure = fn(&Slot) -> f64;

/// Runs the subcommand.
///
/// # Errors
/// If a part does not start, or an answer is not 200.
pub fn run(bench: &mut Bench, options: &Options) -> anyhow::Result<()> {
    bench.layout.release()?;
    bench.report.note("Nothing is pinned here: the chain has more programs than there are CPUs.");
    let redis = bench.redis()?;
    let Some(chain) = Chain::start(bench, &redis)? else {
        bench
            .report
            .skipped("traefik", "Traefik is not installed; tests/run --parts-only does that");
        return Ok(());
    };
    let quick = bench.options.quick;
    let connections = match options.connections.as_slice() {
        [] if quick => &[8, 64][..],
        [] => &[1, 8, 64, 256],
        chosen => chosen,
    };
    let stop = Stop::After(Duration::from_millis(if quick { 700 } else { 2_000 }));
    let mut slots = Vec::new();
    for &connections in connections {
        for round in 0..bench.options.rounds() {
            progress(&format!("{connections} connections: round {}", round + 1));
            let turned = chain.routes.iter().cycle().skip(round % chain.routes.len());
            for route in turned.take(chain.routes.len()) {
                let slot = slot(&chain, route, connections, round, stop);
                slots.push(slot.with_context(|| format!("{}, {connections}", route.name))?);
            }
        }
        show(bench, &chain, connections, &slots);
    }
    bench.report.note(
        "Connections: all that were accepted on this machine meanwhile, for 10,000 requests; those of \
         the client are opened before.",
    );
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "fewer than 2^52 requests")]
fn slot(
    chain: &Chain,
    route: &Route,
    connections: usize,
    round: usize,
    stop: Stop,
) -> anyhow::Result<Slot> {
    let mut load = Load::connect(chain.address, connections, &route.requests)?;
    load.run(Pace::Closed, WARM)?.all(200)?;
    let auth = || route.auth.map_or(Ok(Duration::ZERO), cpu::of);
    let traefik = || cpu::of(chain.traefik.pid());
    let (auth_before, traefik_before, accepted) = (auth()?, traefik()?, cpu::accepted()?);
    let outcome = load.run(Pace::Closed, stop)?;
    let requests = outcome.latency.total() as f64;
    let each =
        |after: Duration, before| after.saturating_sub(before).as_secs_f64() * 1e6 / requests;
    let (auth_us, traefik_us) = (each(auth()?, auth_before), each(traefik()?, traefik_before));
    let opened = cpu::accepted()?.saturating_sub(accepted) as f64 / requests * 10_000.0;
    outcome.all(200)?;
    let (p50, p99) = (outcome.latency.percentile(0.5), outcome.latency.percentile(0.99));
    let rps = outcome.per_second();
    Ok(Slot { route: route.name, connections, round, rps, p50, p99, auth_us, traefik_us, opened })
}

fn show(bench: &mut Bench, chain: &Chain, connections: usize, slots: &[Slot]) {
    let of = |name| {
        slots.iter().filter(move |slot| slot.connections == connections && slot.route == name)
    };
    let mut table = Table::new(
        format!("Through Traefik, {connections} connections of the client"),
        [
            "ForwardAuth",
            "requests/s",
            "x none",
            "p50 us",
            "p99 us",
            "auth CPU us",
            "Traefik CPU us",
            "connections",
        ],
    );
    for route in &chain.routes {
        let median = |figure: Figure| {
            Spread::of(of(route.name).map(figure)).map_or(0.0, |spread| spread.median)
        };
        let ratio = Spread::of(of(route.name).filter_map(|slot| {
            let none = of(chain::NONE).find(|none| none.round == slot.round)?;
            Some(slot.rps / none.rps)
        }));
        table.row([
            route.name.to_owned(),
            format!("{:.0}", median(|slot| slot.rps)),
            ratio.map_or_else(|| "-".to_owned(), |ratio| ratio.show(2)),
            format!("{:.0}", median(|slot| slot.p50)),
            format!("{:.0}", median(|slot| slot.p99)),
            format!("{:.1}", median(|slot| slot.auth_us)),
            format!("{:.0}", median(|slot| slot.traefik_us)),
            format!("{:.1}", median(|slot| slot.opened)),
        ]);
        bench.report.json(
            &format!("{}/{connections}", route.name),
            json!({
                "rps": rounded(median(|slot| slot.rps), 0),
                "rps_over_none": ratio.map(|ratio| rounded(ratio.median, 3)),
                "p50_us": rounded(median(|slot| slot.p50), 0),
                "p99_us": rounded(median(|slot| slot.p99), 0),
                "auth_cpu_us": rounded(median(|slot| slot.auth_us), 1),
                "traefik_cpu_us": rounded(median(|slot| slot.traefik_us), 1),
                "connections_per_10000": rounded(median(|slot| slot.opened), 1),
            }),
        );
    }
    bench.report.table(table);
}
