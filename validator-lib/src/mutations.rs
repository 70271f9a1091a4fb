//! Millions of inputs that are nearly right: none may make anything panic, and none may be accepted that
//! was not signed. The inputs are the same in every run.
//!
//! Ten million in the release profile, which `tests/run` asks for; a fraction of it elsewhere.

mod mutator;
mod seeds;

use crate::algorithm::Algorithm;
use crate::claims::{AccessClaims, strings_at};
use crate::credentials::{Incoming, Presented};
use crate::dpop::{self, Expected, TokenHash};
use crate::json;
use crate::jws;
use crate::keyset::KeySet;
use crate::profile::Profile;
use crate::testkit::{NOW, Signer, jwks};
use crate::trust;

use mutator::Mutator;

const EACH: usize = if cfg!(debug_assertions) { 25_000 } else { 2_500_000 };

#[test]
fn t17_no_mutated_token_is_accepted_or_makes_the_parser_panic() {
    let signer = Signer::new(Algorithm::RS256);
    let keys = KeySet::from_jwks_json(&jwks(&[signer.jwk("k")])).unwrap();
    let seeds = seeds::tokens(&signer);
    let trusts = seeds::two_trusts();
    let mut mutator = Mutator::new(1);
    let mut refused = 0;
    for turn in 0..EACH {
        let seed = &seeds[turn % seeds.len()];
        let input = mutator.mutate(seed, &seeds);
        let authorization = [b"Bearer ".as_slice(), &input].concat();
        let lines = [authorization.as_slice()];
        let incoming = Incoming::new("GET", "/", &lines);
        let Ok(presented) = Presented::read(&incoming) else { continue };
        let Ok(text) = presented.text() else { continue };
        drop(trust::choose(&trusts, text).map(std::sync::Arc::clone));
        match jws::verify(text, &keys, Algorithm::ALL) {
            Ok(_) => assert!(seeds.iter().any(|seed| seed == text.as_bytes()), "{text}"),
            Err(_) => refused += 1,
        }
    }
    // A mutator that changes nothing would show nothing.
    assert!(refused > EACH / 2, "{refused}");
}

#[test]
fn t17_no_mutated_key_makes_the_reader_panic() {
    let seeds = seeds::key_sets();
    let mut mutator = Mutator::new(2);
    let (mut read, mut refused) = (0, 0);
    for turn in 0..EACH {
        let input = mutator.mutate(&seeds[turn % seeds.len()], &seeds);
        match KeySet::from_jwks_json(&input) {
            Ok(keys) => {
                read += 1;
                assert!(!keys.is_empty());
                // A key that was read can be used, whatever is in it.
                drop(jws::verify(seeds::ANY_TOKEN, &keys, Algorithm::ALL));
            }
            Err(_) => refused += 1,
        }
    }
    assert!(read > 0 && refused > EACH / 4, "{read} {refused}");
}

#[test]
fn t17_no_mutated_proof_is_accepted_or_makes_the_check_panic() {
    let signer = Signer::new(Algorithm::ES256);
    let seeds = seeds::proofs(&signer);
    let expected = Expected {
        method: "GET",
        url: seeds::URL,
        access_token: Some(TokenHash::of(b"token")),
        thumbprint: None,
        nonce: None,
    };
    let claims = seeds::proof_claims();
    let mut mutator = Mutator::new(3);
    let mut refused = 0;
    for turn in 0..EACH {
        if turn % 4 == 0 {
            let input = mutator.mutate(&seeds[turn % seeds.len()], &seeds);
            let Ok(text) = std::str::from_utf8(&input) else { continue };
            match dpop::verify(text, &expected, NOW) {
                Ok(_) => assert!(seeds.contains(&input), "{text}"),
                Err(_) => refused += 1,
            }
        } else {
            // Without the right signature the claims of a proof are never read.
            let input = mutator.mutate(&claims[turn % claims.len()], &claims);
            dpop::read_claims(&input, &expected, NOW).unwrap_or_else(|_| refused += 1);
        }
    }
    assert!(refused > EACH / 2, "{refused}");
}

#[test]
fn t17_no_mutated_claims_make_the_judge_panic() {
    let seeds = seeds::claims();
    let trusts = seeds::all_profiles();
    let mut mutator = Mutator::new(4);
    let (mut accepted, mut refused) = (0, 0);
    for turn in 0..EACH {
        let input = mutator.mutate(&seeds[turn % seeds.len()], &seeds);
        let trust = &trusts[turn % trusts.len()];
        match trust.facts(&input, NOW) {
            Ok(facts) => {
                accepted += 1;
                assert!(!facts.subject.is_empty() && facts.expires_at + 30 > NOW);
                assert!(!trust.has_expired(facts.expires_at, NOW));
            }
            Err(_) => refused += 1,
        }
        if let Ok(value) = json::object::<serde_json::Value>(&input) {
            for path in ["realm_access.roles", "a.b.c", "", ".", "..", "roles"] {
                drop(strings_at(&value, path));
            }
            // What reads as a value reads as claims of the same text, or is refused; never anything else.
            drop(json::object::<AccessClaims<'_>>(&input));
        }
    }
    assert!(accepted > 0 && refused > EACH / 4, "{accepted} {refused}");
    assert!(trusts.iter().any(|trust| trust.profile == Profile::Keycloak));
}
