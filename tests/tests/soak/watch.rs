//! Looks at the programs once a second, and says whether what they hold grew.

use std::fmt;
use std::time::Duration;

use e2e::stack::Stack;
use e2e::vitals::Vitals;
use tokio::time::{Instant, MissedTickBehavior, interval};

const MIB: u64 = 1 << 20;
/// What the median of the last quarter may have over that of the second: the first is warming up.
const MEMORY: u64 = 4 * MIB;
const DESCRIPTORS: u64 = 16;

/// What was seen of each program.
pub(crate) struct Watch {
    programs: Vec<(&'static str, u32)>,
    seen: Vec<Vec<Vitals>>,
}

impl Watch {
    /// Watches the replicas of both programs.
    pub(crate) fn of(stack: &mut Stack) -> Self {
        let mut programs = vec![
            ("forwardauth", stack.forwardauth.process().id()),
            ("bff", stack.bff.process().id()),
        ];
        let second =
            [("forwardauth-2", stack.second_verify.as_mut()), ("bff-2", stack.second_bff.as_mut())];
        for (name, replica) in second {
            programs.extend(replica.map(|replica| (name, replica.program.process().id())));
        }
        Self { programs, seen: Vec::new() }
    }

    /// What each program holds now.
    pub(crate) fn look(&self) -> Vec<Vitals> {
        self.programs.iter().map(|(_, process)| Vitals::of(*process)).collect()
    }

    /// Looks until `end`, and lets the services forget what they saw.
    pub(crate) async fn look_until(&mut self, stack: &Stack, end: Instant) {
        let mut tick = interval(Duration::from_secs(1));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while tick.tick().await < end {
            self.seen.push(self.look());
            for service in [&stack.protected, &stack.upstream, &stack.orders, &stack.pages] {
                drop(service.take());
            }
        }
    }

    /// # Panics
    /// When a program had more in the last quarter of the time than in the second.
    pub(crate) fn nothing_grew(&self) {
        for (number, (name, _)) in self.programs.iter().enumerate() {
            for (what, may, of) in MEASURES {
                let [_, early, _, late] = self.quarters(number, of);
                assert!(late <= early + may, "{what} of {name}: {early}, then {late}\n{self}");
            }
        }
    }

    /// The median of each quarter of the time.
    fn quarters(&self, program: usize, of: fn(&Vitals) -> u64) -> [u64; 4] {
        let length = self.seen.len() / 4;
        std::array::from_fn(|quarter| {
            let part = self.seen.iter().skip(quarter * length).take(length);
            let mut values: Vec<_> = part.map(|seen| of(&seen[program])).collect();
            values.sort_unstable();
            values[length / 2]
        })
    }
}

type Measure = (&'static str, u64, fn(&Vitals) -> u64);

const MEASURES: [Measure; 3] = [
    ("resident bytes", MEMORY, |vitals| vitals.resident),
    ("descriptors", DESCRIPTORS, |vitals| vitals.descriptors as u64),
    ("threads", 1, |vitals| vitals.threads),
];

impl fmt::Display for Watch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "medians of four quarters of {} s", self.seen.len())?;
        for (number, (name, _)) in self.programs.iter().enumerate() {
            for (what, _, of) in MEASURES {
                writeln!(formatter, "{name:14} {what:15} {:?}", self.quarters(number, of))?;
            }
        }
        Ok(())
    }
}
