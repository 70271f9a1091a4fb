//! Owns: what is compared with what: for each kind of check the yardstick, validator-lib and its limit,
//! and room for others.

use std::cell::Cell;
use std::rc::Rc;

use validator_lib::Algorithm;

use super::ours;
use super::subject::Subject;
use super::tokens::{ALGORITHMS, Issuer, Signed};

/// Tokens that the checks of a signature take in turn.
const FEW: u64 = 64;

/// The names of all groups.
pub const KEYS: [&str; 5] = ["RS256", "PS256", "ES256", "EdDSA", "DPoP"];

/// A yardstick and what is measured beside it.
#[derive(Debug)]
pub struct Group {
    /// Its name in the JSON.
    pub key: String,
    /// What stands above its table.
    pub title: String,
    /// The tokens that all of them check.
    pub tokens: Rc<[Signed]>,
    /// What the others are divided by.
    pub yardstick: Subject,
    /// The others.
    pub subjects: Vec<Subject>,
}

/// Everything that is measured.
///
/// # Errors
/// If tokens cannot be made.
pub fn all(issuer: &Rc<Issuer>) -> anyhow::Result<Vec<Group>> {
    let mut groups = Vec::new();
    for algorithm in ALGORITHMS {
        groups.push(signature(issuer, algorithm)?);
    }
    groups.push(proof(issuer)?);
    Ok(groups)
}

/// A token that nobody has seen before.
fn signature(issuer: &Rc<Issuer>, algorithm: Algorithm) -> anyhow::Result<Group> {
    let raw = issuer.signer(algorithm)?.raw();
    let tokens = (0..FEW).map(|number| issuer.token(algorithm, number));
    let tokens = tokens.collect::<anyhow::Result<Rc<[Signed]>>>()?;
    let yardstick = Subject::over("ring", tokens.to_vec(), move |token| {
        raw.verifies(&token.input, &token.signature)
    });
    let ours = ours::unknown(issuer, &tokens)?;
    let ours = match algorithm {
        Algorithm::RS256 => ours.at_most(1.08),
        Algorithm::ES256 => ours.at_most(1.04),
        Algorithm::EdDSA => ours.at_most(1.05),
        _ => ours,
    };
    Ok(Group {
        key: algorithm.name().to_owned(),
        title: format!(
            "{algorithm}, a token not seen before, beside ring's check of the signature"
        ),
        tokens,
        yardstick,
        subjects: vec![ours],
    })
}

/// A proof for a token that is known.
fn proof(issuer: &Rc<Issuer>) -> anyhow::Result<Group> {
    let raw = issuer.client().raw();
    let (maker, number) = (Rc::clone(issuer), Cell::new(0));
    let token = issuer.bound_token(Algorithm::ES256, 1)?;
    let compact = token.compact.clone();
    let make = move |count: usize| {
        (0..count)
            .map(|_| {
                number.set(number.get() + 1);
                maker.proof(&compact, number.get())
            })
            .collect()
    };
    let yardstick =
        Subject::once("ring", make, move |proof| raw.verifies(&proof.input, &proof.signature));
    Ok(Group {
        key: "DPoP".to_owned(),
        title: "DPoP, a known token and a new proof, beside ring's check of the proof's ES256"
            .to_owned(),
        subjects: vec![ours::proven(issuer, &token)?.at_most(1.05)],
        tokens: Rc::new([token]),
        yardstick,
    })
}
