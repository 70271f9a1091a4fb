//! Owns: instructions and allocations of one check by validator-lib, beyond what its yardstick takes for
//! the same tokens in the same process.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::json;

use super::Options;
use super::budget::{Budget, exceeded};
use super::callgrind::{self, Profile};
use crate::bench::{Bench, progress};
use crate::process;
use crate::report::Table;
use crate::statistics::rounded;
use crate::validator::subject::COUNTED;
use crate::validator::{groups, ours::OURS};

/// Checks that are counted.
const COUNT: u32 = 200;

/// Counts, and compares with the budget if that is asked for.
pub(super) fn run(bench: &mut Bench, options: &Options, budget: &Budget) -> anyhow::Result<()> {
    let title = "Of one check by validator-lib (callgrind; without the blocks of SHA-256)";
    let mut table = Table::new(title, ["", "yardstick", "beyond it", "allocations beyond it"]);
    for group in groups::KEYS {
        progress(&format!("callgrind: validator-lib, {group}"));
        let (yardstick, ours) = count(bench.scratch.path(), group)?;
        let instructions =
            each(&ours, Profile::instructions) - each(&yardstick, Profile::instructions);
        let allocations =
            each(&ours, Profile::allocations) - each(&yardstick, Profile::allocations);
        table.row([
            group.to_owned(),
            format!("{:.0}", each(&yardstick, Profile::instructions)),
            format!("{instructions:.0}"),
            format!("{allocations:.1}"),
        ]);
        bench.report.json(
            &format!("validator/{group}"),
            json!({
                "instructions_beyond": instructions.round(),
                "allocations_beyond": rounded(allocations, 1),
            }),
        );
        if options.profile.as_deref() == Some(&format!("validator/{group}")) {
            profile(bench, group, &yardstick, &ours);
        }
        for over in [
            exceeded("instructions", group, instructions, &budget.validator_instructions),
            exceeded("allocations", group, allocations, &budget.validator_allocations),
        ]
        .into_iter()
        .flatten()
        .filter(|_| options.check)
        {
            bench.report.fail(format!("validator-lib, {over}"));
        }
    }
    bench.report.table(table);
    Ok(())
}

/// What the yardstick took, and what validator-lib.
fn count(scratch: &Path, group: &str) -> anyhow::Result<(Profile, Profile)> {
    let file = scratch.join(format!("{group}.callgrind"));
    let program = std::env::current_exe().context("where is this program?")?;
    let output = process::command("valgrind", None)
        .args(callgrind::OPTIONS)
        .arg(format!("--callgrind-out-file={}", file.display()))
        .args([format!("--toggle-collect={COUNTED}"), format!("--dump-after={COUNTED}")])
        .arg(program)
        .args(["count", group, OURS, &COUNT.to_string()])
        .output()
        .context("cannot run valgrind")?;
    let told = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "valgrind: {told}");
    let read = |number: u8| {
        let path = PathBuf::from(format!("{}.{number}", file.display()));
        Profile::parse(&std::fs::read_to_string(path).context("callgrind wrote no file")?)
    };
    Ok((read(1)?, read(2)?))
}

/// For each check.
#[expect(clippy::cast_precision_loss, reason = "fewer than 2^52 instructions")]
fn each(profile: &Profile, figure: fn(&Profile) -> u64) -> f64 {
    figure(profile) as f64 / f64::from(COUNT)
}

#[expect(clippy::cast_precision_loss, reason = "fewer than 2^52 instructions")]
fn profile(bench: &mut Bench, group: &str, yardstick: &Profile, ours: &Profile) {
    let before = |name: &str| yardstick.functions().find(|function| function.0 == name);
    let mut functions: Vec<(&str, f64)> = ours
        .functions()
        .map(|(name, cost)| (name, cost as f64 - before(name).map_or(0.0, |(_, cost)| cost as f64)))
        .map(|(name, more)| (name, more / f64::from(COUNT)))
        .collect();
    functions.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    let mut table = Table::new(
        format!("Where the instructions of {group} beyond the yardstick are"),
        ["", "a check"],
    );
    for (function, more) in functions.iter().take(super::SHOWN) {
        table.row([function.chars().take(110).collect(), format!("{more:.0}")]);
    }
    bench.report.table(table);
}
