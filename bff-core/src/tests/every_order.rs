//! Two replicas do their steps in every order. docs/RELIABILITY.md says what is explored, and what must
//! hold.
//!
//! It is the code that ships, over a store and an IdP whose every call waits until it is let go, in a
//! runtime whose clock stands. The explorer lets them go in each order that makes a difference, one path
//! after the other and each from a new session. A path ends early where replicas, store and IdP are as
//! they were on another one: from there on all was walked.

mod crossing;
mod issuer;
mod path;
mod scene;

use std::collections::BTreeMap;

use path::{End, Path, Plan, Way};
use scene::Caller::{Calls, LogsOut, Looks};
use scene::{Scene, timeless};

/// The age of an access token that is dead, and of one that is to be renewed and lives.
const DEAD: u64 = 301;
const DUE: u64 = 275;

struct Walked {
    paths: usize,
    ends: BTreeMap<End, usize>,
}

impl Walked {
    /// So many at least, or the exploration explores something else than it did.
    fn is_at_least(&self, paths: usize, ends: &[End]) {
        assert!(self.paths >= paths, "{} paths", self.paths);
        let ended: Vec<End> = self.ends.keys().copied().collect();
        assert_eq!(ended, ends, "how sessions ended");
    }
}

/// Goes all paths.
fn explore(plan: &Plan) -> Walked {
    let scene = Scene::set(plan.grace);
    let (mut way, mut ends) = (Way::default(), BTreeMap::new());
    while way.walk.next_path() {
        let runtime = timeless();
        let ended = runtime.block_on(async {
            let path = Path::begin(plan, &scene).await;
            path.go(&mut way).await
        });
        if let Some(end) = ended {
            *ends.entry(end).or_default() += 1;
        }
    }
    let (paths, states) = (way.walk.paths(), way.known.len());
    println!("{plan:?}: {paths} paths, {states} states, {ends:?}");
    Walked { paths, ends }
}

/// Two calls with a dead token, at two replicas, and one thing that goes wrong.
const PLAN: Plan = Plan {
    grace: "0",
    age: DEAD,
    callers: &[Calls(0), Calls(1)],
    faults: 1,
    only_the_lease: false,
    haste: 0,
    turns: 1,
};

#[test]
fn c49_c53_in_every_order_calls_at_two_replicas_share_one_refresh() {
    let callers = &[Calls(0), Calls(0), Calls(1)];
    explore(&Plan { callers, faults: 0, ..PLAN }).is_at_least(10, &[End::Lives]);
}

#[test]
fn t15_c45_in_every_order_of_refreshes_and_a_slide_a_logout_wins() {
    let callers = &[Calls(0), Calls(1), Looks(1), LogsOut(1)];
    explore(&Plan { callers, faults: 0, ..PLAN }).is_at_least(10, &[End::LoggedOut]);
}

#[test]
fn c52_whatever_goes_wrong_at_whichever_step_a_token_is_spent_once() {
    explore(&PLAN).is_at_least(1_000, &[End::Lives, End::Lost, End::Refused]);
}

#[test]
fn c52_c54_a_replica_that_only_seems_dead_is_heard_as_long_as_the_session_lives() {
    let plan = Plan { only_the_lease: true, haste: 1, ..PLAN };
    explore(&plan).is_at_least(10, &[End::Lives, End::Lost]);
}

#[test]
fn c51_whatever_goes_wrong_within_the_grace_ends_no_session_that_the_provider_does_not_refuse() {
    explore(&Plan { grace: "30s", ..PLAN }).is_at_least(900, &[End::Lives, End::Refused]);
}

#[test]
fn c55_whatever_goes_wrong_a_session_lives_as_long_as_its_access_token() {
    explore(&Plan { age: DUE, ..PLAN }).is_at_least(900, &[End::Lives, End::Lost, End::Refused]);
}

/// With one more change of turns than above: minutes.
#[test]
fn soak_c52_c54_a_replica_that_only_seems_dead_is_heard_with_more_turns() {
    let plan = Plan { only_the_lease: true, haste: 1, turns: 2, ..PLAN };
    explore(&plan).is_at_least(10_000, &[End::Lives, End::Lost]);
}
