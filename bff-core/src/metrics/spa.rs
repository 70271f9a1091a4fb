//! Owns: what pages report of themselves, as metrics. Labels are names that the configuration lists.

use std::time::Duration;

use metrics::{counter, histogram};

/// One thing that a page reports.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SpaEvent<'a> {
    /// A time of the Web Vitals.
    Vital {
        /// `lcp`, `fcp`, `inp`, `ttfb`.
        vital: &'static str,
        /// The page.
        page: &'a str,
        /// The time.
        time: Duration,
    },
    /// How much the page shifted while it was looked at (CLS).
    Shift {
        /// The page.
        page: &'a str,
        /// The sum of the shifts.
        score: f64,
    },
    /// Errors of script.
    Errors {
        /// The page.
        page: &'a str,
        /// How many.
        times: u32,
    },
    /// An event that the configuration lists.
    Listed {
        /// Its name.
        event: &'a str,
        /// The page.
        page: &'a str,
        /// How often.
        times: u32,
    },
    /// Something that does not count: `name`, `value`.
    Rejected(&'static str),
}

/// An event of a report.
pub fn spa_event(event: &SpaEvent<'_>) {
    match *event {
        SpaEvent::Vital { vital, page, time } => {
            histogram!("bff_spa_vital_seconds", "vital" => vital, "page" => page.to_owned())
                .record(time);
        }
        SpaEvent::Shift { page, score } => {
            histogram!("bff_spa_layout_shift_score", "page" => page.to_owned()).record(score);
        }
        SpaEvent::Errors { page, times } => {
            counter!("bff_spa_errors_total", "page" => page.to_owned()).increment(times.into());
        }
        SpaEvent::Listed { event, page, times } => {
            let labels = [("event", event.to_owned()), ("page", page.to_owned())];
            counter!("bff_spa_events_total", &labels).increment(times.into());
        }
        SpaEvent::Rejected(reason) => {
            counter!("bff_spa_rejected_total", "reason" => reason).increment(1);
        }
    }
}
