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
use crate::programs::Redis;
use crate::report::Table;
use crate::rounds::Variant;
use crate::statistics::rounded;

const COUNTED: u64 = 3_000;
const CONNECTIONS: usize = 8;

/// Counts each variant; the bare proxy comes first and is what the others are compared with.
///
/// # Errors
/// If a program does not start, or an answer has not the status that it must have.
pub(super) fn run(bench: &mut Bench, redis: &Redis, options: &Options) -> anyhow::Result<()> {
    let launch = callgrind::under(bench.launch());
    let budget = Budget::read(&options.budget)?;
    let variants = Variants::start(bench, &launch, redis, options)?;
    let mut table = Table::new(
        format!("Of one proxied request, {CONNECTIONS} connections (callgrind)"),
        ["", "instructions", "without hashing", "x bare", "allocations"],
    );
    let mut bare = None;
    for variant in &variants.all {
        progress(&format!("callgrind: {}", variant.name));
        let profile = count(variant, &launch.scratch)?;
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
            bench.report.table(callgrind::table(variant.name, &profile.dearest(COUNTED)));
        }
    }
    bench.report.table(table);
    Ok(())
}

fn count(variant: &Variant, scratch: &Path) -> anyhow::Result<Profile> {
    let mut load = Load::connect(variant.address, CONNECTIONS, &variant.requests)?;
    let mut ask = |count| {
        load.run(Pace::Closed, Stop::Count(count))?.all(variant.status).context(variant.name)
    };
    ask(2 * SESSIONS)?;
    callgrind::count(scratch, variant.pid, || ask(COUNTED))
}

/// For each request.
fn each(count: u64) -> f64 {
    callgrind::each(count, COUNTED)
}
