//! Owns: checking chains: `bff audit verify`.
//!
//! Lines that are no audit records are passed over, so that a whole log can be read. What a chain cannot show
//! is that its end was cut off: whoever keeps the last hash elsewhere can (`--expect`).

mod verdict;

use std::collections::BTreeMap;
use std::fmt;

use shell::telemetry::Record;

use super::chain::NOTHING;
use super::event::Event;
use super::record::{Hasher, Link, Read};
pub use verdict::{Anchor, Fault, Verdict};

/// What is known of one chain so far.
#[derive(Debug)]
struct Seen {
    /// Program, version, replica.
    author: String,
    first: u64,
    since: String,
    until: String,
    last: Link,
    /// The hash that the last record ought to have, if it has another.
    ought: Option<String>,
    has_ended: bool,
}

/// Reads lines and keeps what is wrong with them.
#[derive(Debug)]
pub(super) struct Verifier {
    hashers: Vec<Hasher>,
    anchors: Vec<Anchor>,
    chains: BTreeMap<String, Seen>,
    /// The chains in the order in which they came.
    order: Vec<String>,
    faults: Vec<Fault>,
    /// What is no fault by itself.
    notes: Vec<Fault>,
}

impl Verifier {
    /// With these keys, any of which may have made a chain; without one, for chains that need none.
    pub(super) fn new<'a>(keys: impl IntoIterator<Item = &'a [u8]>, anchors: Vec<Anchor>) -> Self {
        let mut hashers: Vec<_> = keys.into_iter().map(Hasher::keyed).collect();
        if hashers.is_empty() {
            hashers.push(Hasher::Plain);
        }
        let (chains, order, faults, notes) = Default::default();
        Self { hashers, anchors, chains, order, faults, notes }
    }

    /// Reads the next line, which stands at `place`.
    pub(super) fn line(&mut self, place: &str, line: &str) {
        // Whoever collects logs puts the name of the pod before each line.
        let Some(object) = line.find('{').and_then(|begin| line.get(begin..)) else { return };
        match serde_json::from_str::<Read>(object) {
            Ok(Read(record)) if is_audit(&record) => self.record(place, record),
            Ok(_) => {}
            Err(_) => {
                let plain: String = object.chars().filter(|char| !char.is_whitespace()).collect();
                if plain.contains(r#""target":"audit""#) {
                    self.fault(place, "an audit record that cannot be read");
                }
            }
        }
    }

    fn record(&mut self, place: &str, mut record: Record) {
        let link = Link::of(&record);
        let prev = record.get("prev").and_then(|prev| prev.as_str()).map(str::to_owned);
        let (Some(link), Some(prev)) = (link, prev) else {
            self.fault(
                place,
                "an audit record that is in no chain: it was put here, or the chain was off",
            );
            return;
        };
        record.remove("hash");
        let hashes: Vec<_> = self.hashers.iter().map(|hasher| hasher.hash(&record)).collect();
        let ought = hashes.iter().all(|hash| *hash != link.hash);
        let ought = hashes.into_iter().next().filter(|_| ought);
        if ought.is_some() {
            let by = text(&record, "hashed_with");
            let what = match self.hashers.first() {
                Some(Hasher::Plain) if by == "hmac-sha-256" => {
                    "a chain that was made with a key: name it with --key-file".to_owned()
                }
                Some(Hasher::Keyed(_)) if by == "sha-256" => {
                    "a chain that was made without a key, as anybody can".to_owned()
                }
                _ => format!("record {} was changed, or made with another key", link.seq),
            };
            self.fault(place, &what);
        }
        if let Some(at) = self.anchors.iter().position(|anchor| {
            ought.is_none() && anchor.seq == link.seq && anchor.hash == link.hash
        }) {
            self.anchors.remove(at);
        }
        let is_start = record.get("event").is_some_and(|name| name == Event::ChainStarted.name());
        if is_start != (link.seq == 0) {
            self.fault(place, "a chain begins with audit.chain_started, and with nothing else");
        }
        match self.chains.remove(&link.chain) {
            Some(seen) => self.follows(place, &record, link, &prev, ought, seen),
            None => self.begins(place, &record, link, &prev, ought),
        }
    }

    fn begins(
        &mut self,
        place: &str,
        record: &Record,
        link: Link,
        prev: &str,
        ought: Option<String>,
    ) {
        if link.seq > 0 {
            let what = format!("records 0 to {} of chain {} are missing", link.seq - 1, link.chain);
            self.fault(place, &what);
        } else if prev != NOTHING {
            self.fault(place, "a first record with another before it");
        } else {
            self.joins(place, record);
        }
        let [program, version, replica] =
            ["program", "version", "replica"].map(|name| text(record, name));
        let time = text(record, "timestamp").to_owned();
        let has_ended = ends(record);
        let seen = Seen {
            author: format!("{program} {version} on {replica}"),
            first: link.seq,
            since: time.clone(),
            until: time,
            last: link,
            ought,
            has_ended,
        };
        self.order.push(seen.last.chain.clone());
        self.chains.insert(seen.last.chain.clone(), seen);
    }

    /// Whether the chain before, where the first record names one, came to where it says.
    fn joins(&mut self, place: &str, record: &Record) {
        let (name, hash) = (text(record, "previous_chain"), text(record, "previous_hash"));
        let seq = record.get("previous_seq").and_then(serde_json::Value::as_u64);
        let Some(seq) = seq.filter(|_| !name.is_empty()) else { return };
        let what = match self.chains.get(name) {
            Some(seen) if seen.last.seq == seq && seen.last.hash == hash => return,
            Some(seen) if seen.last.seq < seq => {
                format!("records {} to {seq} of chain {name} are missing", seen.last.seq + 1)
            }
            Some(_) => format!("chain {name} did not come to record {seq} as it stands here"),
            None if self.order.is_empty() => {
                let what = format!("goes on from record {seq} of chain {name}, which is not here");
                self.notes.push(Fault { place: place.to_owned(), what });
                return;
            }
            None => format!("chain {name}, of which this one goes on, is missing"),
        };
        self.fault(place, &what);
    }

    fn follows(
        &mut self,
        place: &str,
        record: &Record,
        link: Link,
        prev: &str,
        ought: Option<String>,
        mut seen: Seen,
    ) {
        let (number, last) = (link.seq, &seen.last);
        let mut is_next = true;
        if seen.has_ended {
            self.fault(place, &format!("record {number} behind the end of its chain"));
        } else if number <= last.seq {
            is_next = false;
            let what = format!(
                "record {number} is out of order, or here twice: {} was before it",
                last.seq
            );
            self.fault(place, &what);
        } else if number - last.seq > 1 {
            let what = match (last.seq + 1, number - 1) {
                (one, same) if one == same => format!("record {one} is missing before this one"),
                (first, until) => format!("records {first} to {until} are missing before this one"),
            };
            self.fault(place, &what);
        } else if prev != last.hash && seen.ought.as_deref() != Some(prev) {
            self.fault(place, &format!("record {number} does not go on from the one before it"));
        }
        if is_next {
            text(record, "timestamp").clone_into(&mut seen.until);
            seen.has_ended |= ends(record);
            seen.last = link;
            seen.ought = ought;
        }
        self.chains.insert(seen.last.chain.clone(), seen);
    }

    fn fault(&mut self, place: &str, what: &str) {
        self.faults.push(Fault { place: place.to_owned(), what: what.to_owned() });
    }

    /// What was found.
    pub(super) fn end(mut self) -> Verdict {
        if self.chains.is_empty() {
            self.fault("", "there is no record of a chain");
        }
        for Anchor { seq, hash } in std::mem::take(&mut self.anchors) {
            let what = format!("record {seq} with the hash {hash}, which is expected, is not here");
            self.fault("", &what);
        }
        let chains = self.order.iter().filter_map(|name| self.chains.get(name));
        let chains = chains.map(Seen::to_string).collect();
        Verdict { chains, notes: self.notes, faults: self.faults }
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { author, first, since, until, last, .. } = self;
        writeln!(f, "chain {}: {author}", last.chain)?;
        writeln!(f, "  records {first} to {}, {since} to {until}", last.seq)?;
        let end = if self.has_ended {
            "ended with its process"
        } else {
            "goes on, or its end was lost or cut off, which only --expect can tell"
        };
        writeln!(f, "  {end}")?;
        writeln!(f, "  last: {}:{}", last.seq, last.hash)
    }
}

fn is_audit(record: &Record) -> bool {
    record.get("target").is_some_and(|target| target == super::TARGET)
}

fn ends(record: &Record) -> bool {
    record.get("event").is_some_and(|name| name == Event::ChainEnded.name())
}

fn text<'a>(record: &'a Record, name: &str) -> &'a str {
    record.get(name).and_then(|value| value.as_str()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
