//! Owns: telling what the rounds found.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::{Rounds, Slot, Variant};
use crate::bench::Bench;
use crate::report::Table;
use crate::statistics::{Spread, rounded};

type Figure = fn(&Slot) -> f64;

/// Adds one table for each demand, and everything as JSON.
pub(crate) fn tables(bench: &mut Bench, variants: &[Variant], rounds: &Rounds) {
    let mut demands: Vec<&str> = Vec::new();
    for slot in &rounds.slots {
        if !demands.contains(&slot.demand()) {
            demands.push(slot.demand());
        }
    }
    for demand in &demands {
        let mut table = Table::new(
            title(demand),
            ["", "CPU us", "x bare", "requests/s", "x bare", "p50 us", "p99 us", "p99.9 us"],
        );
        for variant in variants {
            let spread = |figure: Figure| rounds.spread(demand, variant.name, figure);
            let ratio = |figure: Figure| rounds.ratio(demand, variant.name, figure);
            table.row([
                variant.name.to_owned(),
                median(spread(|slot| slot.cpu_us), 2),
                show(ratio(|slot| slot.cpu_us)),
                median(spread(|slot| slot.rps), 0),
                show(ratio(|slot| slot.rps)),
                median(spread(|slot| slot.p50), 0),
                median(spread(|slot| slot.p99), 0),
                median(spread(|slot| slot.p999), 0),
            ]);
        }
        bench.report.table(table);
    }
    let mut about = String::new();
    for variant in variants {
        // Writing to a `String` does not fail.
        let _infallible = writeln!(about, "- {}: {}", variant.name, variant.about);
        let by_demand: Map<String, Value> = demands
            .iter()
            .map(|demand| ((*demand).to_owned(), as_json(rounds, demand, variant.name)))
            .collect();
        bench.report.json(variant.name, Value::Object(by_demand));
    }
    bench.report.note(about.trim_end());
    let (noisy, all) = rounds.disturbed();
    bench.report.note(format!(
        "Medians of {} rounds, with the least and the greatest; ratios within each round. In {noisy} of \
         {all} slots other programs took much CPU time; these do not count where most slots were good.",
        bench.options.rounds()
    ));
}

fn title(demand: &str) -> String {
    match demand {
        "half" => "Half of its own greatest rate, 64 connections".to_owned(),
        "3000/s" => "3000 requests a second, 64 connections".to_owned(),
        connections => format!("Closed loop, {connections} connections"),
    }
}

fn as_json(rounds: &Rounds, demand: &str, variant: &str) -> Value {
    let median = |figure: Figure| {
        rounds.spread(demand, variant, figure).map(|spread| rounded(spread.median, 2))
    };
    let ratio = |figure: Figure| rounds.ratio(demand, variant, figure).map(three);
    let cpu = ratio(|slot| slot.cpu_us);
    let rps = ratio(|slot| slot.rps);
    json!({
        "cpu_us": median(|slot| slot.cpu_us),
        "cpu_ratio": cpu.map(|spread| spread.median),
        "cpu_ratio_range": cpu.map(|spread| [spread.min, spread.max]),
        "rps": median(|slot| slot.rps),
        "rps_ratio": rps.map(|spread| spread.median),
        "rps_ratio_range": rps.map(|spread| [spread.min, spread.max]),
        "p50_us": median(|slot| slot.p50),
        "p99_us": median(|slot| slot.p99),
        "p999_us": median(|slot| slot.p999),
        "foreign": median(|slot| slot.foreign),
    })
}

fn three(spread: Spread) -> Spread {
    let three = |value| rounded(value, 3);
    Spread { median: three(spread.median), min: three(spread.min), max: three(spread.max) }
}

fn median(spread: Option<Spread>, decimals: usize) -> String {
    spread.map_or_else(|| "-".to_owned(), |spread| format!("{:.decimals$}", spread.median))
}

fn show(spread: Option<Spread>) -> String {
    spread.map_or_else(|| "-".to_owned(), |spread| spread.show(2))
}
