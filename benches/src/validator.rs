//! Owns: what a check of an access token costs beyond the one signature or hash that it cannot do
//! without, beside that yardstick and beside other crates, in the same alternated rounds.

pub mod forged;
pub mod groups;
pub mod issuer;
pub mod ours;
pub mod raw;
pub mod rounds;
mod show;
pub mod subject;
pub mod tokens;

use std::rc::Rc;

use anyhow::Context as _;
use clap::Args;

use crate::bench;
use crate::machine::Layout;
use crate::report::Report;
use groups::Group;
use rounds::Plan;
use tokens::Issuer;

/// Options of `bench validator`.
#[derive(Debug, Args)]
pub struct Options {
    /// Only these groups, for example `RS256`.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Beside the crates of others too; builds benches/peers, for minutes the first time.
    #[arg(long)]
    peers: bool,
}

/// Runs the subcommand. `more` may add to a group.
///
/// # Errors
/// If a good token is refused.
pub fn run(
    common: &bench::Options,
    options: &Options,
    more: impl Fn(&Rc<Issuer>, &mut Group) -> anyhow::Result<()>,
) -> anyhow::Result<Report> {
    Layout::take()?;
    let issuer = Rc::new(Issuer::new()?);
    let all = groups::KEYS.map(str::to_owned).to_vec();
    let keys = if options.only.is_empty() { all } else { options.only.clone() };
    let groups = keys.iter().map(|key| groups::group(&issuer, key));
    let mut groups = groups.collect::<anyhow::Result<Vec<_>>>()?;
    groups.iter_mut().try_for_each(|group| more(&issuer, group))?;
    let (turns, slot) = if common.quick { (40, 1e6) } else { (80, 2e6) };
    let plan = Plan { rounds: common.rounds(), turns, slot };
    let found = rounds::measure(&mut groups, plan)?;
    let mut report = Report::default();
    show::tables(&mut report, &found);
    report.note(format!(
        "CPU time of one thread on one CPU. Medians of {} rounds, with the least and the greatest; a \
         round is the median of {turns} turns of alternated slots.",
        plan.rounds
    ));
    Ok(report)
}

/// Runs `count` checks of the yardstick of a group and then of one of its subjects, for callgrind: see
/// [`subject::COUNTED`].
///
/// # Errors
/// If there is no such subject, or it refuses a good token.
pub fn count(group: &str, subject: &str, count: u32) -> anyhow::Result<()> {
    let issuer = Rc::new(Issuer::new()?);
    let mut group = groups::group(&issuer, group)?;
    let named = group.subjects.iter_mut().find(|one| one.name == subject);
    let named = named.context("no such subject")?;
    let warm = u32::try_from(group.tokens.len())? + 1;
    group.yardstick.counted(warm, count)?;
    named.counted(warm, count)
}
