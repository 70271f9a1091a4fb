//! A log of a chain, with other lines between, and what somebody does to it.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::audit::chain::{Author, Chain};

const KEY: &[u8] = &[9; 32];

fn author(hasher: Hasher) -> Author {
    Author { version: "1.0.0", replica: "pod-1".to_owned(), hasher }
}

fn record(number: usize) -> Record {
    let events = ["session.created", "session.refreshed", "login.failed"];
    let record = json!({
        "timestamp": format!("2026-01-01T00:00:{number:02}Z"), "level": "INFO", "target": "audit",
        "event": events[number % 3], "actor": "user", "session": "E2o7eI4Q", "count": number,
    });
    serde_json::from_value(record).unwrap()
}

/// A log of `records` records, without the end of the chain.
fn log(hasher: Hasher, records: usize) -> Vec<String> {
    let now = "2026-01-01T00:00:00Z";
    let (mut chain, first) = Chain::begin("c1".to_owned(), &author(hasher), now, None);
    let mut lines = vec![first];
    for number in 1..records {
        lines.push(
            r#"{"timestamp":"2026-01-01T00:00:00Z","target":"bff","message":"serving"}"#.to_owned(),
        );
        lines.push(chain.seal(record(number)));
    }
    lines
}

fn anchor(lines: &[String]) -> Anchor {
    let Read(last) = serde_json::from_str(lines.last().unwrap()).unwrap();
    let Link { seq, hash, .. } = Link::of(&last).unwrap();
    format!("{seq}:{hash}").parse().unwrap()
}

fn judged(lines: &[String], anchors: Vec<Anchor>) -> Verdict {
    let mut verifier = Verifier::new([KEY], anchors);
    for (number, line) in lines.iter().enumerate() {
        verifier.line(&format!("log:{}", number + 1), line);
    }
    verifier.end()
}

fn faults(lines: &[String]) -> Vec<String> {
    judged(lines, Vec::new()).faults.iter().map(ToString::to_string).collect()
}

/// What a log says, whoever reads it.
fn said(lines: &[String]) -> Vec<Record> {
    let read = lines.iter().filter_map(|line| {
        let Read(record) = serde_json::from_str(line.get(line.find('{')?..)?).ok()?;
        is_audit(&record).then_some(record)
    });
    read.collect()
}

#[test]
fn a_whole_log_has_no_fault_also_behind_the_names_of_pods_or_in_another_form() {
    let lines = log(Hasher::keyed(KEY), 6);
    assert_eq!(faults(&lines), [""; 0]);
    let other: Vec<String> = lines
        .iter()
        .map(|line| {
            let value: Value = serde_json::from_str(line).unwrap();
            format!(
                "[pod/bff-0/bff] {}",
                serde_json::to_string(&value).unwrap().replace("\":", "\" : ")
            )
        })
        .collect();
    assert_eq!(faults(&other), [""; 0]);
    let verdict = judged(&lines, vec![anchor(&lines)]).to_string();
    assert!(verdict.contains("chain c1: bff 1.0.0 on pod-1\n  records 0 to 5, "), "{verdict}");
    assert!(verdict.contains("goes on, or its end was lost or cut off"), "{verdict}");
    assert!(verdict.ends_with("no fault\n"), "{verdict}");
}

