//! Target: a configuration file. Its first line is a comment that names it, as `# routes.yaml` does.
//!
//! Oracle: it is taken, or refused with problems that name a place and, but for names in that, no value of a
//! variable. One that is
//! taken is refused with a key too much: nothing in it was passed over. It takes seconds at most, whatever is
//! nested or repeated in it.

use std::fmt::Debug;
use std::time::{Duration, Instant};

use shell::config::Problems;

use crate::settings::{self, CANARY};

const FILES: [&str; 5] =
    ["routes.yaml", "bff.yaml", "idps.yaml", "tenants.yaml", "forwardauth.yaml"];
/// Beyond what a file of some kilobytes takes in a build without optimisation.
const PATIENCE: Duration = Duration::from_secs(10);

/// Starts the program that reads it.
pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let first = text.lines().next().unwrap_or_default();
    let Some(file) = FILES.into_iter().find(|file| first.strip_prefix("# ") == Some(*file)) else {
        return;
    };
    // What names files of the machine says more of the machine than of us.
    if ["/dev", "/proc", "/sys"].iter().any(|place| text.contains(place)) {
        return;
    }
    let began = Instant::now();
    if is_taken(file, text) {
        let more = format!("{text}\nnobodys_key: 1\n");
        assert!(!is_taken(file, &more), "{file} is taken with a key of nobody's:\n{text}");
    }
    assert!(began.elapsed() < PATIENCE, "{file} took {:?}", began.elapsed());
}

fn is_taken(file: &str, text: &str) -> bool {
    let directory = settings::directory(&[(file, text.as_bytes())]);
    let read = if file == "forwardauth.yaml" {
        told(settings::verify(&directory))
    } else {
        told(settings::bff(&directory))
    };
    if matches!(file, "idps.yaml" | "tenants.yaml") {
        // The other program reads a part of it, and starts at most where this one does with its variables.
        told(settings::verify(&directory)).unwrap_or_default();
    }
    read.is_ok()
}

/// What is wrong may be told.
fn told<T: Debug>(read: Result<T, Problems>) -> Result<(), ()> {
    let Err(problems) = read else { return Ok(()) };
    let text = problems.to_string();
    // What stands before the last colon is the place, in which names of the file may be.
    let shown = text.lines().filter_map(|line| line.rsplit(": ").next());
    let shown = shown.collect::<Vec<_>>().join("\n");
    assert!(!shown.trim().is_empty() && !shown.contains(CANARY), "{text}");
    Err(())
}
