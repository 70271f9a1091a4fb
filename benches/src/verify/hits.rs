//! Owns: that the cache is measured where it knows 99 of 100 sessions, and telling whether it did.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::Context as _;
use serde_json::json;

use super::variants::Variants;
use crate::bench::Bench;
use crate::load::{Pace, Stop};
use crate::statistics::rounded;

/// Requests for each session in one slot: the first of them is no hit, for between two slots the
/// cache's entries grow too old.
const EACH: f64 = 100.0;
/// Less than any machine answers in a second in a closed loop.
const CLOSED: f64 = 40_000.0;
/// The metrics are told once a second.
const TOLD: Duration = Duration::from_millis(1_500);

/// As many of `requests`, each of another session, as one slot asks for often enough.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a number of requests, which is small and positive"
)]
pub(super) fn of(requests: &[Vec<u8>], pace: Pace, stop: Stop) -> &[Vec<u8>] {
    let Stop::After(slot) = stop else { return requests };
    let rate = match pace {
        Pace::Closed => CLOSED,
        Pace::Rate(rate) => rate,
    };
    let sessions = (rate * slot.as_secs_f64() / EACH).max(1.0) as usize;
    requests.get(..sessions).unwrap_or(requests)
}

/// Tells how many of all requests, the first of each session included, the cache could answer.
pub(super) fn report(bench: &mut Bench, variants: &Variants) -> anyhow::Result<()> {
    let Some((name, admin)) = variants.cache else { return Ok(()) };
    std::thread::sleep(TOLD);
    let text = metrics(admin)?;
    let count = |result: &str| {
        let begin = format!("forwardauth_cache_requests_total{{result=\"{result}\"}} ");
        let line = text.lines().find_map(|line| line.strip_prefix(begin.as_str()));
        line.and_then(|count| count.parse::<f64>().ok()).context("no metrics of the cache")
    };
    let (hits, misses) = (count("hit")?, count("miss")?);
    let share = hits / (hits + misses) * 100.0;
    bench.report.note(format!("{name}: {share:.2} % of its requests were hits."));
    bench.report.json("cache_hits_percent", json!(rounded(share, 2)));
    Ok(())
}

fn metrics(admin: SocketAddr) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(admin)?;
    write!(stream, "GET /metrics HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slower_pace_asks_for_fewer_sessions() {
        let requests = vec![Vec::new(); 10_000];
        let slot = Stop::After(Duration::from_secs(2));
        assert_eq!(of(&requests, Pace::Rate(3_000.0), slot).len(), 60);
        assert_eq!(of(&requests, Pace::Closed, slot).len(), 800);
        assert_eq!(of(&requests, Pace::Rate(1.0), slot).len(), 1);
    }
}
