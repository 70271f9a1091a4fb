//! Owns: reading the summary of `strace -c`.

use std::collections::BTreeMap;

use anyhow::Context as _;

/// Calls by name.
pub(super) type Calls = BTreeMap<String, u64>;

/// Reads a summary; `None` while it is not whole.
pub(super) fn parse(text: &str) -> Option<Calls> {
    // % time, seconds, usecs/call, calls, [errors,] syscall
    let rows = text.lines().map(|line| line.split_ascii_whitespace().collect::<Vec<_>>());
    let mut calls = Calls::new();
    for row in rows {
        let (Some(name), Some(count)) = (row.last(), row.get(3)) else { continue };
        let Ok(count) = count.parse() else { continue };
        if *name == "total" {
            return Some(calls);
        }
        calls.insert((*name).to_owned(), count);
    }
    None
}

/// How many more calls of each kind `more` has, for each of `requests`.
pub(super) fn slope(
    less: &Calls,
    more: &Calls,
    requests: u64,
) -> anyhow::Result<BTreeMap<String, f64>> {
    anyhow::ensure!(requests > 0, "no requests");
    let requests = f64::from(u32::try_from(requests).context("too many requests")?);
    let count = |calls: &Calls, name: &String| {
        calls.get(name).copied().and_then(|count| u32::try_from(count).ok()).map_or(0.0, f64::from)
    };
    let slope = |name: &String| (count(more, name) - count(less, name)) / requests;
    Ok(more.keys().map(|name| (name.clone(), slope(name))).collect())
}

/// Calls with which threads wake each other: none belongs on the way of a request. An `eventfd` is
/// written with `write`, a socket with `sendto` or `writev`.
pub(super) const WAKES: [&str; 2] = ["futex", "write"];

#[cfg(test)]
mod tests {
    use super::*;

    const SUMMARY: &str = "\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 60.00    0.000600           6       100           recvfrom
 40.00    0.000400           4       300        20 sendto
------ ----------- ----------- --------- --------- ----------------
100.00    0.001000           5       400        20 total
";

    #[test]
    fn each_call_has_its_count_with_and_without_errors() {
        let calls = parse(SUMMARY).unwrap();
        assert_eq!(calls.get("recvfrom"), Some(&100));
        assert_eq!(calls.get("sendto"), Some(&300));
        assert_eq!(calls.len(), 2);
    }

    #[test]
    fn half_a_summary_is_none() {
        assert_eq!(parse(SUMMARY.split_at(200).0), None);
        assert_eq!(parse(""), None);
    }

    #[test]
    fn the_slope_leaves_out_what_happens_once() {
        let less = Calls::from([("mmap".to_owned(), 50), ("sendto".to_owned(), 100)]);
        let more = Calls::from([("mmap".to_owned(), 50), ("sendto".to_owned(), 300)]);
        let slope = slope(&less, &more, 100).unwrap();
        assert_eq!(slope.get("mmap"), Some(&0.0));
        assert_eq!(slope.get("sendto"), Some(&2.0));
    }
}
