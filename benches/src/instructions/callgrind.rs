//! Owns: reading what callgrind wrote: the instructions of each function, and who was called how often.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;

use crate::programs::Launch;
use crate::report::Table;

/// Options under which callgrind writes what [`Profile::parse`] reads.
pub(super) const OPTIONS: [&str; 5] =
    ["--tool=callgrind", "--dump-line=no", "--compress-strings=no", "--compress-pos=no", "--quiet"];

/// Functions that a table shows.
pub(super) const SHOWN: usize = 60;

/// How the functions of SHA-256 and HMAC begin. valgrind hides the SHA instructions of the CPU, so hashing
/// is done by other code than in production.
const HASHING: [&str; 3] = ["ring::", "<ring::", "ring_core"];
const ALLOCATORS: [&str; 7] =
    ["malloc", "calloc", "realloc", "mallocx", "rallocx", "posix_memalign", "aligned_alloc"];
/// What allocators other than the system's put before these names.
const PREFIXES: [&str; 3] = ["_rjem_", "mi_", "je_"];

/// Instructions and calls of one run.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Profile {
    /// By function, without those it called.
    own: BTreeMap<String, u64>,
    /// Calls into each function.
    calls: BTreeMap<String, u64>,
}

impl Profile {
    /// Reads a callgrind file.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        let mut profile = Self::default();
        let (mut function, mut called) = (None, None);
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            if let Some(name) = line.strip_prefix("fn=") {
                function = Some(name);
            } else if let Some(name) = line.strip_prefix("cfn=") {
                called = Some(name);
            } else if let Some(rest) = line.strip_prefix("calls=") {
                let count = rest.split(' ').next().and_then(|text| text.parse::<u64>().ok());
                let name = called.take().context("calls without cfn")?;
                *profile.calls.entry(name.to_owned()).or_default() += count.context("calls")?;
                // What the callee and all below it cost: counted with them.
                lines.next();
            } else if line.starts_with(|first: char| first.is_ascii_digit() || first == '+') {
                let cost = line.split(' ').nth(1).and_then(|text| text.parse::<u64>().ok());
                let name = function.context("a cost without fn")?;
                *profile.own.entry(name.to_owned()).or_default() += cost.context("a cost")?;
            }
        }
        anyhow::ensure!(!profile.own.is_empty(), "callgrind wrote nothing");
        Ok(profile)
    }

    /// All instructions.
    pub(crate) fn total(&self) -> u64 {
        self.own.values().sum()
    }

    /// All instructions but those of SHA-256's blocks, which in production one instruction of the CPU
    /// hashes.
    pub(crate) fn instructions(&self) -> u64 {
        let counts = |name: &str| !name.contains("sha256_block_data_order");
        self.own.iter().filter(|(name, _)| counts(name)).map(|(_, cost)| cost).sum()
    }

    /// Instructions of SHA-256 and HMAC.
    pub(crate) fn hashing(&self) -> u64 {
        let is_hashing = |name: &str| HASHING.iter().any(|begin| name.starts_with(begin));
        self.own.iter().filter(|(name, _)| is_hashing(name)).map(|(_, cost)| cost).sum()
    }

    /// Blocks of memory that were asked for.
    pub(crate) fn allocations(&self) -> u64 {
        self.calls.iter().filter(|(name, _)| is_allocator(name)).map(|(_, count)| count).sum()
    }

    /// Functions, and what each cost.
    pub(super) fn functions(&self) -> impl Iterator<Item = (&str, u64)> {
        self.own.iter().map(|(name, cost)| (name.as_str(), *cost))
    }

    /// The functions that cost most, and what they cost each of `requests`.
    pub(crate) fn dearest(&self, requests: u64) -> Vec<(String, f64)> {
        let mut functions: Vec<_> = self.functions().collect();
        functions.sort_by_key(|(_, cost)| std::cmp::Reverse(*cost));
        let shown = functions.into_iter().take(SHOWN);
        shown.map(|(name, cost)| (name.to_owned(), each(cost, requests))).collect()
    }
}

