//! Owns: the same comparison in figures that no noise touches: instructions and allocations of one proxied
//! request, counted under callgrind between two moments of a warm program.

use std::path::Path;

use anyhow::Context as _;
use serde_json::json;

use super::{Options, SESSIONS, Variants};
use crate::bench::{Bench, progress};
use crate::instructions::budget::{Budget, exceeded};
use crate::instructions::callgrind::{self, Profile};
use crate::load::{Load, Pace, Stop};
use crate::programs::{Launch, Redis};
use crate::report::Table;
use crate::rounds::Variant;
use crate::statistics::rounded;

const COUNTED: u64 = 3_000;
const CONNECTIONS: usize = 8;
/// Functions shown by `--profile`.
const SHOWN: usize = 90;

/// Counts each variant; the bare proxy comes first and is what the others are compared with.
///
/// # Errors
/// If a program does not start, or an answer has not the status that it must have.
pub(super) fn run(bench: &mut Bench, redis: &Redis, options: &Options) -> anyhow::Result<()> {
    let scratch = bench.scratch.path().to_owned();
    let mut wrapper = vec!["valgrind".to_owned()];
    wrapper.extend(callgrind::OPTIONS.iter().map(|&option| option.to_owned()));
    wrapper.push(format!("--callgrind-out-file={}/callgrind.%p", scratch.display()));
    let launch = Launch { wrapper, ..bench.launch() };
    let budget = Budget::read(&options.budget)?;
    let variants = Variants::start(bench, &launch, redis, options)?;
    let mut table = Table::new(
        format!("Of one proxied request, {CONNECTIONS} connections (callgrind)"),
        ["", "instructions", "without hashing", "x bare", "allocations"],
    );
    let mut bare = None;
    for variant in &variants.all {
        progress(&format!("callgrind: {}", variant.name));
        let profile = count(variant, &scratch)?;
        let plain = each(profile.total() - profile.hashing());
        let ratio = plain / *bare.get_or_insert(plain);
        let allocations = each(profile.allocations());
        table.row([
            variant.name.to_owned(),
            format!("{:.0}", each(profile.total())),
            format!("{plain:.0}"),
            format!("{ratio:.3}"),
            format!("{allocations:.2}"),
        ]);
        bench.report.json(
            variant.name,
            json!({ "over_bare": rounded(ratio, 3), "allocations": rounded(allocations, 2) }),
        );
        let limits = &budget.proxy_over_bare;
        let over = exceeded("instructions x bare", variant.name, ratio, limits);
        if let Some(over) = over.filter(|_| options.check) {
            bench.report.fail(over);
        }
        if options.profile.as_deref() == Some(variant.name) {
            show(bench, variant.name, &profile);
        }
    }
    bench.report.table(table);
    Ok(())
}

fn count(variant: &Variant, scratch: &Path) -> anyhow::Result<Profile> {
    let mut load = Load::connect(variant.address, CONNECTIONS, &variant.requests)?;
    let mut ask = |count| load.run(Pace::Closed, Stop::Count(count))?.all(variant.status);
    ask(2 * SESSIONS).context(variant.name)?;
    callgrind::control(variant.pid, "zero")?;
    ask(COUNTED).context(variant.name)?;
    callgrind::control(variant.pid, "dump")?;
    Profile::parse(&newest(scratch, variant.pid)?)
}

/// What was written last of process `pid`.
fn newest(scratch: &Path, pid: u32) -> anyhow::Result<String> {
    for dump in (1..=9).rev() {
        let file = scratch.join(format!("callgrind.{pid}.{dump}"));
        if let Ok(text) = std::fs::read_to_string(file) {
            return Ok(text);
        }
    }
    anyhow::bail!("callgrind wrote no file")
}

/// For each request.
#[expect(clippy::cast_precision_loss, reason = "fewer than 2^52 instructions")]
fn each(count: u64) -> f64 {
    count as f64 / COUNTED as f64
}

fn show(bench: &mut Bench, name: &str, profile: &Profile) {
    let mut functions: Vec<_> = profile.functions().collect();
    functions.sort_by_key(|(_, cost)| std::cmp::Reverse(*cost));
    let mut table = Table::new(format!("Where the instructions of {name} are"), ["", "a request"]);
    for (function, cost) in functions.into_iter().take(SHOWN) {
        let short: String = function.chars().take(110).collect();
        table.row([short, format!("{:.0}", each(cost))]);
    }
    bench.report.table(table);
}
