//! Owns: the alternated rounds. A round has many turns; in each turn every subject has one slot of a
//! few milliseconds, in an order that moves on, and so has the yardstick twice. A slot is divided by
//! the yardstick's of the same turn, the median of the turns is the round's ratio, and the median of
//! the rounds is what is told.

use super::groups::Group;
use super::ours::OURS;
use super::subject::Subject;
use crate::bench::progress;
use crate::statistics::Spread;

/// A slot begins with one such part of its checks that is not measured: the one before has filled the
/// caches with something else.
const UNMEASURED: u32 = 8;

/// How long and how often.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Rounds.
    pub rounds: usize,
    /// Turns of a round.
    pub turns: usize,
    /// Nanoseconds of a slot.
    pub slot: f64,
}

/// What was found about one group.
#[derive(Debug)]
pub struct Found {
    /// As in [`Group`].
    pub key: String,
    /// As in [`Group`].
    pub title: String,
    /// The yardstick's second slot by its first.
    pub again: Spread,
    /// The subjects.
    pub rows: Vec<Row>,
}

/// What was found about one subject.
#[derive(Debug)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// By the yardstick.
    pub ratio: Spread,
    /// By validator-lib.
    pub over_ours: Option<Spread>,
    /// What `ratio` may be at most.
    pub limit: Option<f64>,
}

/// One slot of each lane: the yardstick, the yardstick again, the subjects.
type Turn = Vec<f64>;

/// Measures all groups, one after the other in each round.
///
/// # Errors
/// If a token is refused.
pub fn measure(groups: &mut [Group], plan: Plan) -> anyhow::Result<Vec<Found>> {
    let mut counts = Vec::new();
    for group in groups.iter_mut() {
        progress(&format!("warming: {}", group.key));
        let lanes = (0..lanes(group)).map(|lane| calibrated(group, lane, plan.slot));
        counts.push(lanes.collect::<Result<Vec<u32>, _>>()?);
    }
    let mut rounds: Vec<Vec<Vec<Turn>>> = vec![Vec::new(); groups.len()];
    for round in 0..plan.rounds {
        progress(&format!("round {} of {}", round + 1, plan.rounds));
        for ((group, counts), rounds) in groups.iter_mut().zip(&counts).zip(&mut rounds) {
            let turns = (0..plan.turns).map(|number| turn(group, counts, number));
            rounds.push(turns.collect::<Result<_, _>>()?);
        }
    }
    Ok(groups.iter().zip(&rounds).filter_map(|(group, rounds)| found(group, rounds)).collect())
}

fn lanes(group: &Group) -> usize {
    2 + group.subjects.len()
}

fn subject(group: &mut Group, lane: usize) -> &mut Subject {
    let subject = lane.checked_sub(2).and_then(|number| group.subjects.get_mut(number));
    subject.unwrap_or(&mut group.yardstick)
}

fn slot(group: &mut Group, lane: usize, count: u32) -> anyhow::Result<f64> {
    subject(group, lane).slot(count / UNMEASURED, count)
}

/// How many checks fill a slot, found once every token was seen.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count between one and a million"
)]
fn calibrated(group: &mut Group, lane: usize, nanoseconds: f64) -> anyhow::Result<u32> {
    let every_token = u32::try_from(group.tokens.len())?;
    subject(group, lane).slot(every_token, 1)?;
    let mut count = 1;
    for _ in 0..12 {
        let each = slot(group, lane, count)?.max(1.0);
        count = (nanoseconds / each).clamp(1.0, 1e6) as u32;
    }
    Ok(count)
}

fn turn(group: &mut Group, counts: &[u32], number: usize) -> anyhow::Result<Turn> {
    let mut slots = vec![0.0; counts.len()];
    let order = counts.iter().zip(&mut slots).enumerate();
    let mut order: Vec<_> = order.collect();
    order.rotate_left(number % counts.len().max(1));
    // Each follows now the one and now the other of its neighbours.
    if number % 2 == 1 {
        order.reverse();
    }
    for (lane, (count, found)) in order {
        *found = slot(group, lane, *count)?;
    }
    Ok(slots)
}

/// The median of each round's turns, over the rounds; of each turn `lane` by `by`.
fn spread(rounds: &[Vec<Turn>], lane: usize, by: usize) -> Option<Spread> {
    let ratio = |turn: &Turn| Some(turn.get(lane)? / turn.get(by)?);
    let round =
        |turns: &Vec<Turn>| Spread::of(turns.iter().filter_map(ratio)).map(|all| all.median);
    Spread::of(rounds.iter().filter_map(round))
}

fn found(group: &Group, rounds: &[Vec<Turn>]) -> Option<Found> {
    let ours = group.subjects.iter().position(|subject| subject.name == OURS);
    let row = |(number, subject): (usize, &Subject)| {
        Some(Row {
            name: subject.name.clone(),
            ratio: spread(rounds, number + 2, 0)?,
            over_ours: ours.and_then(|ours| spread(rounds, number + 2, ours + 2)),
            limit: subject.limit,
        })
    };
    Some(Found {
        key: group.key.clone(),
        title: group.title.clone(),
        again: spread(rounds, 1, 0)?,
        rows: group.subjects.iter().enumerate().filter_map(row).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_compared_with_its_own_turn_and_a_round_with_its_median() {
        let slow_machine = vec![vec![100.0, 100.0, 110.0], vec![10.0, 10.0, 11.0]];
        let one_bad_turn =
            vec![vec![10.0, 10.0, 12.0], vec![10.0, 10.0, 90.0], vec![10.0, 10.0, 12.0]];
        let all = spread(&[slow_machine, one_bad_turn], 2, 0).unwrap();
        assert!((all.min - 1.1).abs() < 1e-9 && (all.max - 1.2).abs() < 1e-9);
        assert!((all.median - 1.15).abs() < 1e-9);
    }
}
