//! Owns: validator-lib as a service has it: with keys that are fetched and fresh, the machine's clock,
//! and `check_incoming` from the header value to the accepted token.

use std::cell::Cell;
use std::hint::black_box;
use std::rc::Rc;

use anyhow::Context as _;
use validator_lib::keysource::{Fetch, FetchError, Fetched, RemoteKeys};
use validator_lib::{Incoming, Validator};

use super::subject::{Subject, ready};
use super::tokens::{AUDIENCE, ISSUER, Issuer, PATH, Signed};

/// The name of validator-lib in the tables.
pub const OURS: &str = "validator-lib";

/// A key set that needs no network.
struct Published(String);

impl Fetch for Published {
    async fn get(&self, _: &str) -> Result<Fetched, FetchError> {
        Ok(Fetched { body: self.0.clone().into_bytes(), max_age: None })
    }
}

fn validator(issuer: &Issuer) -> anyhow::Result<Validator> {
    let keys = RemoteKeys::new(Published(issuer.jwks()), "https://auth.example.com/jwks");
    let builder = Validator::builder(ISSUER, AUDIENCE).origin(AUDIENCE);
    builder.with_remote_keys(keys).context("a validator")
}

fn accepts(validator: &Validator, authorization: &[u8], dpop: &[&[u8]]) -> bool {
    let incoming = Incoming { method: "GET", path: PATH, authorization: &[authorization], dpop };
    let outcome = ready(validator.check_incoming(&incoming));
    black_box(outcome).is_some_and(|outcome| outcome.is_ok())
}

/// The whole check of tokens that were never seen before.
///
/// # Errors
/// If there is no validator.
pub fn unknown(issuer: &Issuer, tokens: &[Signed]) -> anyhow::Result<Subject> {
    let validator = validator(issuer)?;
    let values = values("Bearer", tokens);
    Ok(Subject::over(OURS, values, move |value| accepts(&validator, value, &[])))
}

/// A request with a bound token that is known, and a proof that is new.
///
/// # Errors
/// If there is no validator.
pub fn proven(issuer: &Rc<Issuer>, token: &Signed) -> anyhow::Result<Subject> {
    let validator = validator(issuer)?;
    let token = token.compact.clone();
    let value = format!("DPoP {token}").into_bytes();
    let (issuer, number) = (Rc::clone(issuer), Cell::new(0));
    let make = move |count: usize| {
        (0..count)
            .map(|_| {
                number.set(number.get() + 1);
                Ok(issuer.proof(&token, number.get())?.compact)
            })
            .collect()
    };
    Ok(Subject::once(OURS, make, move |proof: &String| {
        accepts(&validator, &value, &[proof.as_bytes()])
    }))
}

fn values(scheme: &str, tokens: &[Signed]) -> Vec<Vec<u8>> {
    tokens.iter().map(|token| format!("{scheme} {}", token.compact).into_bytes()).collect()
}
