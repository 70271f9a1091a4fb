//! What must hold of every answer, and what came of a fault as one line.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use tokio::time::Instant;

use crate::client::{Seen, Way, Who};
use crate::fault::Fault;

/// Fewer answers before or after a fault tell nothing.
const ENOUGH: usize = 10;

/// A part, what happens to it, and what living sessions may be told meanwhile in place of 2xx.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) part: &'static str,
    pub(crate) fault: Fault,
    /// Behind verify; 0 is no answer at all.
    pub(crate) verify: &'static [u16],
    /// Behind the proxy.
    pub(crate) proxy: &'static [u16],
}

/// When what happened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// The fault.
    pub(crate) gone: Instant,
    /// The part is there again, or another in its place.
    pub(crate) back: Instant,
    /// From now on everything is as before.
    pub(crate) done: Instant,
    /// The session that was ended meanwhile is known to be.
    pub(crate) ended: Instant,
}

/// What came of a fault.
pub(crate) struct Line {
    case: Case,
    requests: usize,
    well: usize,
    others: BTreeMap<u16, usize>,
    strangers: usize,
    gap: Duration,
    back: Duration,
    pub(crate) complaints: Vec<String>,
}

/// Looks at every answer.
pub(crate) fn judge(case: Case, times: Times, seen: &[Seen]) -> Line {
    let live: Vec<_> = seen.iter().filter(|seen| seen.who == Who::Live).collect();
    let well = |seen: &&&Seen| seen.status == 200;
    let mut others = BTreeMap::new();
    for seen in live.iter().filter(|seen| seen.status != 200) {
        *others.entry(seen.status).or_default() += 1;
    }
    let last = live.iter().rfind(|seen| seen.status != 200);
    let mut complaints = BTreeMap::<String, (usize, Duration)>::new();
    for seen in seen {
        if let Some(complaint) = complaint(&case, &times, seen) {
            let text =
                format!("{:?} {:?} {} {}: {complaint}", seen.who, seen.way, seen.status, seen.said);
            let first = seen.sent.saturating_duration_since(times.gone);
            complaints.entry(text).or_insert((0, first)).0 += 1;
        }
    }
    let mut complaints: Vec<_> = complaints
        .into_iter()
        .map(|(text, (often, first))| {
            format!("{} {}: {text}, {often} times from {first:?}", case.part, case.fault)
        })
        .collect();
    let sides = [
        ("before", live.iter().filter(|seen| seen.heard < times.gone).count()),
        ("after", live.iter().filter(|seen| seen.sent > times.done).count()),
    ];
    for (side, count) in sides.iter().filter(|(_, count)| *count < ENOUGH) {
        complaints.push(format!("{} {}: {count} requests {side}", case.part, case.fault));
    }
    Line {
        case,
        requests: live.len(),
        well: live.iter().filter(well).count(),
        others,
        strangers: seen.iter().filter(|seen| matches!(seen.who, Who::Nobody | Who::Ended)).count(),
        gap: gap(&live, Way::Verify).max(gap(&live, Way::Proxy)),
        back: last.map_or(Duration::ZERO, |last| last.sent.saturating_duration_since(times.back)),
        complaints,
    }
}

/// What is wrong with an answer.
fn complaint(case: &Case, times: &Times, seen: &Seen) -> Option<&'static str> {
    let admitted = match seen.way {
        Way::Verify => case.verify.contains(&seen.status),
        Way::Proxy => case.proxy.contains(&seen.status),
    };
    let is_well = (200..300).contains(&seen.status);
    match seen.who {
        _ if seen.is_wrong => Some("of somebody else"),
        Who::Live if is_well => None,
        Who::Live if !admitted => Some("not to be told so"),
        Who::Live if seen.heard < times.gone => Some("before anything happened"),
        Who::Live if seen.sent > times.done => Some("when all should be well"),
        // Its refresh may be under way at what is gone, and be waited for.
        Who::Renewing if matches!(seen.status, 401 | 403) => Some("not to be told so"),
        Who::Live | Who::Renewing => None,
        Who::Ending if is_well && seen.sent > times.ended => Some("after it was ended"),
        Who::Ending if is_well || admitted || matches!(seen.status, 401 | 503) => None,
        Who::Nobody | Who::Ended if is_well => Some("let in"),
        Who::Nobody | Who::Ended if admitted || matches!(seen.status, 401 | 503) => None,
        Who::Nobody | Who::Ended | Who::Ending => Some("neither refused nor put off"),
    }
}

/// The longest time between two requests that went well, from answer to answer.
fn gap(live: &[&Seen], way: Way) -> Duration {
    let well = live.iter().filter(|seen| seen.way == way && seen.status == 200);
    let mut heard: Vec<_> = well.map(|seen| seen.heard).collect();
    heard.sort();
    heard.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default()
}

/// What the line begins with.
pub(crate) const HEAD: &str =
    "| part | fault | requests | 200 | others | strangers | longest gap | back after |";

impl fmt::Display for Line {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { case, requests, well, others, strangers, gap, back, .. } = self;
        let others: Vec<_> =
            others.iter().map(|(status, often)| format!("{often} × {status}")).collect();
        write!(
            formatter,
            "| {} | {} | {requests} | {well} | {} | {strangers} | {:.2} s | {:.2} s |",
            case.part,
            case.fault,
            if others.is_empty() { "none".to_owned() } else { others.join(", ") },
            gap.as_secs_f64(),
            back.as_secs_f64(),
        )
    }
}
