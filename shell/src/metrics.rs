//! Owns: what a list of metrics is. A program counts nothing that is not in its list (DESIGN section 9): help,
//! buckets and the series that are there from the start all come from it.

mod shared;

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

pub use shared::{
    BUILD_INFO, CONFIG_LAST_RELOAD_SUCCESSFUL, CONFIG_RELOADS, OTEL_SPANS_DROPPED,
    OTEL_SPANS_EXPORTED, TLS_CERTIFICATE_EXPIRY, TLS_CERTIFICATE_RELOADS,
};

/// Buckets of durations in seconds, from 50 µs.
pub const FAST: &[f64] = &[
    0.000_05, 0.000_1, 0.000_2, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
    1.0, 5.0,
];

/// Buckets, in seconds, of what people wait for.
pub const SLOW: &[f64] = &[0.05, 0.1, 0.2, 0.5, 1.0, 1.8, 2.5, 4.0, 10.0, 60.0];

/// Buckets of numbers without a unit that are best near zero.
pub const SCORE: &[f64] = &[0.01, 0.05, 0.1, 0.25, 0.5, 1.0];

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Only grows; its name ends in `_total`.
    Counter,
    /// Goes up and down.
    Gauge,
    /// With the upper bounds of its buckets, ascending.
    Histogram(&'static [f64]),
}

impl Kind {
    /// As Prometheus calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram(_) => "histogram",
        }
    }
}

/// Which values a label has. None comes from a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Values {
    /// These and no others.
    All(&'static [&'static str]),
    /// These, and rarer ones that are as constant.
    Main(&'static [&'static str]),
    /// Those that the configuration names; the text says what they are.
    Configured(&'static str),
}

impl Values {
    /// Those that can be known before anything happens.
    pub const fn known(self) -> &'static [&'static str] {
        match self {
            Self::All(values) | Self::Main(values) => values,
            Self::Configured(_) => &[],
        }
    }
}

/// A label. Those of a metric are in the order in which the code gives them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Label {
    /// Its name.
    pub name: &'static str,
    /// Its values.
    pub values: Values,
}

impl Label {
    /// One with these values and no others.
    pub const fn all(name: &'static str, values: &'static [&'static str]) -> Self {
        Self { name, values: Values::All(values) }
    }

    /// One that mostly has these values.
    pub const fn main(name: &'static str, values: &'static [&'static str]) -> Self {
        Self { name, values: Values::Main(values) }
    }

    /// One whose values the configuration names.
    pub const fn configured(name: &'static str, what: &'static str) -> Self {
        Self { name, values: Values::Configured(what) }
    }
}

/// One metric of a program.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Metric {
    /// Its name, as Prometheus sees it.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// What it tells, in a sentence.
    pub help: &'static str,
    /// Its labels.
    pub labels: &'static [Label],
    /// When it is there, if not from the start.
    pub when: Option<&'static str>,
}

impl Metric {
    /// A counter.
    pub const fn counter(name: &'static str, help: &'static str, labels: &'static [Label]) -> Self {
        Self { name, kind: Kind::Counter, help, labels, when: None }
    }

    /// A gauge.
    pub const fn gauge(name: &'static str, help: &'static str, labels: &'static [Label]) -> Self {
        Self { name, kind: Kind::Gauge, help, labels, when: None }
    }

    /// A histogram.
    pub const fn histogram(
        name: &'static str,
        buckets: &'static [f64],
        help: &'static str,
        labels: &'static [Label],
    ) -> Self {
        Self { name, kind: Kind::Histogram(buckets), help, labels, when: None }
    }

    /// The same, which is there only so.
    #[must_use]
    pub const fn when(mut self, when: &'static str) -> Self {
        self.when = Some(when);
        self
    }

    /// Says what it tells, and makes what is there from the start: every series whose labels are known, at 0,
    /// because `increase` and `rate` do not see the event that makes a series.
    pub fn announce(&self) {
        match self.kind {
            Kind::Counter => describe_counter!(self.name, self.help),
            Kind::Gauge => describe_gauge!(self.name, self.help),
            Kind::Histogram(_) => describe_histogram!(self.name, self.help),
        }
        if self.when.is_none() {
            self.appear();
        }
    }

    /// Makes every series whose labels are known; none where the configuration names some.
    pub fn appear(&self) {
        for labels in self.known() {
            match self.kind {
                Kind::Counter => drop(counter!(self.name, &labels)),
                Kind::Gauge => drop(gauge!(self.name, &labels)),
                Kind::Histogram(_) => drop(histogram!(self.name, &labels)),
            }
        }
    }

    /// Every combination of known values.
    fn known(&self) -> Vec<Vec<(&'static str, &'static str)>> {
        self.labels.iter().fold(vec![Vec::new()], |combinations, label| {
            let with = |labels: &Vec<_>, value| {
                labels.iter().copied().chain([(label.name, value)]).collect()
            };
            let values = label.values.known();
            combinations
                .iter()
                .flat_map(|labels| values.iter().map(move |value| with(labels, *value)))
                .collect()
        })
    }
}

/// The row of `docs/METRICS.md`.
#[cfg(feature = "testing")]
impl std::fmt::Display for Metric {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let labels: Vec<String> = self.labels.iter().map(Label::to_string).collect();
        let when = self.when.map(|when| format!(" There {when}.")).unwrap_or_default();
        let (name, kind, labels) = (self.name, self.kind.name(), labels.join("; "));
        write!(f, "| `{name}` | {kind} | {labels} | {}{when} |", self.help)
    }
}

#[cfg(feature = "testing")]
impl std::fmt::Display for Label {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let list = |values: &[&str]| {
            values.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", ")
        };
        let values = match self.values {
            Values::All(values) => list(values),
            Values::Main(values) => format!("{}, …", list(values)),
            Values::Configured(what) => what.to_owned(),
        };
        write!(f, "`{}`: {values}", self.name)
    }
}

/// The table of `docs/METRICS.md`: a test of each program compares.
#[cfg(feature = "testing")]
pub fn table(metrics: &[Metric]) -> String {
    let rows: String = metrics.iter().map(|metric| format!("{metric}\n")).collect();
    format!("| metric | kind | labels | |\n|---|---|---|---|\n{rows}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::recorder;

    #[test]
    fn what_is_known_is_there_at_nought_before_anything_happens() {
        const LIST: &[Metric] = &[
            Metric::counter(
                "a_total",
                "A.",
                &[Label::all("x", &["1", "2"]), Label::main("y", &["3"])],
            ),
            Metric::counter("b_total", "B.", &[Label::configured("route", "ids of routes")]),
            Metric::counter("c_total", "C.", &[]).when("with a setting"),
            Metric::histogram("d_seconds", &[0.5], "D.", &[]),
        ];
        let recorder = recorder(&[LIST]).unwrap();
        metrics::with_local_recorder(&recorder, || LIST.iter().for_each(Metric::announce));
        let text = recorder.handle().render();
        for line in [
            "# HELP a_total A.",
            "# TYPE a_total counter",
            r#"a_total{x="1",y="3"} 0"#,
            r#"a_total{x="2",y="3"} 0"#,
            r#"d_seconds_bucket{le="0.5"} 0"#,
            "d_seconds_count 0",
        ] {
            assert!(text.lines().any(|told| told == line), "{line}\n{text}");
        }
        assert!(!text.contains("b_total") && !text.contains("c_total"), "{text}");
    }
}
