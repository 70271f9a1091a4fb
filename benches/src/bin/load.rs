//! The load generator. Prints one line of JSON.

use std::time::Duration;

use benches::load::{Plan, Stop};
use benches::{cpu, load, request, sessions};
use clap::Parser;
use serde_json::json;
use tokio::runtime::Builder;

#[derive(Debug, Parser)]
struct Cli {
    /// `host:port` of the program under test.
    target: String,
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Seconds to go on for.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Requests to send, in place of a time.
    #[arg(long)]
    count: Option<u64>,
    /// Requests a second; without it, as fast as answers come.
    #[arg(long)]
    rate: Option<f64>,
    /// Sessions to choose from.
    #[arg(long, default_value_t = 10_000)]
    sessions: u64,
    /// The process whose CPU time counts.
    #[arg(long)]
    pid: Option<u32>,
    /// Most different requests that are prepared.
    #[arg(long, default_value_t = 20_000)]
    prepared: u64,
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let step = (cli.sessions / cli.prepared.min(cli.sessions)).max(1);
    let requests = (0..cli.sessions)
        .step_by(usize::try_from(step)?)
        .map(|number| request::verify(sessions::id(number).expose()))
        .collect();
    let plan = Plan {
        target: cli.target,
        connections: cli.connections,
        stop: cli.count.map_or(Stop::After(Duration::from_secs_f64(cli.seconds)), Stop::Count),
        rate: cli.rate,
        requests,
    };
    let before = cli.pid.map(cpu::of).transpose()?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let outcome = runtime.block_on(load::run(&plan))?;
    let after = cli.pid.map(cpu::of).transpose()?;
    let spent = after.zip(before).map(|(after, before)| after.saturating_sub(before));
    print(&outcome, spent)
}

#[expect(clippy::cast_precision_loss, reason = "fewer than 2^52 requests")]
#[expect(clippy::print_stdout, reason = "the result is the output")]
fn print(outcome: &load::Outcome, spent: Option<Duration>) -> anyhow::Result<()> {
    let requests = outcome.latency.total();
    anyhow::ensure!(requests > 0, "no request was answered");
    let per_request = |time: Duration| time.as_secs_f64() * 1e6 / requests as f64;
    println!(
        "{}",
        json!({
            "requests": requests,
            "refused": outcome.refused,
            "rps": requests as f64 / outcome.elapsed.as_secs_f64(),
            "cpu_us": spent.map(per_request),
            "p50_us": outcome.latency.percentile(0.5),
            "p99_us": outcome.latency.percentile(0.99),
            "p999_us": outcome.latency.percentile(0.999),
        })
    );
    Ok(())
}
