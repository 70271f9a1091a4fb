//! Owns: how much time verify takes, beside bare hyper and others in the same alternated rounds.

mod hits;
mod memory;
mod redis;
mod variants;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::bench::Bench;
use crate::load::{Pace, Stop};
use crate::rounds::{self, Demand, Rounds};
use variants::Variants;

/// Sessions to choose from.
const SESSIONS: u64 = 10_000;
/// Requests a second of the constant rate.
const RATE: f64 = 3_000.0;
const RATE_CONNECTIONS: usize = 64;

/// Options of `bench verify`.
#[derive(Debug, Args)]
pub struct Options {
    /// Connections of the closed loop.
    #[arg(long, value_delimiter = ',', default_value = "8,64")]
    connections: Vec<usize>,
    /// Another build of forwardauth to compare with.
    #[arg(long)]
    previous: Option<PathBuf>,
    /// Only these variants; bare hyper always runs.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
}

/// Runs the subcommand.
///
/// # Errors
/// If a program does not start, or an answer has not the status that it must have.
pub fn run(bench: &mut Bench, options: &Options) -> anyhow::Result<()> {
    let redis = bench.redis()?;
    redis.fill(SESSIONS)?;
    redis::measure(bench, &redis)?;
    let variants = Variants::start(bench, &redis, options)?;
    let slot = Duration::from_millis(if bench.options.quick { 350 } else { 2_000 });
    let mut demands: Vec<_> = options
        .connections
        .iter()
        .map(|&connections| Demand::new(&connections.to_string(), connections, Pace::Closed))
        .collect();
    demands.push(Demand::new("3000/s", RATE_CONNECTIONS, Pace::Rate(RATE)));
    let mut rounds = Rounds::new(Stop::After(slot));
    for demand in &demands {
        rounds.measure(bench, &variants.all, demand)?;
    }
    if bench.options.quick {
        bench.report.note("Half of each one's own greatest rate: skipped with --quick.");
    } else {
        rounds.measure_half(bench, &variants.all, RATE_CONNECTIONS)?;
    }
    rounds::tables(bench, &variants.all, &rounds);
    hits::report(bench, &variants)?;
    memory::measure(bench, &variants, &redis)
}
