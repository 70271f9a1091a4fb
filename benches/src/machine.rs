//! Owns: which CPU does what, and how many descriptors a process may have.
//!
//! The program under test has the first CPU for itself; the load, Redis and every other program share
//! the last one, so that neither side takes time from the other.

use anyhow::Context as _;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Who runs where.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    /// The CPU of the program under test; `None` where there is one CPU for all.
    pub service: Option<usize>,
    /// How many CPUs this process was given.
    pub cpus: usize,
    allowed: CpuSet,
}

impl Layout {
    /// Looks at the machine, and moves this process off the CPU of the program under test. What it
    /// starts from now on runs where it does.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn take() -> anyhow::Result<Self> {
        let allowed = sched_getaffinity(None).context("cannot see the CPUs")?;
        let cpus: Vec<usize> =
            (0..CpuSet::MAX_CPU).filter(|number| allowed.is_set(*number)).collect();
        let service = match (cpus.first(), cpus.last()) {
            (Some(first), Some(last)) if first != last => {
                let mut rest = CpuSet::new();
                rest.set(*last);
                sched_setaffinity(None, &rest).context("cannot pin to a CPU")?;
                Some(*first)
            }
            _ => None,
        };
        Ok(Self { service, cpus: cpus.len(), allowed })
    }

    /// Lets this process, and what it starts from now on, run on every CPU again: for chains of more
    /// programs than there are CPUs.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn release(&mut self) -> anyhow::Result<()> {
        self.service = None;
        sched_setaffinity(None, &self.allowed).context("cannot run on every CPU")
    }

    /// One line for the reader of the results.
    pub fn describe(self) -> String {
        match self.service {
            Some(cpu) => format!(
                "{} CPUs: the program under test on CPU {cpu}, load and Redis on the last one.",
                self.cpus
            ),
            None => "One CPU for everything: the figures say little.".to_owned(),
        }
    }
}

/// Asks for as many descriptors as the system lets this process have; returns how many.
pub fn raise_descriptors() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.unwrap_or(1 << 20);
    match setrlimit(Resource::Nofile, Rlimit { current: Some(most), maximum: limit.maximum }) {
        Ok(()) => most,
        Err(_) => limit.current.unwrap_or(1_024),
    }
}
