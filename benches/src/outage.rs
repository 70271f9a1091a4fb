//! Owns: Redis goes away under load, in three ways, and comes back: how long answers are slow, what they
//! say meanwhile, and how soon everything is as before.

mod fault;

use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;

use crate::bench::{Bench, progress};
use crate::histogram::Histogram;
use crate::load::{Load, Pace, Sample, Stop};
use crate::programs::{Service, forwardauth};
use crate::report::Table;
use crate::request;
use crate::statistics::rounded;
use fault::{Fault, Store};

const SESSIONS: u64 = 1_000;
const RATE: f64 = 2_000.0;
const CONNECTIONS: usize = 64;
/// An answer that took longer is slow.
const SLOW: Duration = Duration::from_millis(50);
/// How long after the fault slow answers may come.
const SLOW_BUDGET: Duration = Duration::from_millis(250);
/// p99 of an answer afterwards.
const AWAY_BUDGET_US: f64 = 1_000.0;
/// From Redis's return to the first 200.
const BACK_BUDGET: Duration = Duration::from_millis(500);
const BEFORE: Duration = Duration::from_secs(1);
const AFTER: Duration = Duration::from_millis(1_500);

/// Options of `bench outage`.
#[derive(Debug, Args)]
pub struct Options {
    /// Seconds for which Redis is away [default: 5; with --quick 2].
    #[arg(long)]
    seconds: Option<u64>,
}

/// What was seen of one outage.
#[derive(Debug, PartialEq)]
struct Seen {
    /// From the fault to the last slow answer before the repair.
    slow: Duration,
    /// Of answers before the fault: what load and machine do by themselves.
    before_us: f64,
    /// Of answers to requests that were due after the last slow one.
    p99_us: f64,
    /// Such answers that were not 503.
    wrong: usize,
    /// From the repair to the first 200.
    back: Option<Duration>,
    /// Answers that tell a user to log in.
    unauthorized: usize,
}

/// Runs the subcommand.
///
/// # Errors
/// If a program does not start.
pub fn run(bench: &mut Bench, options: &Options) -> anyhow::Result<()> {
    let away =
        Duration::from_secs(options.seconds.unwrap_or(if bench.options.quick { 2 } else { 5 }));
    let rounds = bench.options.rounds.unwrap_or(if bench.options.quick { 1 } else { 3 });
    let mut table = Table::new(
        format!("Redis away for {} s at {RATE} requests a second", away.as_secs()),
        ["", "before p99 us", "slow for ms", "then p99 us", "not 503", "back after ms", "401"],
    );
    for fault in Fault::ALL {
        for round in 1..=rounds {
            progress(&format!("{}: round {round} of {rounds}", fault.name()));
            let seen = one(bench, fault, away)?;
            let back =
                seen.back.map_or_else(|| "never".to_owned(), |back| back.as_millis().to_string());
            table.row([
                fault.name().to_owned(),
                format!("{:.0}", seen.before_us),
                seen.slow.as_millis().to_string(),
                format!("{:.0}", seen.p99_us),
                seen.wrong.to_string(),
                back,
                seen.unauthorized.to_string(),
            ]);
            bench.report.json(
                &format!("{}/{round}", fault.name()),
                json!({
                    "before_p99_us": rounded(seen.before_us, 0),
                    "slow_ms": seen.slow.as_millis(),
                    "p99_us": rounded(seen.p99_us, 0),
                    "not_503": seen.wrong,
                    "back_ms": seen.back.map(|back| back.as_millis()),
                    "unauthorized": seen.unauthorized,
                }),
            );
            for complaint in seen.complaints() {
                bench.report.fail(format!("{}: {complaint}", fault.name()));
            }
        }
    }
    bench.report.table(table);
    bench.report.note(format!(
        "Slow: more than {SLOW:?}, counted from when the request was due. \"Then\" is from the last slow \
         answer until Redis is repaired. Redis is back when it answers a PING.",
    ));
    Ok(())
}

