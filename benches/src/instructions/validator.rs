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

/// Checks of the two runs.
const FEW: u32 = 20;
const MANY: u32 = 220;

/// Counts, and compares with the budget if that is asked for.
pub(super) fn run(bench: &mut Bench, options: &Options, budget: &Budget) -> anyhow::Result<()> {
    let title = "Of one check by validator-lib (callgrind; without the blocks of SHA-256)";
    let mut table = Table::new(title, ["", "yardstick", "beyond it", "allocations beyond it"]);
    // How many tokens are known is no matter of instructions.
    for group in groups::KEYS.into_iter().filter(|key| *key != "known-1000") {
        progress(&format!("callgrind: validator-lib, {group}"));
        let scratch = bench.scratch.path();
        let (few, many) = (count(scratch, group, FEW)?, count(scratch, group, MANY)?);
        let each = |figure: fn(&Profile) -> u64| {
            (slope(&few.0, &many.0, figure), slope(&few.1, &many.1, figure))
        };
        let (needed, taken) = each(Profile::instructions);
        let instructions = taken - needed;
        let (needed_allocations, allocations) = each(Profile::allocations);
        let allocations = allocations - needed_allocations;
        table.row([
            group.to_owned(),
            format!("{needed:.0}"),
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
            profile(bench, group, &many.0, &many.1);
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
fn count(scratch: &Path, group: &str, count: u32) -> anyhow::Result<(Profile, Profile)> {
    let file = scratch.join(format!("{group}.callgrind"));
    let program = std::env::current_exe().context("where is this program?")?;
    let output = process::command("valgrind", None)
        .args(callgrind::OPTIONS)
        .arg(format!("--callgrind-out-file={}", file.display()))
        .args([format!("--toggle-collect={COUNTED}"), format!("--dump-after={COUNTED}")])
        .arg(program)
        .args(["count", group, OURS, &count.to_string()])
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

/// For each check. callgrind counts calls from the start of a program, whatever it is told to collect;
/// what came before drops out.
#[expect(clippy::cast_precision_loss, reason = "fewer than 2^52 instructions")]
fn slope(few: &Profile, many: &Profile, figure: fn(&Profile) -> u64) -> f64 {
    (figure(many) as f64 - figure(few) as f64) / f64::from(MANY - FEW)
}

#[expect(clippy::cast_precision_loss, reason = "fewer than 2^52 instructions")]
fn profile(bench: &mut Bench, group: &str, yardstick: &Profile, ours: &Profile) {
    let before = |name: &str| yardstick.functions().find(|function| function.0 == name);
    let mut functions: Vec<(&str, f64)> = ours
        .functions()
        .map(|(name, cost)| (name, cost as f64 - before(name).map_or(0.0, |(_, cost)| cost as f64)))
        .map(|(name, more)| (name, more / f64::from(MANY)))
        .collect();
    functions.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    let mut table = Table::new(
        format!("Where the instructions of {group} beyond the yardstick are"),
        ["", "a check"],
    );
    for (function, more) in functions.iter().take(callgrind::SHOWN) {
        table.row([function.chars().take(110).collect(), format!("{more:.0}")]);
    }
    bench.report.table(table);
}
