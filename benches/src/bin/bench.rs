//! The benchmarks. `benches/run` builds and starts this.

use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Context as _;
use benches::bench::{Bench, Options};
use benches::report::Report;
use benches::resp::Connection;
use benches::{
    growth, instructions, machine, outage, proxy, revocation, sessions, start, traefik, validator,
    verify,
};
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
    /// Time of one proxied request, beside a bare proxy and nginx.
    Proxy(proxy::Options),
    /// The whole chain through the real Traefik, beside other ways to ask.
    Traefik(traefik::Options),
    /// Memory and latency with up to ten million sessions.
    Sessions(growth::Options),
    /// Redis goes away under load.
    Outage(outage::Options),
    /// Sessions end in Redis while verify has them in memory.
    Revocation(revocation::Options),
    /// Time from the start of each program to its first good answer.
    Start(start::Options),
    /// Instructions, allocations and system calls of one request: the same on every machine.
    Instructions(instructions::Options),
    /// CPU time of validator-lib's checks, beside ring's own.
    Validator(validator::Options),
    /// Run checks of `validator` for callgrind.
    #[command(hide = true)]
    Count {
        /// The group.
        group: String,
        /// The subject, counted after the yardstick.
        subject: String,
        /// How many.
        count: u32,
    },
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
    match command {
        Command::Fill { redis, count } => {
            sessions::write(&mut Connection::open(redis)?, 0..count)?;
            say(&format!("BFF_EDGE_KEYS={}\n", sessions::edge_keys_setting()))?;
            return Ok(ExitCode::SUCCESS);
        }
        Command::Validator(own) => {
            let report = validator::run(&options, &own, |_, _| Ok(()))?;
            return tell(report, &options);
        }
        Command::Count { group, subject, count } => {
            validator::count(&group, &subject, count)?;
            return Ok(ExitCode::SUCCESS);
        }
        _ => {}
    }
    let mut bench = Bench::new(options)?;
    let done = match command {
        Command::Verify(options) => verify::run(&mut bench, &options),
        Command::Proxy(options) => proxy::run(&mut bench, &options),
        Command::Traefik(options) => traefik::run(&mut bench, &options),
        Command::Sessions(options) => growth::run(&mut bench, &options),
        Command::Outage(options) => outage::run(&mut bench, &options),
        Command::Revocation(options) => revocation::run(&mut bench, &options),
        Command::Start(options) => start::run(&mut bench, &options),
        Command::Instructions(options) => instructions::run(&mut bench, &options),
        Command::Fill { .. } | Command::Validator(_) | Command::Count { .. } => Ok(()),
    };
    if done.is_err() {
        bench.scratch.keep();
    }
    done.with_context(|| format!("the logs are in {}", bench.scratch.path().display()))?;
    let Bench { options, report, .. } = bench;
    tell(report, &options)
}

fn tell(report: Report, options: &Options) -> anyhow::Result<ExitCode> {
    let good = report.print(options.markdown, options.json)?;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn say(text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    std::io::stdout().lock().write_all(text.as_bytes())
}
