//! Owns: what a check is told to look for, and what it says in the end.

use std::fmt;
use std::str::FromStr;

use crate::audit::chain::NOTHING;

/// A record that must be there: `SEQ:HASH`, as was told before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    pub(super) seq: u64,
    pub(super) hash: String,
}

impl FromStr for Anchor {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (seq, hash) = text.split_once(':').ok_or("is not SEQ:HASH")?;
        let seq = seq.parse().map_err(|_| "has a SEQ that is no number")?;
        let is_hash =
            hash.len() == NOTHING.len() && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hash {
            return Err("has a HASH that is not 64 hexadecimal digits");
        }
        Ok(Self { seq, hash: hash.to_ascii_lowercase() })
    }
}

/// Something that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// `file:line`; empty for what is nowhere.
    pub place: String,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.place.is_empty() {
            write!(f, "{}: ", self.place)?;
        }
        f.write_str(&self.what)
    }
}

/// What became of a check.
#[derive(Debug)]
pub struct Verdict {
    /// Each chain, in lines of text.
    pub chains: Vec<String>,
    /// What is no fault by itself.
    pub notes: Vec<Fault>,
    /// Everything that is wrong.
    pub faults: Vec<Fault>,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.chains.iter().try_for_each(|chain| f.write_str(chain))?;
        self.notes.iter().try_for_each(|note| writeln!(f, "note: {note}"))?;
        self.faults.iter().try_for_each(|fault| writeln!(f, "fault: {fault}"))?;
        match self.faults.len() {
            0 => writeln!(f, "no fault"),
            1 => writeln!(f, "1 fault"),
            many => writeln!(f, "{many} faults"),
        }
    }
}
