//! Owns: what a page may report, and within which bounds.

use std::borrow::Cow;
use std::time::Duration;

use serde::Deserialize;

use crate::config::Telemetry;
use crate::metrics::SpaEvent;

/// Most events of one report.
const MOST: usize = 32;
/// Longest time that a page can have taken, in milliseconds.
const LONGEST: f64 = 600_000.0;
/// Most that a page can have shifted.
const WILDEST: f64 = 100.0;
/// Most occurrences that one event can stand for.
const OFTEN: u32 = 1_000;

/// The page of who names none, or one that is not listed.
const OTHER: &str = "other";

/// A report as it is sent: `{"events": [{"name": "lcp", "value": 1234.5, "page": "orders"}]}`. A member that
/// is not known refuses the whole: it may be text of a user's.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Report<'a> {
    #[serde(borrow)]
    events: Vec<Sent<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sent<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    /// Milliseconds of a time, the sum of shifts, or how often; once where it is left out.
    #[serde(default)]
    value: Option<f64>,
    #[serde(borrow, default)]
    page: Option<Cow<'a, str>>,
}

impl<'a> Report<'a> {
    /// Reads a report.
    ///
    /// # Errors
    /// The code of what is wrong with it.
    pub(super) fn parse(body: &'a [u8]) -> Result<Self, &'static str> {
        // serde takes a JSON array for a struct as well.
        let object = body.trim_ascii_start().starts_with(b"{").then_some(body);
        let report = object.and_then(|body| serde_json::from_slice::<Self>(body).ok());
        let report = report.ok_or("report_unreadable")?;
        if report.events.len() > MOST { Err("report_too_long") } else { Ok(report) }
    }

    /// What counts of it. A name that nobody listed, or a number out of bounds, counts as just that.
    pub(super) fn events<'b>(&'b self, known: &'b Telemetry) -> impl Iterator<Item = SpaEvent<'b>> {
        self.events.iter().map(|sent| sent.judged(known))
    }
}

impl Sent<'_> {
    fn judged<'b>(&'b self, known: &'b Telemetry) -> SpaEvent<'b> {
        let page = self.page.as_deref().unwrap_or_default();
        let page = known.pages.get(page).map_or(OTHER, String::as_str);
        let vital = |vital| match self.number(LONGEST) {
            Some(number) => {
                SpaEvent::Vital { vital, page, time: Duration::from_secs_f64(number / 1_000.0) }
            }
            None => SpaEvent::Rejected("value"),
        };
        match &*self.name {
            "lcp" => vital("lcp"),
            "fcp" => vital("fcp"),
            "inp" => vital("inp"),
            "ttfb" => vital("ttfb"),
            "cls" => match self.number(WILDEST) {
                Some(score) => SpaEvent::Shift { page, score },
                None => SpaEvent::Rejected("value"),
            },
            "errors" => match self.times() {
                Some(times) => SpaEvent::Errors { page, times },
                None => SpaEvent::Rejected("value"),
            },
            name => match (known.events.get(name), self.times()) {
                (Some(event), Some(times)) => SpaEvent::Listed { event, page, times },
                (None, _) => SpaEvent::Rejected("name"),
                (_, None) => SpaEvent::Rejected("value"),
            },
        }
    }

    fn number(&self, most: f64) -> Option<f64> {
        self.value.filter(|value| (0.0..=most).contains(value))
    }

    fn times(&self) -> Option<u32> {
        let value = self.value.unwrap_or(1.0);
        (1..=OFTEN).find(|times| (f64::from(*times) - value).abs() < f64::EPSILON)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn known() -> Telemetry {
        let set = |names: [&str; 2]| names.map(str::to_owned).into();
        Telemetry { pages: set(["home", "orders"]), events: set(["checkout", "search"]) }
    }

    fn judged(event: &str) -> String {
        let text = format!("{{\"events\":[{event}]}}");
        match Report::parse(text.as_bytes()) {
            Ok(report) => report.events(&known()).map(|event| format!("{event:?}")).collect(),
            Err(code) => code.to_owned(),
        }
    }

    #[test]
    fn numbers_within_bounds_count() {
        let lcp = judged(r#"{"name":"lcp","value":1250,"page":"orders"}"#);
        assert_eq!(lcp, r#"Vital { vital: "lcp", page: "orders", time: 1.25s }"#);
        let cls = judged(r#"{"name":"cls","value":0.25,"page":"home"}"#);
        assert_eq!(cls, r#"Shift { page: "home", score: 0.25 }"#);
        assert_eq!(judged(r#"{"name":"errors"}"#), r#"Errors { page: "other", times: 1 }"#);
        let listed = judged(r#"{"name":"checkout","value":3,"page":"nowhere"}"#);
        assert_eq!(listed, r#"Listed { event: "checkout", page: "other", times: 3 }"#);
        for value in ["-1", "600001", "1e99"] {
            let event = format!("{{\"name\":\"inp\",\"value\":{value}}}");
            assert_eq!(judged(&event), r#"Rejected("value")"#, "{value}");
        }
        for value in ["0", "1.5", "1001", "-3"] {
            let event = format!("{{\"name\":\"errors\",\"value\":{value}}}");
            assert_eq!(judged(&event), r#"Rejected("value")"#, "{value}");
        }
    }

    /// Nothing that a user may have typed gets anywhere.
    #[test]
    fn text_is_no_name_and_no_member() {
        assert_eq!(judged(r#"{"name":"alice@example.com"}"#), r#"Rejected("name")"#);
        let page = judged(r#"{"name":"errors","page":"alice"}"#);
        assert!(page.contains("other") && !page.contains("alice"), "{page}");
        for refused in [
            r#"{"name":"errors","message":"alice"}"#,
            r#"{"name":"errors","value":"alice"}"#,
            r#"{"name":"errors","name":"errors"}"#,
            r#"{"value":1}"#,
        ] {
            assert_eq!(judged(refused), "report_unreadable", "{refused}");
        }
        let event = r#"{"name":"errors"},"#.repeat(32);
        assert_eq!(judged(&format!(r#"{event}{{"name":"errors"}}"#)), "report_too_long");
    }

    proptest! {
        #[test]
        fn no_body_is_a_crash(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let read = Report::parse(&body).map(|report| report.events.len());
            prop_assert!(read.is_err() || read.is_ok_and(|events| events <= 32));
        }

        #[test]
        fn labels_are_ours_alone(name in ".{0,20}", page in ".{0,20}", value in any::<f64>()) {
            let body = serde_json::json!({
                "events": [{ "name": name, "page": page, "value": value }]
            });
            let body = body.to_string();
            let Ok(report) = Report::parse(body.as_bytes()) else { return Ok(()) };
            let known = known();
            for event in report.events(&known) {
                let page = match event {
                    SpaEvent::Vital { page, .. } | SpaEvent::Shift { page, .. }
                    | SpaEvent::Errors { page, .. } | SpaEvent::Listed { page, .. } => page,
                    SpaEvent::Rejected(_) => OTHER,
                };
                prop_assert!([OTHER, "home", "orders"].contains(&page));
            }
        }
    }
}
