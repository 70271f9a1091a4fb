//! Owns: `telemetry` of `bff.yaml`: what pages may name in their reports. Labels of metrics come from here.

use std::collections::BTreeSet;

use serde::Deserialize;
use shell::config::Settings;

/// Most names of a list, so that the number of series stays bounded.
const MOST: usize = 32;
/// Longest name.
const LONGEST: usize = 40;
/// What every page may report.
const OURS: [&str; 6] = ["lcp", "fcp", "inp", "ttfb", "cls", "errors"];

/// What pages may name beside what every page may report.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Telemetry {
    /// Pages; any other is `other`.
    pub pages: BTreeSet<String>,
    /// Events that are counted.
    pub events: BTreeSet<String>,
}

/// As it is written.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct TelemetryFile {
    #[serde(default)]
    #[expect(dead_code, reason = "for people")]
    description: Option<String>,
    /// At most 32 names of pages; any other is told as other.
    #[serde(default)]
    pages: Vec<String>,
    /// At most 32 names of events of yours.
    #[serde(default)]
    events: Vec<String>,
}

impl TelemetryFile {
    /// The names, noting all problems in `settings`.
    pub(super) fn parse(self, settings: &mut Settings) -> Telemetry {
        let taken = |name: &String| OURS.contains(&name.as_str());
        if self.events.iter().any(taken) {
            let hint = "Choose another name; these are counted anyway.";
            settings.problem("bff.yaml: telemetry: events", "holds a name of our own", hint);
        }
        let mut names = |key: &str, names: Vec<String>| {
            let place = format!("bff.yaml: telemetry: {key}");
            if !names.iter().all(|name| is_name(name)) {
                let hint = "Use a letter, then letters, digits and underscores, all lower case; at most 40.";
                settings.problem(&place, "holds something that is no name", hint);
            }
            if names.len() > MOST {
                settings.problem(&place, "is longer than 32 names", "Name fewer.");
            }
            names.into_iter().collect()
        };
        Telemetry { pages: names("pages", self.pages), events: names("events", self.events) }
    }
}

fn is_name(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    name.len() <= LONGEST
        && name.bytes().next().is_some_and(|first| first.is_ascii_lowercase())
        && name.bytes().all(inner)
}
