//! Owns: how long a program takes from its start to its first good answer, which a rollout waits for.

use clap::Args;
use serde_json::json;

use crate::bench::{Bench, progress};
use crate::programs::{Launch, Redis, Service};
use crate::proxy::variants;
use crate::report::Table;
use crate::statistics::{Spread, rounded};

const STARTS: usize = 20;

/// Options of `bench start`.
#[derive(Debug, Args)]
pub struct Options {
    /// Fail where the median is longer, in milliseconds.
    #[arg(long)]
    most: Option<f64>,
}

/// Runs the subcommand.
///
/// # Errors
/// If a program does not start.
pub fn run(bench: &mut Bench, options: &Options) -> anyhow::Result<()> {
    let redis = bench.redis()?;
    redis.fill(1)?;
    let launch = bench.launch();
    let upstream = Service::bare(&Launch { cpu: None, ..launch.clone() }, None)?;
    let starts = if bench.options.quick { STARTS / 4 } else { STARTS };
    let mut table =
        Table::new("From the start to the first good answer, in ms", ["program", "median"]);
    for name in ["bare", "forwardauth", "bff"] {
        progress(&format!("starting {name} {starts} times"));
        let once = || start(bench, name, &launch, &redis, &upstream);
        let times = (0..starts).map(|_| once()).collect::<anyhow::Result<Vec<_>>>()?;
        let Some(spread) = Spread::of(times) else { continue };
        table.row([name.to_owned(), spread.show(1)]);
        bench.report.json(&format!("start_ms_{name}"), json!(rounded(spread.median, 1)));
        if let Some(most) = options.most.filter(|most| spread.median > *most) {
            bench
                .report
                .fail(format!("{name} took {:.1} ms to start, at most {most}", spread.median));
        }
    }
    bench.report.table(table);
    bench.report.note(
        "Redis is there and the identity provider is not. Polled every millisecond; `bare` is what it costs \
         to start any program so."
            .to_owned(),
    );
    Ok(())
}

/// Milliseconds.
fn start(
    bench: &Bench,
    name: &str,
    launch: &Launch,
    redis: &Redis,
    upstream: &Service,
) -> anyhow::Result<f64> {
    let service = match name {
        "bare" => Service::bare(launch, None)?,
        "bff" => variants::bff(bench, launch, redis, upstream.address)?,
        _ => bench.forwardauth(redis, &[])?,
    };
    Ok(service.ready.as_secs_f64() * 1e3)
}
