//! The benchmarks. `benches/run` builds and starts this.

use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Context as _;
use benches::bench::{Bench, Options};
use benches::resp::Connection;
use benches::{growth, instructions, machine, outage, revocation, sessions, traefik, verify};
use clap::{Parser, Subcommand};

/// Measures Wicketgate beside what it is compared with.
#[derive(Debug, Parser)]
struct Cli {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Time and memory of one request, beside bare hyper and others.
    Verify(verify::Options),
    /// The whole chain through the real Traefik, beside other ways to ask.
    Traefik(traefik::Options),
    /// Memory and latency with up to ten million sessions.
    Sessions(growth::Options),
    /// Redis goes away under load.
    Outage(outage::Options),
    /// Sessions end in Redis while verify has them in memory.
    Revocation(revocation::Options),
    /// Instructions, allocations and system calls of one request: the same on every machine.
    Instructions(instructions::Options),
    /// Write sessions into a Redis, for experiments by hand; says which keys verify needs.
    Fill {
        /// HOST:PORT of the Redis.
        redis: SocketAddr,
        /// How many.
        count: u64,
    },
}

fn main() -> anyhow::Result<ExitCode> {
    let Cli { options, command } = Cli::parse();
    machine::raise_descriptors();
    if let Command::Fill { redis, count } = command {
        sessions::write(&mut Connection::open(redis)?, 0..count)?;
        say(&format!("BFF_EDGE_KEYS={}\n", sessions::edge_keys_setting()))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut bench = Bench::new(options)?;
    let done = match command {
        Command::Verify(options) => verify::run(&mut bench, &options),
        Command::Traefik(options) => traefik::run(&mut bench, &options),
        Command::Sessions(options) => growth::run(&mut bench, &options),
        Command::Outage(options) => outage::run(&mut bench, &options),
        Command::Revocation(options) => revocation::run(&mut bench, &options),
        Command::Instructions(options) => instructions::run(&mut bench, &options),
        Command::Fill { .. } => Ok(()),
    };
    if done.is_err() {
        bench.scratch.keep();
    }
    done.with_context(|| format!("the logs are in {}", bench.scratch.path().display()))?;
    let Bench { options, report, .. } = bench;
    let good = report.print(options.markdown, options.json)?;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn say(text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    std::io::stdout().lock().write_all(text.as_bytes())
}
