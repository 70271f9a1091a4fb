//! Owns: telling what the rounds found, and when a limit counts as missed.

use serde_json::{Map, Value, json};

use super::ours::OURS;
use super::rounds::{Found, Row};
use crate::report::{Report, Table};
use crate::statistics::{Spread, rounded};

/// A machine noisier than this is no excuse.
const MOST_NOISE: f64 = 0.03;

/// Adds a table for each group, and everything as JSON.
pub(super) fn tables(report: &mut Report, all: &[Found]) {
    for found in all {
        let noise = noise(found);
        let mut table =
            Table::new(&*found.title, ["", "x yardstick", "x validator-lib", "at most"]);
        let cells = |name: &str, ratio: Spread, over: Option<Spread>, limit: Option<f64>| {
            let over = over.map_or_else(|| "-".to_owned(), |over| over.show(2));
            let limit = limit.map_or_else(|| "-".to_owned(), |limit| format!("{limit:.2}"));
            [name.to_owned(), ratio.show(3), over, limit]
        };
        table.row(cells("the yardstick again", found.again, None, None));
        for row in &found.rows {
            let over = row.over_ours.filter(|_| row.name != OURS);
            table.row(cells(&row.name, row.ratio, over, row.limit));
            if let Some(limit) = row.limit.filter(|limit| row.ratio.median > limit + noise) {
                report.fail(format!(
                    "{}: {} takes {:.3} x the yardstick, at most {limit:.2} (noise {noise:.3})",
                    found.key, row.name, row.ratio.median
                ));
            }
        }
        report.table(table);
        report.json(&found.key, as_json(found, noise));
    }
}

/// How far the yardstick's second slot was from its first in the worst round: less than that, no
/// ratio of this run can tell.
fn noise(found: &Found) -> f64 {
    let away = (found.again.max - 1.0).abs().max((found.again.min - 1.0).abs());
    away.min(MOST_NOISE)
}

fn as_json(found: &Found, noise: f64) -> Value {
    let range =
        |spread: Spread| [spread.median, spread.min, spread.max].map(|value| rounded(value, 3));
    let row = |row: &Row| {
        let value = json!({
            "ratio": range(row.ratio),
            "over_ours": row.over_ours.map(range),
            "at_most": row.limit,
        });
        (row.name.clone(), value)
    };
    let mut members: Map<String, Value> = found.rows.iter().map(row).collect();
    members.insert("yardstick again".to_owned(), json!(range(found.again)));
    members.insert("noise".to_owned(), json!(rounded(noise, 3)));
    Value::Object(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(ratio: f64, again: (f64, f64)) -> Found {
        let flat = |median| Spread { median, min: median, max: median };
        let row =
            Row { name: OURS.to_owned(), ratio: flat(ratio), over_ours: None, limit: Some(1.05) };
        let again = Spread { median: 1.0, min: again.0, max: again.1 };
        Found { key: "k".to_owned(), title: "t".to_owned(), again, rows: vec![row] }
    }

    fn good(found: Found) -> bool {
        let mut report = Report::default();
        tables(&mut report, &[found]);
        report.is_good()
    }

    #[test]
    fn a_limit_is_missed_by_more_than_the_yardstick_misses_itself() {
        assert!(good(found(1.05, (1.0, 1.0))));
        assert!(!good(found(1.06, (1.0, 1.0))));
        assert!(good(found(1.06, (0.98, 1.0))));
        assert!(!good(found(1.09, (1.0, 1.4))), "no noise excuses everything");
    }
}