fn one(bench: &Bench, fault: Fault, away: Duration) -> anyhow::Result<Seen> {
    let mut store = Store::start(bench.scratch.path(), fault)?;
    store.fill(SESSIONS)?;
    let program = forwardauth()?;
    let service = Service::forwardauth(&bench.launch(), &program, store.address, &[])?;
    let requests = request::of_sessions(SESSIONS);
    let mut load = Load::connect(service.address, CONNECTIONS, &requests)?.recorded();
    // The load has this thread's attention, so the fault is another's; programs may only be started
    // by the thread that began, so the load is another's.
    std::thread::scope(|scope| {
        let begun = Instant::now();
        let time = BEFORE + away + AFTER;
        let loading = scope.spawn(move || load.run(Pace::Rate(RATE), Stop::After(time)));
        std::thread::sleep(BEFORE.saturating_sub(begun.elapsed()));
        store.fault()?;
        let gone = Instant::now();
        std::thread::sleep(away);
        store.repair()?;
        let back = Instant::now();
        let outcome = loading.join().map_err(|_| anyhow::anyhow!("the load ended badly"))??;
        Ok(judge(&outcome.samples, gone, back))
    })
}

fn judge(samples: &[Sample], gone: Instant, back: Instant) -> Seen {
    let during = || samples.iter().filter(|sample| (gone..back).contains(&sample.due));
    let done = |sample: &Sample| sample.due + sample.latency;
    // One that was answered by the repair itself tells nothing of the time before.
    let slow_end = during()
        .filter(|sample| sample.latency > SLOW && done(sample) < back)
        .map(done)
        .max()
        .unwrap_or(gone);
    let settled = || during().filter(|sample| sample.due > slow_end && done(sample) < back);
    let before = samples.iter().filter(|sample| done(sample) < gone);
    Seen {
        before_us: p99(before),
        slow: slow_end - gone,
        p99_us: p99(settled()),
        wrong: settled().filter(|sample| sample.status != 503).count(),
        back: samples
            .iter()
            .filter(|sample| sample.status == 200 && done(sample) > back)
            .map(|sample| done(sample) - back)
            .min(),
        unauthorized: samples.iter().filter(|sample| sample.status == 401).count(),
    }
}

fn p99<'a>(samples: impl Iterator<Item = &'a Sample>) -> f64 {
    let mut latency = Histogram::default();
    samples.for_each(|sample| latency.record(sample.latency));
    latency.percentile(0.99)
}

impl Seen {
    fn complaints(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut must = |good: bool, text: String| {
            if !good {
                found.push(text);
            }
        };
        must(
            self.slow <= SLOW_BUDGET,
            format!("slow for {:?}, at most {SLOW_BUDGET:?}", self.slow),
        );
        // Where answers took longer even before, the machine cannot tell.
        must(
            self.p99_us <= AWAY_BUDGET_US.max(self.before_us),
            format!("p99 of {:.0} us afterwards, at most {AWAY_BUDGET_US}", self.p99_us),
        );
        must(self.wrong == 0, format!("{} answers that are not 503", self.wrong));
        must(
            self.back.is_some_and(|back| back <= BACK_BUDGET),
            format!("back after {:?}, at most {BACK_BUDGET:?}", self.back),
        );
        must(self.unauthorized == 0, format!("{} answers 401", self.unauthorized));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_told_from_its_samples() {
        let gone = Instant::now();
        let ms = Duration::from_millis;
        let sample =
            |due, latency, status| Sample { due: gone + ms(due), latency: ms(latency), status };
        let samples = [
            sample(10, 200, 503),
            sample(150, 51, 503),
            sample(300, 0, 503),
            sample(400, 0, 200),
            sample(990, 300, 200),
            sample(1_100, 5, 200),
        ];
        let seen = judge(&samples, gone, gone + ms(1_000));
        assert_eq!(seen.slow, ms(210));
        assert_eq!(seen.wrong, 1);
        assert_eq!(seen.back, Some(ms(105)));
        assert_eq!(seen.unauthorized, 0);
        assert_eq!(seen.complaints().len(), 1);
    }
}
