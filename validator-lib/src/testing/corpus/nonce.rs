//! Owns: the class of nonces that a service demands in proofs (RFC 9449 sections 8 and 9).

use super::cases::used;
use super::{Cases, Expected, Given, Request};
use crate::dpop::nonce::SPAN_SECS;

pub(super) fn cases(c: &mut Cases<'_>) {
    let Some(nonce) = c.scene.service.nonce.clone() else { return };
    let token = c.scene.bound().sign();
    let with = |nonce: &str| c.scene.prove(&token, c.scene.proof(&token).nonce(nonce).sign());
    c.accept_request("nonce-of-the-service", with(&nonce));
    let cut: String = nonce.chars().take(nonce.chars().count() - 1).collect();
    for (name, request) in [
        ("missing", c.scene.prove(&token, c.scene.proof(&token).without("nonce").sign())),
        ("empty", with("")),
        ("made-up", with("made-up")),
        ("cut", with(&cut)),
        ("longer", with(&format!("{nonce}A"))),
        ("twice", with(&format!("{nonce}{nonce}"))),
        ("other-case", with(&nonce.chars().map(super::other_case).collect::<String>())),
        ("of-another-service", with("AAAAAAAAAAAAAAAAAAAAAA")),
        ("long", with(&"n".repeat(4_000))),
    ] {
        needed(c, name, Given::default(), request);
    }
    let (next, over) = (SPAN_SECS, 2 * SPAN_SECS);
    let late = of_later(c, next, &nonce);
    let given = Given { later: next, ..Given::default() };
    c.push("nonce-of-the-span-before", given, late, Expected::Accepted);
    let late = of_later(c, over, &nonce);
    needed(c, "over", Given { later: over, ..Given::default() }, late);
    // Another fault of the proof is not cured by a nonce, so that none is told.
    let wrong = c.scene.proof(&token).without("nonce").claim("htm", "X").sign();
    c.refuse_proof("nonce-missing-and-another-fault", c.scene.prove(&token, wrong), "dpop_htm");
    let unused = c.scene.proof(&token);
    let first = c.scene.prove(&token, unused.clone().without("nonce").sign());
    let given = Given { before: vec![first], ..Given::default() };
    let request = c.scene.prove(&token, unused.sign());
    c.push("nonce-after-one-was-told", given, request, Expected::Accepted);
}

/// A request of so many seconds from now, with a nonce of today.
fn of_later(c: &Cases<'_>, seconds: u64, nonce: &str) -> Request {
    c.scene.later(seconds, |scene| {
        let token = scene.bound().sign();
        scene.prove(&token, scene.proof(&token).nonce(nonce).sign())
    })
}

fn needed(c: &mut Cases<'_>, name: &str, given: Given, request: Request) {
    let expected = told(c, &request);
    c.push(format!("nonce-{name}"), given, request, expected);
}

/// The refusal of `request` that comes with a nonce.
pub(super) fn told(c: &Cases<'_>, request: &Request) -> Expected {
    let challenges = c.scene.service.challenges(used(request), "error=\"use_dpop_nonce\"");
    Expected::Refused { status: 401, challenges, nonce: true, reason: "dpop_nonce" }
}
