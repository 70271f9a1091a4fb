//! `bench validator` with other crates beside validator-lib. `benches/run validator --peers` builds and
//! starts this.

mod huskarl;
mod jsonwebtoken;
mod jwt_simple;
mod oauth;
mod unchecked;

use std::process::ExitCode;
use std::rc::Rc;

use anyhow::Context as _;
use benches::bench;
use benches::validator::groups::Group;
use benches::validator::subject::Subject;
use benches::validator::tokens::{Issuer, Signed};
use benches::validator::{self, ours};
use clap::{Parser, Subcommand};
use validator_lib::Algorithm;

#[derive(Debug, Parser)]
struct Cli {
    #[command(flatten)]
    options: bench::Options,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// CPU time of validator-lib's checks, beside ring's own and other crates.
    Validator(validator::Options),
}

fn main() -> anyhow::Result<ExitCode> {
    let Cli { options, command: Command::Validator(own) } = Cli::parse();
    let mut report = validator::run(&options, &own, beside)?;
    unchecked::tell(&mut report)?;
    let good = report.print(options.markdown, options.json)?;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Adds the others to each group that they have a counterpart for. None remembers tokens, so that there
/// is nothing to put beside a known one.
fn beside(issuer: &Rc<Issuer>, group: &mut Group) -> anyhow::Result<()> {
    if group.key == "DPoP" {
        let token = group.tokens.first().context("no token")?;
        group.subjects.push(huskarl::proven(issuer, token)?);
    } else if let Some(algorithm) = Algorithm::from_name(&group.key) {
        let mut known = ours::known(issuer, &group.tokens)?;
        known.name = "validator-lib, known token".to_owned();
        group.subjects.push(known);
        group.subjects.extend(others(issuer, algorithm, &group.tokens)?);
    }
    Ok(())
}

/// The other crates.
fn others(
    issuer: &Issuer,
    algorithm: Algorithm,
    tokens: &[Signed],
) -> anyhow::Result<Vec<Subject>> {
    let jwk = issuer.signer(algorithm)?.jwk().to_string();
    Ok(vec![
        jsonwebtoken::version_9(&jwk, tokens)?,
        jsonwebtoken::version_10(&jwk, tokens)?,
        jsonwebtoken::version_11(&jwk, tokens)?,
        jwt_simple::whole(algorithm, &jwk, tokens)?,
        oauth::whole(issuer, tokens)?,
        huskarl::whole(issuer, tokens)?,
    ])
}