#[test]
fn each_way_to_tamper_is_told_by_its_name_and_place() {
    let whole = log(Hasher::keyed(KEY), 6);
    let tampered = |change: &dyn Fn(&mut Vec<String>)| {
        let mut lines = whole.clone();
        change(&mut lines);
        faults(&lines)
    };
    let edited = tampered(&|lines| lines[4] = lines[4].replace("user", "admin:eve"));
    assert_eq!(edited, ["log:5: record 2 was changed, or made with another key"]);
    let removed = tampered(&|lines| drop(lines.remove(4)));
    assert_eq!(removed, ["log:6: record 2 is missing before this one"]);
    let cut_out = tampered(&|lines| drop(lines.drain(2..7)));
    assert_eq!(cut_out, ["log:4: records 1 to 3 are missing before this one"]);
    let headless = tampered(&|lines| drop(lines.drain(..3)));
    assert_eq!(headless, ["log:2: records 0 to 1 of chain c1 are missing"]);
    let swapped = tampered(&|lines| lines.swap(4, 6));
    assert_eq!(
        swapped,
        [
            "log:5: record 2 is missing before this one",
            "log:7: record 2 is out of order, or here twice: 3 was before it"
        ]
    );
    let repeated = tampered(&|lines| lines.insert(7, lines[6].clone()));
    assert_eq!(repeated, ["log:8: record 3 is out of order, or here twice: 3 was before it"]);
    let unchained = tampered(&|lines| {
        lines.insert(3, r#"{"target":"audit","event":"login.failed"}"#.to_owned());
    });
    assert_eq!(
        unchained,
        ["log:4: an audit record that is in no chain: it was put here, or the chain was off"]
    );
    let broken = tampered(&|lines| lines[4].push('}'));
    assert_eq!(
        broken,
        [
            "log:5: an audit record that cannot be read",
            "log:7: record 2 is missing before this one"
        ]
    );
    // Another chain of somebody who has no key.
    let forged = tampered(&|lines| *lines = log(Hasher::Plain, 2));
    assert_eq!(forged[0], "log:1: a chain that was made without a key, as anybody can");
}

#[test]
fn that_the_end_was_cut_off_only_an_anchor_tells() {
    let whole = log(Hasher::keyed(KEY), 6);
    let cut = &whole[..7];
    assert_eq!(faults(cut), [""; 0]);
    let verdict = judged(cut, vec![anchor(&whole)]);
    assert_eq!(verdict.faults.len(), 1, "{verdict}");
    assert!(verdict.faults[0].what.contains("record 5 with the hash "), "{verdict}");
    assert_eq!(faults(&[]), ["there is no record of a chain"]);
}

#[test]
fn an_anchor_is_a_number_and_a_hash() {
    let hash = "a".repeat(64);
    assert!(format!("7:{hash}").parse::<Anchor>().is_ok());
    for text in ["", "7", "x:aa", "7:aa", &format!("-1:{hash}"), &format!("7:{}", "g".repeat(64))] {
        assert!(text.parse::<Anchor>().is_err(), "{text}");
    }
}

/// One thing that somebody does to a log.
#[derive(Debug, Clone)]
enum Change {
    Byte { line: prop::sample::Index, at: prop::sample::Index, to: u8 },
    Remove { line: prop::sample::Index },
    Swap { one: prop::sample::Index, other: prop::sample::Index },
    Copy { line: prop::sample::Index, to: prop::sample::Index },
    Cut { from: prop::sample::Index, to: prop::sample::Index },
    Insert { to: prop::sample::Index, number: u8 },
}

impl Change {
    fn to(self, lines: &mut Vec<String>) {
        let count = lines.len();
        match self {
            Self::Byte { line, at, to } => {
                let line = &mut lines[line.index(count)];
                let mut bytes = std::mem::take(line).into_bytes();
                let at = at.index(bytes.len());
                bytes[at] = to;
                *line = String::from_utf8_lossy(&bytes).into_owned();
            }
            Self::Remove { line } => drop(lines.remove(line.index(count))),
            Self::Swap { one, other } => lines.swap(one.index(count), other.index(count)),
            Self::Copy { line, to } => {
                let copy = lines[line.index(count)].clone();
                lines.insert(to.index(count + 1), copy);
            }
            Self::Cut { from, to } => {
                let (from, to) = (from.index(count), to.index(count));
                drop(lines.drain(from.min(to)..from.max(to)));
            }
            Self::Insert { to, number } => {
                let (mut chain, first) =
                    Chain::begin("c1".to_owned(), &author(Hasher::Plain), "", None);
                let made = if number == 0 { first } else { chain.seal(record(number.into())) };
                lines.insert(to.index(count + 1), made);
            }
        }
    }
}

fn change() -> impl Strategy<Value = Change> {
    use prop::sample::Index;
    let index = any::<Index>;
    prop_oneof![
        4 => (index(), index(), any::<u8>()).prop_map(|(line, at, to)| Change::Byte { line, at, to }),
        1 => index().prop_map(|line| Change::Remove { line }),
        1 => (index(), index()).prop_map(|(one, other)| Change::Swap { one, other }),
        1 => (index(), index()).prop_map(|(line, to)| Change::Copy { line, to }),
        1 => (index(), index()).prop_map(|(from, to)| Change::Cut { from, to }),
        1 => (index(), any::<u8>()).prop_map(|(to, number)| Change::Insert { to, number }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_096))]

    /// With the last hash, kept elsewhere, whatever changes what the log says is found, and nothing else is.
    #[test]
    fn any_change_of_what_a_log_says_is_found(records in 2_usize..9, change in change()) {
        let whole = log(Hasher::keyed(KEY), records);
        let mut lines = whole.clone();
        change.to(&mut lines);
        let verdict = judged(&lines, vec![anchor(&whole)]);
        prop_assert_eq!(verdict.faults.is_empty(), said(&lines) == said(&whole), "{}", verdict);
    }

    /// Nothing that a log may hold is a reason to panic.
    #[test]
    fn no_line_is_too_odd(line in r#"\PC*|[{]("[a-z]{1,6}":("[a-z]{0,4}"|[0-9]{1,3}),?){0,6}[}]"#) {
        judged(&[line], Vec::new());
    }
}
