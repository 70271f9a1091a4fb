//! Owns: how results are told: tables for people, as text or Markdown, and one line of JSON for
//! programs.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use serde_json::{Map, Value};

/// A table.
#[derive(Debug, Clone)]
pub struct Table {
    title: String,
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table.
    pub fn new<'a>(title: impl Into<String>, head: impl IntoIterator<Item = &'a str>) -> Self {
        let head = head.into_iter().map(str::to_owned).collect();
        Self { title: title.into(), head, rows: Vec::new() }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The table as text.
    pub fn render(&self, markdown: bool) -> String {
        let all = || std::iter::once(&self.head).chain(&self.rows);
        let width = |column: usize| {
            all().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
        };
        let widths: Vec<usize> =
            (0..self.head.len()).map(|column| width(column).unwrap_or_default()).collect();
        let (edge, between) = if markdown { ("|", " |") } else { ("", " ") };
        let mut out = if markdown {
            format!("\n### {}\n\n", self.title)
        } else {
            format!("\n{}\n", self.title)
        };
        for (number, row) in all().enumerate() {
            let mut line = edge.to_owned();
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let pad = " ".repeat(width.saturating_sub(cell.chars().count()));
                // The first column names the row; the others hold figures.
                let (left, right) = if column == 0 { ("", pad) } else { (&*pad, String::new()) };
                // Writing to a `String` does not fail.
                let _infallible = write!(line, " {left}{cell}{right}{between}");
            }
            out.push_str(line.trim_end());
            out.push('\n');
            if markdown && number == 0 {
                let rule = |(column, width): (usize, &usize)| {
                    let dashes = "-".repeat(width + 1);
                    if column == 0 { format!("{dashes}-|") } else { format!("{dashes}:|") }
                };
                let rules: String = widths.iter().enumerate().map(rule).collect();
                out.push('|');
                out.push_str(&rules);
                out.push('\n');
            }
        }
        out
    }
}

/// All that a subcommand found.
#[derive(Debug, Default)]
pub struct Report {
    parts: Vec<Part>,
    json: Map<String, Value>,
    failures: Vec<String>,
}

#[derive(Debug)]
enum Part {
    Table(Table),
    Note(String),
}

impl Report {
    /// Adds a table.
    pub fn table(&mut self, table: Table) {
        self.parts.push(Part::Table(table));
    }

    /// Adds a line of text.
    pub fn note(&mut self, text: impl Into<String>) {
        self.parts.push(Part::Note(text.into()));
    }

    /// Says why a part was not measured.
    pub fn skipped(&mut self, what: &str, why: &str) {
        self.note(format!("{what}: skipped: {why}"));
        self.json.insert(what.to_owned(), serde_json::json!({ "skipped": why }));
    }

    /// Adds to the JSON.
    pub fn json(&mut self, name: &str, value: Value) {
        self.json.insert(name.to_owned(), value);
    }

    /// Says that a budget is exceeded; the whole run fails.
    pub fn fail(&mut self, what: String) {
        self.failures.push(what);
    }

    /// Whether no budget is exceeded so far.
    pub fn is_good(&self) -> bool {
        self.failures.is_empty()
    }

    /// Prints everything. `true` if no budget is exceeded.
    ///
    /// # Errors
    /// If the output is closed.
    pub fn print(mut self, markdown: bool, json: bool) -> io::Result<bool> {
        let good = self.is_good();
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Table(table) => out.push_str(&table.render(markdown)),
                Part::Note(text) => {
                    out.push('\n');
                    out.push_str(text);
                    out.push('\n');
                }
            }
        }
        for failure in &self.failures {
            out.push_str("\nOVER BUDGET: ");
            out.push_str(failure);
        }
        if !good {
            out.push('\n');
        }
        if json {
            self.json.insert("over_budget".to_owned(), Value::from(self.failures.clone()));
            out.push_str(&Value::Object(self.json).to_string());
            out.push('\n');
        }
        io::stdout().lock().write_all(out.as_bytes())?;
        Ok(good)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new("T", ["who", "us"]);
        table.row(["bare".to_owned(), "9".to_owned()]);
        table.row(["x".to_owned(), "10.5".to_owned()]);
        table
    }

    #[test]
    fn figures_stand_under_each_other() {
        assert_eq!(table().render(false), "\nT\n who     us\n bare     9\n x     10.5\n");
    }

    #[test]
    fn markdown_has_a_rule_below_the_head() {
        let expected =
            "\n### T\n\n| who  |   us |\n|------|-----:|\n| bare |    9 |\n| x    | 10.5 |\n";
        assert_eq!(table().render(true), expected);
    }
}
