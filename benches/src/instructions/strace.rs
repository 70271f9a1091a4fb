//! Owns: the system calls of a request, the slope between two runs under strace.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::json;

use super::END;
use super::budget::{Budget, exceeded};
use super::subject::{Kind, Subject};
use super::syscalls::{self, Calls};
use crate::bench::{Bench, progress};
use crate::programs::{Launch, Redis};
use crate::report::Table;
use crate::statistics::rounded;

/// Requests of the two runs.
const FEW: u64 = 500;
const MANY: u64 = 8_500;

/// Counts, and compares with the budget if there is one.
pub(super) fn run(
    bench: &mut Bench,
    redis: &Redis,
    subjects: &[Subject],
    budget: Option<&Budget>,
) -> anyhow::Result<()> {
    let mut table =
        Table::new("System calls of one request (strace)", ["", "connections", "all", "kinds"]);
    for subject in subjects.iter().filter(|subject| subject.status == 200) {
        for connections in [8, 64] {
            progress(&format!("strace: {}, {connections} connections", subject.name));
            let few = under_strace(bench, redis, subject, connections, FEW)?;
            let many = under_strace(bench, redis, subject, connections, MANY)?;
            let by_name = syscalls::slope(&few, &many, MANY - FEW)?;
            let all: f64 = by_name.values().sum();
            let name = format!("{}/{connections}", subject.name);
            table.row([
                subject.name.to_owned(),
                connections.to_string(),
                format!("{all:.2}"),
                kinds(&by_name),
            ]);
            bench.report.json(
                &format!("syscalls/{name}"),
                json!({ "all": rounded(all, 3), "wakes": rounded(wakes(&by_name), 4) }),
            );
            let Some(budget) = budget else { continue };
            let wakes = wakes(&by_name);
            if matches!(subject.kind, Kind::Strict | Kind::Tracking) && wakes > budget.wakes {
                bench
                    .report
                    .fail(format!("{name}: threads wake each other {wakes:.4} times a request"));
            }
            if let Some(over) = exceeded("system calls", &name, all, &budget.syscalls) {
                bench.report.fail(over);
            }
        }
    }
    bench.report.table(table);
    Ok(())
}

fn wakes(calls: &BTreeMap<String, f64>) -> f64 {
    syscalls::WAKES.iter().filter_map(|name| calls.get(*name)).sum()
}

fn kinds(calls: &BTreeMap<String, f64>) -> String {
    let seen = calls.iter().filter(|(_, count)| **count >= 0.005);
    seen.map(|(name, count)| format!("{name} {count:.2}")).collect::<Vec<_>>().join(", ")
}

fn under_strace(
    bench: &Bench,
    redis: &Redis,
    subject: &Subject,
    connections: usize,
    count: u64,
) -> anyhow::Result<Calls> {
    let file = bench.scratch.path().join("strace.out");
    drop(std::fs::remove_file(&file));
    // `-D`: the process that was started is the program, and strace looks on.
    let words = ["strace", "-D", "-f", "-c", "-o", &file.display().to_string()];
    let wrapper = words.map(str::to_owned).to_vec();
    let launch = Launch { wrapper, ..bench.launch() };
    let (service, mut load) = subject.warm(&launch, redis, connections)?;
    subject.ask(&mut load, count)?;
    drop(load);
    service.process.stop(END)?;
    let asked = Instant::now();
    loop {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        if let Some(calls) = syscalls::parse(&text) {
            return Ok(calls);
        }
        anyhow::ensure!(asked.elapsed() < END, "strace wrote no summary");
        std::thread::sleep(Duration::from_millis(5));
    }
}
