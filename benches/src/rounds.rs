//! Owns: the alternated rounds. In each round every variant has one short slot, in an order that turns;
//! what a slot found is compared with bare hyper's slot of the same round, so that what the machine
//! does meanwhile touches both.

mod show;

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use anyhow::Context as _;

use crate::bench::{Bench, progress};
use crate::cpu;
use crate::load::{Load, Pace, Stop};
use crate::statistics::Spread;
pub(crate) use show::tables;

/// The name of what all others are compared with.
pub(crate) const BARE: &str = "bare";

/// Before a slot: connections are new and caches cold.
const WARM: Stop = Stop::After(Duration::from_millis(100));
/// More of a CPU than this taken by others: the slot does not count.
const FOREIGN: f64 = 0.35;

/// A running program, what it is asked, and what it must answer.
pub(crate) struct Variant {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) pid: u32,
    pub(crate) address: SocketAddr,
    pub(crate) requests: Rc<Vec<Vec<u8>>>,
    pub(crate) status: u16,
    /// Which of the requests one slot sends.
    pub(crate) choose: Choose,
}

/// Chooses among requests by what will be asked of them.
pub(crate) type Choose = fn(&[Vec<u8>], Pace, Stop) -> &[Vec<u8>];

/// All of them.
pub(crate) fn every(requests: &[Vec<u8>], _: Pace, _: Stop) -> &[Vec<u8>] {
    requests
}

/// What is asked of each variant.
#[derive(Clone)]
pub(crate) struct Demand {
    pub(crate) name: String,
    connections: usize,
    pace: Pace,
}

impl Demand {
    pub(crate) fn new(name: &str, connections: usize, pace: Pace) -> Self {
        Self { name: name.to_owned(), connections, pace }
    }
}

/// What one slot found.
#[derive(Clone)]
pub(crate) struct Slot {
    demand: String,
    variant: &'static str,
    round: usize,
    pub(crate) cpu_us: f64,
    pub(crate) rps: f64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
    /// CPU time that others took on the CPU of the service, as a share of the slot.
    pub(crate) foreign: f64,
}

/// All slots so far.
pub(crate) struct Rounds {
    pub(crate) slots: Vec<Slot>,
    stop: Stop,
}

impl Slot {
    pub(crate) fn demand(&self) -> &str {
        &self.demand
    }
}

impl Rounds {
    pub(crate) const fn new(stop: Stop) -> Self {
        Self { slots: Vec::new(), stop }
    }

    /// Measures every variant under `demand`.
    pub(crate) fn measure(
        &mut self,
        bench: &Bench,
        variants: &[Variant],
        demand: &Demand,
    ) -> anyhow::Result<()> {
        let demands: Vec<_> = variants.iter().map(|variant| (variant, demand.clone())).collect();
        self.turn(bench, &demands)
    }

    /// Measures every variant at half of what it managed with the same connections in a closed loop.
    pub(crate) fn measure_half(
        &mut self,
        bench: &Bench,
        variants: &[Variant],
        connections: usize,
    ) -> anyhow::Result<()> {
        let full = connections.to_string();
        let demands: Vec<_> = variants
            .iter()
            .filter_map(|variant| {
                let most = self.spread(&full, variant.name, |slot| slot.rps)?.median;
                Some((variant, Demand::new("half", connections, Pace::Rate(most / 2.0))))
            })
            .collect();
        self.turn(bench, &demands)
    }

    fn turn(&mut self, bench: &Bench, demands: &[(&Variant, Demand)]) -> anyhow::Result<()> {
        for round in 0..bench.options.rounds() {
            if let Some((_, demand)) = demands.first() {
                progress(&format!(
                    "{}: round {} of {}",
                    demand.name,
                    round + 1,
                    bench.options.rounds()
                ));
            }
            let turned = demands.iter().cycle().skip(round % demands.len().max(1));
            for (variant, demand) in turned.take(demands.len()) {
                let slot = self
                    .slot(bench, variant, demand, round)
                    .with_context(|| format!("{} under {}", variant.name, demand.name))?;
                self.slots.push(slot);
            }
        }
        Ok(())
    }

