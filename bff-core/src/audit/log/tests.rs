//! A log over a file of its own, and what standard output would have got.

use std::path::Path;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::mpsc::{Receiver as Turns, Sender as Turn, channel};

use shell::random::{CountingRandom, SystemRandom};

use super::*;
use crate::audit::verify::{Verdict, Verifier};

#[derive(Debug, Clone, Default)]
struct Out(Arc<Mutex<Vec<u8>>>);

impl Out {
    fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn settings(file: Option<&Path>, key: Option<&[u8]>) -> ChainSettings {
    let key = key.map(|key| key.to_vec().into());
    ChainSettings { file: file.map(Into::into), key, replica: "pod-1".to_owned() }
}

fn record(event: &str) -> Record {
    let fields = [("timestamp", "2026-01-01T00:00:00Z"), ("target", "audit"), ("event", event)];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect()
}

fn begun(settings: &ChainSettings, out: &Out) -> AuditLog {
    AuditLog::start_to(settings, &SystemRandom, Box::new(out.clone()), 64).unwrap()
}

fn judged(text: &str, key: Option<&[u8]>) -> Verdict {
    let mut verifier = Verifier::new(key, Vec::new());
    for (number, line) in text.lines().enumerate() {
        verifier.line(&format!("log:{}", number + 1), line);
    }
    verifier.end()
}

#[test]
fn t18_c83_a_file_goes_on_over_restarts_and_each_chain_names_the_one_before() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.log");
    let key: &[u8] = &[7; 32];
    let settings = settings(Some(&path), Some(key));
    let out = Out::default();
    for _ in 0..3 {
        let log = begun(&settings, &out);
        log.tell(record("session.created"));
        log.tell(record("session.revoked"));
        assert!(log.end());
    }
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text, out.text());
    assert_eq!(text.lines().count(), 12);
    let verdict = judged(&text, Some(key));
    assert_eq!((verdict.faults.as_slice(), verdict.notes.len()), (&[][..], 0), "{verdict}");
    assert_eq!(verdict.chains.len(), 3);
    assert!(
        verdict.chains.iter().all(|chain| chain.contains("ended with its process")),
        "{verdict}"
    );
    // Of a log without its first chain, the rest still holds together, and says what is not there.
    let rest: Vec<&str> = text.lines().skip(4).collect();
    let verdict = judged(&rest.join("\n"), Some(key));
    assert_eq!((verdict.faults.len(), verdict.notes.len()), (0, 1), "{verdict}");
    // The middle one was taken out.
    let ends: Vec<&str> = text.lines().take(4).chain(text.lines().skip(8)).collect();
    assert_eq!(judged(&ends.join("\n"), Some(key)).faults.len(), 1);
    // Nobody without the key makes such a chain, or judges one.
    assert!(!judged(&text, None).faults.is_empty());
    assert!(!judged(&text, Some(&[8; 32])).faults.is_empty());
}

#[test]
fn a_second_process_does_not_write_the_same_file_and_a_device_is_none() {
    let directory = tempfile::tempdir().unwrap();
    let settings_of = |path: &Path| settings(Some(path), None);
    let path = directory.path().join("audit.log");
    let out = Out::default();
    let first = begun(&settings_of(&path), &out);
    let again = |path: &Path| {
        let out = Box::new(Out::default());
        AuditLog::start_to(&settings_of(path), &CountingRandom::default(), out, 1)
    };
    assert_eq!(again(&path).unwrap_err().kind(), io::ErrorKind::ResourceBusy);
    assert!(again(Path::new("/dev/null")).is_err());
    assert!(again(directory.path()).is_err());
    assert!(first.end());
}

#[test]
fn what_a_dead_process_left_half_written_spoils_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.log");
    let settings = settings(Some(&path), None);
    let log = begun(&settings, &Out::default());
    log.tell(record("session.created"));
    assert!(log.end());
    let whole = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{whole}{{\"actor\":\"us")).unwrap();
    assert!(begun(&settings, &Out::default()).end());
    let text = std::fs::read_to_string(&path).unwrap();
    let verdict = judged(&text, None);
    assert!(verdict.faults.is_empty(), "{verdict}");
    assert_eq!(verdict.chains.len(), 2);
}

#[test]
fn a_file_that_cannot_be_written_for_a_while_tells_what_it_lacks_and_standard_output_has_it() {
    let directory = tempfile::tempdir().unwrap();
    let (place, elsewhere) = (directory.path().join("a"), directory.path().join("b"));
    std::fs::create_dir(&place).unwrap();
    let path = place.join("audit.log");
    let (settings, out) = (settings(Some(&path), None), Out::default());
    let log = begun(&settings, &out);
    let written = |count: usize| {
        while out.text().lines().count() < count {
            thread::yield_now();
        }
    };
    log.tell(record("session.created"));
    written(2);
    std::fs::rename(&place, &elsewhere).unwrap();
    log.tell(record("login.failed"));
    log.tell(record("login.failed"));
    written(4);
    std::fs::rename(&elsewhere, &place).unwrap();
    log.tell(record("session.revoked"));
    assert!(log.end());

    let verdict = judged(&out.text(), None);
    assert!(verdict.faults.is_empty(), "{verdict}");
    let verdict = judged(&std::fs::read_to_string(&path).unwrap(), None);
    let faults: Vec<_> = verdict.faults.iter().map(ToString::to_string).collect();
    assert_eq!(faults.len(), 1, "{verdict}");
    assert!(faults[0].starts_with("log:3: records 2 to 3 of chain "), "{verdict}");
}

#[test]
fn a_file_that_was_moved_away_is_left_and_the_chain_goes_on_in_the_next() {
    let directory = tempfile::tempdir().unwrap();
    let [path, old] = ["audit.log", "audit.log.1"].map(|name| directory.path().join(name));
    let (settings, out) = (settings(Some(&path), None), Out::default());
    let log = begun(&settings, &out);
    while out.text().lines().count() < 1 {
        thread::yield_now();
    }
    std::fs::rename(&path, &old).unwrap();
    log.tell(record("session.created"));
    assert!(log.end());
    let [before, after] = [&old, &path].map(|path| std::fs::read_to_string(path).unwrap());
    assert_eq!((before.lines().count(), after.lines().count()), (1, 2));
    assert!(judged(&[before, after.clone()].concat(), None).faults.is_empty());
    assert_eq!(judged(&after, None).faults.len(), 1, "its beginning is elsewhere");
}

/// Writes a line at each turn that it is given.
struct Slow(Turns<()>, Out);

impl Write for Slow {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.recv().ok();
        self.1.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn t17_nobody_waits_for_the_log_and_what_finds_no_room_is_told() {
    let out = Out::default();
    let (turn, turns): (Turn<()>, _) = channel();
    turn.send(()).unwrap();
    let slow = Box::new(Slow(turns, out.clone()));
    let log = AuditLog::start_to(&settings(None, None), &SystemRandom, slow, 4).unwrap();
    for _ in 0..100 {
        log.tell(record("rate.limited"));
    }
    drop(turn);
    assert!(log.end());
    let text = out.text();
    let verdict = judged(&text, None);
    assert!(verdict.faults.is_empty(), "{verdict}");
    let records: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |event: &str| records.iter().filter(|record| record["event"] == event).count() as u64;
    let lost: u64 = records.iter().filter_map(|record| record["count"].as_u64()).sum();
    assert!(lost > 0 && of("audit.records_lost") > 0, "{text}");
    assert_eq!(of("rate.limited") + lost, 100);
}
