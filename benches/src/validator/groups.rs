//! Owns: what is compared with what: for each kind of check the yardstick, validator-lib and its limit,
//! and room for others.

use std::cell::Cell;
use std::hint::black_box;
use std::rc::Rc;

use ring::digest::{SHA256, digest};
use validator_lib::Algorithm;

use super::ours;
use super::subject::Subject;
use super::tokens::{Issuer, Signed};

/// Tokens that the checks of a signature take in turn.
const FEW: u64 = 64;

/// As many as a cache may well hold; more than the second-level cache of a CPU does.
const MANY: u64 = 1_000;
/// The names of all groups.
pub const KEYS: [&str; 8] =
    ["RS256", "PS256", "ES256", "EdDSA", "DPoP", "known-1147", "known-891", "known-1000"];

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

/// The group of that name, which is one of [`KEYS`].
///
/// # Errors
/// If tokens cannot be made, or there is no such group.
pub fn group(issuer: &Rc<Issuer>, key: &str) -> anyhow::Result<Group> {
    match key {
        "RS256" => signature(issuer, Algorithm::RS256),
        "PS256" => signature(issuer, Algorithm::PS256),
        "ES256" => signature(issuer, Algorithm::ES256),
        "EdDSA" => signature(issuer, Algorithm::EdDSA),
        "DPoP" => proof(issuer),
        "known-1147" => known(issuer, key, Algorithm::RS256, FEW),
        "known-891" => known(issuer, key, Algorithm::ES256, FEW),
        "known-1000" => known(issuer, key, Algorithm::ES256, MANY),
        _ => anyhow::bail!("no such group: {key}; there are {}", KEYS.join(", ")),
    }
}

/// A token that nobody has seen before.
fn signature(issuer: &Rc<Issuer>, algorithm: Algorithm) -> anyhow::Result<Group> {
    let raw = issuer.signer(algorithm)?.raw();
    let tokens = tokens(issuer, algorithm, FEW)?;
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

/// Tokens that were checked a moment ago.
fn known(issuer: &Issuer, key: &str, algorithm: Algorithm, count: u64) -> anyhow::Result<Group> {
    let tokens = tokens(issuer, algorithm, count)?;
    let yardstick = Subject::over("SHA-256", tokens.to_vec(), |token| {
        black_box(digest(&SHA256, token.compact.as_bytes())).as_ref().len() == 32
    });
    let ours = ours::known(issuer, &tokens)?;
    let size = tokens.first().map_or(0, |token| token.compact.len());
    Ok(Group {
        key: key.to_owned(),
        title: format!("One of {count} known tokens of {size} bytes, beside one SHA-256 of it"),
        tokens,
        yardstick,
        subjects: vec![ours.at_most(1.4)],
    })
}

fn tokens(issuer: &Issuer, algorithm: Algorithm, count: u64) -> anyhow::Result<Rc<[Signed]>> {
    (0..count).map(|number| issuer.token(algorithm, number)).collect()
}
