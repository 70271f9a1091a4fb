//! Reads, changes, messages under way, silence and lost connections in every order: the pipe and the cache
//! that ship, between threads that may stop between any two of their steps, and a Redis that says in one
//! order what it did.
//!
//! What threads share stands behind two locks, and each step here is what one of them covers. So there is
//! nothing between the steps that a thread could see.

mod path;
mod redis;
mod shop;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use shell::walk::Walk;
use tokio::runtime::Builder;

use crate::tracking::Limits;
use path::Path;
use shop::Fixed;

const PREFIX: &str = "bff:s:";
const READERS: usize = 2;
const LIMITS: Limits =
    Limits { entries: 4, max_age: Duration::from_secs(5), max_lag: Duration::from_millis(500) };
/// Beyond what a connection may be silent for, and what one that owes an answer is given.
const SILENCE: Duration = Duration::from_millis(600);
const TIMEOUT: Duration = Duration::from_secs(60);

/// What is explored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Plan {
    requests: [usize; READERS],
    changes: usize,
    flushes: usize,
    breaks: usize,
    silences: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Event {
    /// A reader does its next step: looks into the cache, asks, keeps.
    Steps(usize),
    /// Redis does the next command that reached it.
    Executes,
    /// Somebody changes the session.
    Changes,
    Flushes,
    /// What Redis said first is heard.
    Arrives,
    Breaks,
    Connects,
    Silence,
}

/// Goes all paths; says how many, and how often the cache had an answer.
fn explore(plan: Plan) -> (usize, usize) {
    let fixed = Arc::new(Fixed::new());
    let (mut walk, mut known, mut hits) = (Walk::default(), HashSet::new(), 0);
    while walk.next_path() {
        let runtime =
            Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        hits +=
            runtime.block_on(async { Path::begin(plan, &fixed).go(&mut walk, &mut known).await });
    }
    println!("{plan:?}: {} paths, {} states, {hits} hits", walk.paths(), known.len());
    (walk.paths(), hits)
}

fn plan(requests: [usize; READERS]) -> Plan {
    Plan { requests, changes: 1, flushes: 0, breaks: 0, silences: 0 }
}

#[test]
fn t16_in_every_order_of_reads_and_changes_no_view_is_shown_that_was_told_to_be_old() {
    let (paths, hits) = explore(plan([2, 1]));
    assert!(paths > 500 && hits > 50, "{paths} paths, {hits} hits");
    let (paths, hits) = explore(Plan { changes: 0, flushes: 1, ..plan([2, 1]) });
    assert!(paths > 500 && hits > 50, "{paths} paths, {hits} hits");
}

#[test]
fn t16_in_every_order_of_reads_and_lost_connections_nothing_is_kept_that_nobody_vouches_for() {
    let (paths, hits) = explore(Plan { breaks: 1, ..plan([2, 0]) });
    assert!(paths > 100 && hits > 5, "{paths} paths, {hits} hits");
}

#[test]
fn t16_a_connection_that_falls_silent_at_any_moment_vouches_for_half_a_second() {
    let (paths, hits) = explore(Plan { silences: 1, ..plan([2, 0]) });
    assert!(paths > 100 && hits > 10, "{paths} paths, {hits} hits");
}

/// Some minutes.
#[test]
fn soak_t16_in_every_order_of_all_of_it() {
    for all in [
        Plan { changes: 2, ..plan([2, 1]) },
        Plan { flushes: 1, ..plan([2, 1]) },
        Plan { breaks: 1, ..plan([2, 1]) },
        Plan { silences: 1, ..plan([2, 1]) },
        Plan { flushes: 1, breaks: 1, silences: 1, ..plan([2, 0]) },
    ] {
        let (paths, hits) = explore(all);
        assert!(paths > 1_000 && hits > 100, "{all:?}: {paths} paths, {hits} hits");
    }
}
