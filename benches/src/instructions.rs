//! Owns: what one request costs in figures that no noise touches: instructions and allocations, counted
//! between two moments of a warm program, and system calls, the slope between two runs with different
//! numbers of requests. Start and end drop out of both.

pub(crate) mod budget;
pub(crate) mod callgrind;
mod strace;
mod subject;
mod syscalls;
mod validator;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use serde_json::json;

use crate::bench::{Bench, TRACKING, progress};
use crate::place;
use crate::programs::Redis;
use crate::report::Table;
use crate::statistics::rounded;
use budget::{Budget, exceeded};
use subject::{Kind, Subject, subjects};

/// Requests that are counted under callgrind.
const COUNTED: u64 = 3_000;
/// Programs that are started and counted. How many answers of Redis come at once differs from start to
/// start, by up to 1 % of the instructions; the median by 0.2 %.
const STARTS: usize = 5;
const CONNECTIONS: usize = 8;
const SESSIONS: u64 = 200;
const END: Duration = Duration::from_secs(60);

/// Options of `bench instructions`.
#[derive(Debug, Args)]
pub struct Options {
    /// Compare with the budget and fail where it is exceeded.
    #[arg(long)]
    check: bool,
    /// The budget.
    #[arg(long, default_value = "benches/budget.json")]
    budget: PathBuf,
    /// Show which functions the instructions of this kind of request are in, for example `strict` or
    /// `validator/RS256`.
    #[arg(long)]
    profile: Option<String>,
    /// Count validator-lib's checks alone.
    #[arg(long)]
    validator: bool,
}

/// What one request costs.
struct Cost {
    instructions: f64,
    hashing: f64,
    allocations: f64,
    functions: Vec<(String, f64)>,
}

/// Runs the subcommand.
///
/// # Errors
/// If a program does not start, or answers wrongly.
pub fn run(bench: &mut Bench, options: &Options) -> anyhow::Result<()> {
    for tool in ["valgrind", "strace"] {
        place::find(tool).with_context(|| format!("{tool} is not installed"))?;
    }
    let budget = Budget::read(&options.budget)?;
    if options.validator {
        return validator::run(bench, options, &budget);
    }
    let redis = bench.redis()?;
    let cluster = Redis::start_cluster(bench.scratch.path())?;
    let mut subjects = subjects();
    if let Some(why) = bench.refusal(TRACKING)? {
        bench.report.skipped("tracking", &why);
        subjects.retain(|subject| subject.kind != Kind::Tracking);
    }
    let mut table = Table::new(
        format!(
            "Of one request, {CONNECTIONS} connections (callgrind; valgrind hides the CPU's SHA-256)"
        ),
        ["", "instructions", "without hashing", "x bare", "allocations", "beyond bare"],
    );
    let mut bare: Option<Cost> = None;
    for subject in &subjects {
        let server = if subject.kind == Kind::Fred { &cluster } else { &redis };
        let cost = cost(bench, server, subject)?;
        if options.profile.as_deref() == Some(subject.name) {
            bench.report.table(callgrind::table(subject.name, &cost.functions));
        }
        let reference = bare.as_ref().unwrap_or(&cost);
        let ratio = cost.without_hashing() / reference.without_hashing();
        let beyond = cost.allocations - reference.allocations;
        table.row([
            subject.name.to_owned(),
            format!("{:.0}", cost.instructions),
            format!("{:.0}", cost.without_hashing()),
            format!("{ratio:.3}"),
            format!("{:.2}", cost.allocations),
            format!("{beyond:.2}"),
        ]);
        bench.report.json(
            subject.name,
            json!({
                "with_hashing": cost.instructions.round(),
                "without_hashing": cost.without_hashing().round(),
                "over_bare": rounded(ratio, 3),
                "allocations": rounded(cost.allocations, 2),
                "allocations_beyond_bare": rounded(beyond, 2),
            }),
        );
        for found in [
            exceeded("instructions x bare", subject.name, ratio, &budget.instructions_over_bare),
            exceeded(
                "allocations beyond bare",
                subject.name,
                beyond,
                &budget.allocations_beyond_bare,
            ),
        ]
        .into_iter()
        .flatten()
        .filter(|_| options.check)
        {
            bench.report.fail(found);
        }
        bare.get_or_insert(cost);
    }
    bench.report.table(table);
    validator::run(bench, options, &budget)?;
    subjects.retain(|subject| subject.kind != Kind::Fred);
    strace::run(bench, &redis, &subjects, options.check.then_some(&budget))
}

impl Cost {
    fn without_hashing(&self) -> f64 {
        self.instructions - self.hashing
    }
}

/// The median of [`STARTS`].
fn cost(bench: &Bench, redis: &Redis, subject: &Subject) -> anyhow::Result<Cost> {
    progress(&format!("callgrind: {}", subject.name));
    let mut costs = Vec::with_capacity(STARTS);
    for _ in 0..STARTS {
        costs.push(count(bench, redis, subject)?);
    }
    costs.sort_by(|one, other| one.without_hashing().total_cmp(&other.without_hashing()));
    Ok(costs.swap_remove(STARTS / 2))
}

fn count(bench: &Bench, redis: &Redis, subject: &Subject) -> anyhow::Result<Cost> {
    let launch = callgrind::under(bench.launch());
    let (service, mut load) = subject.warm(&launch, redis, CONNECTIONS)?;
    let pid = service.process.pid();
    let ask = || subject.ask(&mut load, COUNTED);
    let profile = callgrind::count(bench.scratch.path(), pid, ask)?;
    drop(load);
    service.process.stop(END)?;
    Ok(Cost {
        instructions: each(profile.total()),
        hashing: each(profile.hashing()),
        allocations: each(profile.allocations()),
        functions: profile.dearest(COUNTED),
    })
}

/// For each request.
fn each(count: u64) -> f64 {
    callgrind::each(count, COUNTED)
}