/// `launch`, under callgrind, which writes beside the logs.
pub(crate) fn under(launch: Launch) -> Launch {
    let mut wrapper = vec!["valgrind".to_owned()];
    wrapper.extend(OPTIONS.iter().map(|&option| option.to_owned()));
    wrapper.push(format!("--callgrind-out-file={}/callgrind.%p", launch.scratch.display()));
    Launch { wrapper, ..launch }
}

/// What process `pid`, which was started with [`under`], does while `ask` asks it.
///
/// # Errors
/// Those of `ask`, or if callgrind does not write.
pub(crate) fn count(
    scratch: &Path,
    pid: u32,
    ask: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<Profile> {
    control(pid, "zero")?;
    ask()?;
    control(pid, "dump")?;
    // One program may be counted more than once; the last file is of this time.
    let file = |dump: u32| scratch.join(format!("callgrind.{pid}.{dump}"));
    let text = (1..=9).rev().find_map(|dump| std::fs::read_to_string(file(dump)).ok());
    Profile::parse(&text.context("callgrind wrote no file")?)
}

/// `count` for each of so many requests.
#[expect(clippy::cast_precision_loss, reason = "fewer than 2^52 instructions")]
pub(crate) fn each(count: u64, requests: u64) -> f64 {
    count as f64 / requests as f64
}

/// Has callgrind in process `pid` begin to count anew (`zero`), or write what it counted (`dump`).
///
/// # Errors
/// If it does not.
fn control(pid: u32, order: &str) -> anyhow::Result<()> {
    let output = std::process::Command::new("vgdb")
        .args([&format!("--pid={pid}"), order])
        .output()
        .context("cannot run vgdb, which comes with valgrind")?;
    let told = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "vgdb {order}: {told}");
    Ok(())
}

/// Where the instructions of `name` are, by `functions`.
pub(crate) fn table(name: &str, functions: &[(String, f64)]) -> Table {
    let mut table = Table::new(format!("Where the instructions of {name} are"), ["", "a request"]);
    for (function, cost) in functions {
        let short: String = function.chars().take(110).collect();
        table.row([short, format!("{cost:.0}")]);
    }
    table
}

fn is_allocator(name: &str) -> bool {
    // A second instance of a recursive function has a tick and a number behind its name.
    let name = name.split('\'').next().unwrap_or_default();
    let bare = PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name);
    ALLOCATORS.contains(&bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "version: 1\nevents: Ir\n\nob=/bin/a\nfl=a.rs\nfn=main\n0 10\ncfn=malloc\n\
        calls=3 0\n0 300\ncob=/lib/b\ncfn=ring_core_sha256_block_data_order_nohw\ncalls=1 0\n0 70\n\
        0 5\n\nfn=malloc\n0 300\n\nfn=ring_core_sha256_block_data_order_nohw\n0 70\n\nfn=main\n0 1\n\
        cfn=realloc'2\ncalls=2 0\n0 9\n\ntotals: 386\n";

    #[test]
    fn own_costs_add_up_to_the_total() {
        let profile = Profile::parse(FILE).unwrap();
        assert_eq!(profile.total(), 386);
        assert_eq!(profile.hashing(), 70);
        assert_eq!(profile.allocations(), 5);
        assert!(profile.dearest(1).contains(&("main".to_owned(), 16.0)));
    }

    #[test]
    fn an_empty_file_is_an_error() {
        assert!(Profile::parse("version: 1\n").is_err());
    }

    #[test]
    fn only_what_hands_out_memory_is_an_allocation() {
        assert!(
            is_allocator("malloc") && is_allocator("_rjem_calloc") && is_allocator("mi_malloc")
        );
        assert!(
            !is_allocator("free") && !is_allocator("_int_malloc") && !is_allocator("my_malloc")
        );
    }
}
