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

/// With or without the cache of checked tokens.
fn validator(issuer: &Issuer, caching: bool) -> anyhow::Result<Validator> {
    let keys = RemoteKeys::new(Published(issuer.jwks()), "https://auth.example.com/jwks");
    let builder = Validator::builder(ISSUER, AUDIENCE).origin(AUDIENCE);
    let builder = if caching { builder } else { builder.cache_bytes(0) };
    builder.with_remote_keys(keys).context("a validator")
}

fn accepts(validator: &Validator, authorization: &[u8], dpop: &[&[u8]]) -> bool {
    let authorization = [authorization];
    let incoming = Incoming { dpop, ..Incoming::new("GET", PATH, &authorization) };
    let outcome = ready(validator.check_incoming(&incoming));
    black_box(outcome).is_some_and(|outcome| outcome.is_ok())
}

/// The whole check of tokens, each as if it had never been seen before.
///
/// # Errors
/// If there is no validator.
pub fn unknown(issuer: &Issuer, tokens: &[Signed]) -> anyhow::Result<Subject> {
    Ok(bearer(validator(issuer, false)?, tokens))
}

/// The check of tokens that were seen before, but for the first time.
///
/// # Errors
/// If there is no validator.
pub fn known(issuer: &Issuer, tokens: &[Signed]) -> anyhow::Result<Subject> {
    Ok(bearer(validator(issuer, true)?, tokens))
}

fn bearer(validator: Validator, tokens: &[Signed]) -> Subject {
    let value = |token: &Signed| format!("Bearer {}", token.compact).into_bytes();
    let values: Vec<_> = tokens.iter().map(value).collect();
    Subject::over(OURS, values, move |value| accepts(&validator, value, &[]))
}

/// A request with a bound token that is known, and a proof that is new.
///
/// # Errors
/// If there is no validator.
pub fn proven(issuer: &Rc<Issuer>, token: &Signed) -> anyhow::Result<Subject> {
    let validator = validator(issuer, true)?;
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
