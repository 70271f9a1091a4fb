//! Owns: the class of proofs that were used before (RFC 9449 section 11.1), and of those that only look so.

use super::ecdsa::rewritten;
use super::structure::cut;
use super::{Cases, Expected, Given, Request};
use crate::credentials::Scheme;
use crate::dpop::{MAX_AGE_SECS, MAX_AHEAD_SECS};
use crate::testing::DpopKey;
use crate::testing::mint::unique;

pub(super) fn cases(c: &mut Cases<'_>) {
    if c.scene.service.origin.is_none() {
        return;
    }
    let token = c.scene.bound().sign();
    let send = |jti: &str| c.scene.prove(&token, c.scene.proof(&token).jti(jti).sign());
    let good = c.scene.send_as(Scheme::Dpop, &token);
    replayed(c, "at-once", vec![good.clone()], good.clone());
    replayed(c, "a-third-time", vec![good.clone(), good.clone()], good);
    let jti = unique("replay");
    replayed(c, "signed-anew", vec![send(&jti)], send(&jti));
    let first = send(&unique("replay"));
    replayed(c, "signature-rewritten", vec![first.clone()], respelled(&first));
    let jti = unique("replay");
    let elsewhere =
        c.scene.proof(&token).jti(&jti).claim("htu", format!("{}?x", c.scene.service.url()));
    replayed(c, "for-another-query", vec![send(&jti)], c.scene.prove(&token, elsewhere.sign()));
    let jti = unique("replay");
    let other = c.scene.bound().sign();
    let with_other = c.scene.prove(&other, c.scene.proof(&other).jti(&jti).sign());
    replayed(c, "with-another-token", vec![send(&jti)], with_other);

    let jti = unique("replay");
    accepted(c, "another-identifier", vec![send(&jti)], send(&format!("{jti}x")));
    let key = DpopKey::with(crate::Algorithm::ES256, c.scene.issuer.clock().clone());
    let own = c.scene.mint().dpop(&key).sign();
    let by_other = c.scene.prove(&own, c.scene.proof_by(&key, &own).jti(&jti).sign());
    accepted(c, "same-identifier-of-another-key", vec![send(&jti)], by_other);
    let once = c.scene.send_as(Scheme::Dpop, &token);
    let with_wrong_token = once.clone().only("authorization", format!("DPoP {other}"));
    accepted(c, "refused-the-first-time", vec![with_wrong_token], once);
    later(c);
}

/// A proof is remembered for as long as its time is good.
fn later(c: &mut Cases<'_>) {
    let now = c.scene.issuer.now();
    let token = c.scene.bound().claim("exp", now + 1_000).sign();
    let ahead = c.scene.proof(&token).issued_at(now + MAX_AHEAD_SECS).sign();
    let request = c.scene.prove(&token, ahead);
    let expected = c.refused(401, &request, "error=\"invalid_dpop_proof\"", "dpop_replayed");
    let given = Given {
        before: vec![request.clone()],
        later: MAX_AHEAD_SECS + MAX_AGE_SECS,
        ..Given::default()
    };
    c.push("replay-in-the-last-second", given, request.clone(), expected);
    let expected = c.refused(401, &request, "error=\"invalid_dpop_proof\"", "dpop_iat");
    let given = Given {
        before: vec![request.clone()],
        later: MAX_AHEAD_SECS + MAX_AGE_SECS + 1,
        ..Given::default()
    };
    c.push("replay-when-it-is-too-old", given, request, expected);
}

/// The same proof with the other signature.
fn respelled(request: &Request) -> Request {
    let proof = String::from_utf8_lossy(request.value("dpop")).into_owned();
    let [_, _, signature] = cut(&proof);
    let signature = crate::testing::keys::decode(signature);
    request.clone().only("dpop", rewritten(&proof, &signature))
}

fn replayed(c: &mut Cases<'_>, name: &str, before: Vec<Request>, request: Request) {
    let expected = c.refused(401, &request, "error=\"invalid_dpop_proof\"", "dpop_replayed");
    let given = Given { before, ..Given::default() };
    c.push(format!("replay-{name}"), given, request, expected);
}

fn accepted(c: &mut Cases<'_>, name: &str, before: Vec<Request>, request: Request) {
    let given = Given { before, ..Given::default() };
    c.push(format!("replay-not-{name}"), given, request, Expected::Accepted);
}
