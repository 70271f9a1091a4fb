//! Owns: a session ends in Redis while verify has it in memory: how long it is still believed, one by
//! one, while connections to Redis break, and in bursts. A session that is believed for longer than
//! `CAP` was missed, and the run fails.

mod trial;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;

use crate::bench::{Bench, progress};
use crate::load::{Load, Outcome, Pace, Stop};
use crate::programs::{Redis, Service};
use crate::report::Table;
use crate::request;
use crate::statistics::rounded;
use trial::{Found, Trial};

/// Sessions of the load, which do not end.
const LASTING: u64 = 1_000;
const RATE: f64 = 3_000.0;
const CONNECTIONS: usize = 32;
/// The product's own limit on what it believes without asking.
const CAP: Duration = Duration::from_secs(5);
/// Sessions that end around each broken connection.
const AROUND: u64 = 10;

/// Options of `bench revocation`.
#[derive(Debug, Args)]
pub struct Options {
    /// `FORWARDAUTH_CACHE` of the program under test.
    #[arg(long, default_value = "tracking")]
    cache: String,
}

/// Runs the subcommand.
///
/// # Errors
/// If a program does not start, or a session is refused before it ends.
pub fn run(bench: &mut Bench, options: &Options) -> anyhow::Result<()> {
    let setting = ("FORWARDAUTH_CACHE", options.cache.as_str());
    if let Some(why) = bench.refusal(setting)? {
        bench.report.skipped("revocation", &why);
        return Ok(());
    }
    let quick = bench.options.quick;
    let (single, breaks, burst, bursts) =
        if quick { (1_000, 10, 5_000, 1) } else { (10_000, 100, 5_000, 5) };
    let redis = bench.redis()?;
    redis.fill(LASTING + single + breaks * AROUND + burst * bursts)?;
    let service = bench.forwardauth(&redis, &[setting])?;
    let lasting = request::of_sessions(LASTING);
    let mut load = Load::connect(service.address, CONNECTIONS, &lasting)?;
    let over = AtomicBool::new(false);
    let trials = [
        ("one by one", Kind::Ended, 1, single),
        ("connection broken", Kind::Broken, AROUND, breaks),
        ("burst", Kind::Ended, burst, bursts),
    ];
    let (found, outcome) = std::thread::scope(|scope| {
        let loading = scope.spawn(|| under_load(&mut load, &over));
        let found = measure(&redis, &service, &trials);
        over.store(true, Ordering::SeqCst);
        let outcome = loading.join().map_err(|_| anyhow::anyhow!("the load ended badly"))??;
        anyhow::Ok((found?, outcome))
    })?;
    show(bench, &options.cache, &found);
    bench.report.note(format!(
        "Beside a load of {RATE} requests a second for other sessions, which was answered {:?}. \"Believed\" \
         counts from when Redis acknowledged the DEL to when the last request was sent that was still \
         answered 200; \"401\" to the first answer 401, asking for all others in between. Missed: longer than {CAP:?}.",
        outcome.statuses
    ));
    if outcome.statuses.keys().any(|status| !matches!(status, 200 | 503)) {
        bench.report.fail(format!("sessions that did not end: {:?}", outcome.statuses));
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Kind {
    Ended,
    Broken,
}

/// Each trial has a name, and ends so many sessions so many times.
fn measure(
    redis: &Redis,
    service: &Service,
    trials: &[(&'static str, Kind, u64, u64)],
) -> anyhow::Result<Vec<(&'static str, Found)>> {
    let mut trial = Trial::new(redis.connection()?, service.address, LASTING)?;
    let mut all = Vec::new();
    for &(name, kind, sessions, times) in trials {
        progress(name);
        let mut found = Found::default();
        for _ in 0..times {
            match kind {
                Kind::Ended => trial.together(sessions, &mut found)?,
                Kind::Broken => trial.broken(sessions, &mut found)?,
            }
        }
        all.push((name, found));
    }
    Ok(all)
}

/// Keeps the load going until it is over.
fn under_load(load: &mut Load<'_>, over: &AtomicBool) -> anyhow::Result<Outcome> {
    let mut all = Outcome::default();
    let begun = Instant::now();
    while !over.load(Ordering::SeqCst) {
        let slot = load.run(Pace::Rate(RATE), Stop::After(Duration::from_millis(200)))?;
        for (status, count) in slot.statuses {
            *all.statuses.entry(status).or_default() += count;
        }
        all.latency.merge(&slot.latency);
    }
    all.elapsed = begun.elapsed();
    Ok(all)
}

fn show(bench: &mut Bench, cache: &str, found: &[(&'static str, Found)]) {
    let mut table = Table::new(
        format!("Sessions end in Redis, FORWARDAUTH_CACHE={cache}"),
        [
            "",
            "ended",
            "still believed",
            "believed p50 us",
            "p99 us",
            "max us",
            "401 p50 us",
            "p99 us",
            "max us",
            "503",
            "missed",
        ],
    );
    for (name, found) in found {
        let us = |share| format!("{:.0}", found.refused.percentile(share));
        let believed = |share| format!("{:.0}", found.believed.percentile(share));
        table.row([
            (*name).to_owned(),
            found.refused.total().to_string(),
            found.believed.total().to_string(),
            believed(0.5),
            believed(0.99),
            believed(1.0),
            us(0.5),
            us(0.99),
            us(1.0),
            found.unavailable.to_string(),
            found.missed.to_string(),
        ]);
        bench.report.json(
            name,
            json!({
                "ended": found.refused.total(),
                "believed": found.believed.total(),
                "believed_p99_us": rounded(found.believed.percentile(0.99), 0),
                "believed_max_us": rounded(found.believed.percentile(1.0), 0),
                "refused_p50_us": rounded(found.refused.percentile(0.5), 0),
                "refused_p99_us": rounded(found.refused.percentile(0.99), 0),
                "refused_max_us": rounded(found.refused.percentile(1.0), 0),
                "unavailable": found.unavailable,
                "missed": found.missed,
            }),
        );
        if found.missed > 0 {
            bench.report.fail(format!("{name}: {} sessions were believed for ever", found.missed));
        }
    }
    bench.report.table(table);
}
