//! Owns: what a proxied request costs, beside a bare pass-through proxy and nginx in the same rounds.

mod counted;
pub(crate) mod variants;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::bench::Bench;
use crate::load::{Pace, Stop};
use crate::rounds::{self, Demand, Rounds};
use variants::Variants;

/// Sessions to choose from.
const SESSIONS: u64 = 1_000;

/// Options of `bench proxy`.
#[derive(Debug, Args)]
pub struct Options {
    /// Connections of the closed loop.
    #[arg(long, value_delimiter = ',', default_value = "8,64")]
    connections: Vec<usize>,
    /// Only these variants; the bare proxy always runs.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Count instructions and allocations under callgrind instead of measuring time.
    #[arg(long)]
    count: bool,
    /// With `--count`: compare with the budget and fail where it is exceeded.
    #[arg(long, requires = "count")]
    check: bool,
    /// The budget.
    #[arg(long, default_value = "benches/budget.json")]
    budget: PathBuf,
    /// With `--count`: show which functions the instructions of this variant are in.
    #[arg(long, requires = "count")]
    profile: Option<String>,
}

/// Runs the subcommand.
///
/// # Errors
/// If a program does not start, or an answer has not the status that it must have.
pub fn run(bench: &mut Bench, options: &Options) -> anyhow::Result<()> {
    let redis = bench.redis()?;
    if options.count {
        return counted::run(bench, &redis, options);
    }
    let variants = Variants::start(bench, &bench.launch(), &redis, options)?;
    let slot = Duration::from_millis(if bench.options.quick { 350 } else { 2_000 });
    let mut rounds = Rounds::new(Stop::After(slot));
    for &connections in &options.connections {
        let demand = Demand::new(&connections.to_string(), connections, Pace::Closed);
        rounds.measure(bench, &variants.all, &demand)?;
    }
    rounds::tables(bench, &variants.all, &rounds);
    bench.report.note(
        "Proxied requests per CPU-second, as a share of the bare proxy's, is 1 divided by `x bare` of the CPU time.",
    );
    Ok(())
}
