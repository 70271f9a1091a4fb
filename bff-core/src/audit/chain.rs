//! Owns: the chain of one process: each record has its number, the hash of the one before, and its own.

use shell::telemetry::Record;

use super::event::Event;
use super::record::{Hasher, Link, canonical};

/// In the place of the hash of what is before the first record.
pub(super) const NOTHING: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Who writes a chain.
#[derive(Debug, Clone)]
pub(super) struct Author {
    pub(super) version: &'static str,
    /// The name of the host, which in Kubernetes is that of the pod.
    pub(super) replica: String,
    pub(super) hasher: Hasher,
}

/// A chain that grows.
#[derive(Debug)]
pub(super) struct Chain {
    hasher: Hasher,
    last: Link,
}

impl Chain {
    /// Begins the chain of this name, and gives its first record, which names the last one of the chain
    /// before, if there is one.
    pub(super) fn begin(
        name: String,
        author: &Author,
        now: &str,
        before: Option<&Link>,
    ) -> (Self, String) {
        let mut record = own(Event::ChainStarted, now);
        let mut put = |name: &str, value: String| record.insert(name.to_owned(), value.into());
        put("program", "bff".to_owned());
        put("version", author.version.to_owned());
        put("replica", author.replica.clone());
        put("hashed_with", author.hasher.name().to_owned());
        if let Some(before) = before {
            put("previous_chain", before.chain.clone());
            put("previous_hash", before.hash.clone());
            record.insert("previous_seq".to_owned(), before.seq.into());
        }
        let nothing = Link { chain: name, seq: 0, hash: NOTHING.to_owned() };
        let mut chain = Self { hasher: author.hasher.clone(), last: nothing };
        let line = chain.put(record, 0);
        (chain, line)
    }

    /// The next record, as a line without its end.
    pub(super) fn seal(&mut self, record: Record) -> String {
        self.put(record, self.last.seq.saturating_add(1))
    }

    /// The last record.
    pub(super) const fn last(&self) -> &Link {
        &self.last
    }

    fn put(&mut self, mut record: Record, seq: u64) -> String {
        record.remove("hash");
        record.insert("chain".to_owned(), self.last.chain.as_str().into());
        record.insert("seq".to_owned(), seq.into());
        record.insert("prev".to_owned(), self.last.hash.as_str().into());
        let hash = self.hasher.hash(&record);
        record.insert("hash".to_owned(), hash.as_str().into());
        self.last.seq = seq;
        self.last.hash = hash;
        canonical(&record)
    }
}

/// A record of the log about itself.
pub(super) fn own(event: Event, now: &str) -> Record {
    let level = if event == Event::RecordsLost { "ERROR" } else { "INFO" };
    let fields = [
        ("timestamp", now),
        ("level", level),
        ("target", super::TARGET),
        ("event", event.name()),
        ("actor", "rule"),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect()
}