    #[expect(clippy::cast_precision_loss, reason = "fewer than 2^52 requests")]
    fn slot(
        &self,
        bench: &Bench,
        variant: &Variant,
        demand: &Demand,
        round: usize,
    ) -> anyhow::Result<Slot> {
        let requests = (variant.choose)(&variant.requests, demand.pace, self.stop);
        let mut load = Load::connect(variant.address, demand.connections, requests)?;
        load.run(demand.pace, WARM)?.all(variant.status)?;
        let busy = || bench.layout.service.map(cpu::busy).transpose();
        let (before, busy_before) = (cpu::of(variant.pid)?, busy()?);
        let outcome = load.run(demand.pace, self.stop)?;
        let spent = cpu::of(variant.pid)?.saturating_sub(before);
        let taken = busy()?.zip(busy_before).map(|(after, before)| after.saturating_sub(before));
        outcome.all(variant.status)?;
        let foreign = taken.unwrap_or(spent).saturating_sub(spent);
        Ok(Slot {
            demand: demand.name.clone(),
            variant: variant.name,
            round,
            cpu_us: spent.as_secs_f64() * 1e6 / outcome.latency.total() as f64,
            rps: outcome.per_second(),
            p50: outcome.latency.percentile(0.5),
            p99: outcome.latency.percentile(0.99),
            p999: outcome.latency.percentile(0.999),
            foreign: foreign.as_secs_f64() / outcome.elapsed.as_secs_f64(),
        })
    }

    /// The slots that count: those that nobody disturbed, or all where most were disturbed.
    fn of<'a>(&'a self, demand: &'a str, variant: &'a str) -> impl Iterator<Item = &'a Slot> {
        let all = move || {
            self.slots.iter().filter(move |slot| slot.demand == demand && slot.variant == variant)
        };
        let clean = all().filter(|slot| slot.foreign < FOREIGN).count();
        let choose = clean * 2 > all().count();
        all().filter(move |slot| !choose || slot.foreign < FOREIGN)
    }

    /// Over the rounds.
    pub(crate) fn spread(
        &self,
        demand: &str,
        variant: &str,
        value: impl Fn(&Slot) -> f64,
    ) -> Option<Spread> {
        Spread::of(self.of(demand, variant).map(value))
    }

    /// Over the rounds, each time divided by bare hyper's of the same round.
    pub(crate) fn ratio(
        &self,
        demand: &str,
        variant: &str,
        value: impl Fn(&Slot) -> f64,
    ) -> Option<Spread> {
        Spread::of(self.of(demand, variant).filter_map(|slot| {
            let bare = self.of(demand, BARE).find(|bare| bare.round == slot.round)?;
            Some(value(slot) / value(bare))
        }))
    }

    /// In how many slots others took too much CPU time, and how many there are.
    pub(crate) fn disturbed(&self) -> (usize, usize) {
        let noisy = self.slots.iter().filter(|slot| slot.foreign >= FOREIGN).count();
        (noisy, self.slots.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(variant: &'static str, round: usize, cpu_us: f64, foreign: f64) -> Slot {
        let demand = "8".to_owned();
        Slot { demand, variant, round, cpu_us, rps: 1.0, p50: 1.0, p99: 1.0, p999: 1.0, foreign }
    }

    #[test]
    fn a_slot_is_compared_with_bare_hyper_of_its_own_round() {
        let mut rounds = Rounds::new(WARM);
        rounds.slots = vec![
            slot(BARE, 0, 10.0, 0.0),
            slot("strict", 0, 20.0, 0.0),
            slot("strict", 1, 90.0, 0.0),
            slot(BARE, 1, 30.0, 0.0),
        ];
        let ratio = rounds.ratio("8", "strict", |slot| slot.cpu_us).unwrap();
        assert_eq!((ratio.min, ratio.max), (2.0, 3.0));
    }

    #[test]
    fn a_slot_that_others_disturbed_does_not_count_unless_most_were() {
        let mut rounds = Rounds::new(WARM);
        let cpu =
            |rounds: &Rounds| rounds.spread("8", "strict", |slot| slot.cpu_us).map(|all| all.max);
        rounds.slots = vec![slot("strict", 0, 90.0, 0.9), slot("strict", 1, 20.0, 0.0)];
        assert_eq!(cpu(&rounds), Some(90.0));
        rounds.slots.push(slot("strict", 2, 30.0, 0.0));
        assert_eq!(cpu(&rounds), Some(30.0));
        assert_eq!(rounds.disturbed(), (1, 3));
    }
}
