//! Owns: the class of an issuer that is away, which is never the sender's fault (RFC 9110 section 15.6.4: 503 and
//! no challenge), and of one that rotates its keys (OpenID Connect Core section 10.1.1).

use super::scene::stranger;
use super::{Cases, Expected, Given, Published, Request};
use crate::algorithm::Algorithm;
use crate::testing::keys::encode;

/// Past every cooldown, and within the time for which keys are fresh.
const SOON_SECS: u64 = 1_000;
/// Past the time for which keys are fresh, and within the day for which old ones serve.
const STALE_SECS: u64 = 2 * 60 * 60;

pub(super) fn cases(c: &mut Cases<'_>) {
    outage(c);
    rotation(c);
}

fn outage(c: &mut Cases<'_>) {
    for (name, later) in [("soon", SOON_SECS), ("later", STALE_SECS)] {
        let given = || Given { later, published: Published::Away, ..Given::default() };
        let with = |kid: &str| {
            c.scene.later(later, |scene| scene.send(&scene.mint().header("kid", kid).sign()))
        };
        let known = c.scene.later(later, |scene| scene.send(&scene.mint().sign()));
        let unknown = with("not-published-yet");
        let again = with("nor-this");
        let expected = good(c, &known);
        c.push(format!("outage-{name}-known-key"), given(), known, expected);
        for (case, request) in [("unknown-key", unknown), ("another-unknown-key", again)] {
            let reason = "jwks_unreachable";
            let expected =
                Expected::Refused { status: 503, challenges: vec![], nonce: false, reason };
            c.push(format!("outage-{name}-{case}"), given(), request, expected);
        }
        let bad = |make: &dyn Fn(&super::Scene) -> String| {
            c.scene.later(later, |scene| scene.send(&make(scene)))
        };
        for (case, request, why) in [
            ("wrong-signature", bad(&|scene| scene.mint().sign_with(&stranger())), "signature"),
            ("wrong-audience", bad(&|scene| scene.mint().without("aud").sign()), "audience"),
            ("no-token-at-all", bad(&|_| encode(b"junk")), "token_not_three_parts"),
        ] {
            let expected = c.refused(401, &request, "error=\"invalid_token\"", why);
            c.push(format!("outage-{name}-{case}"), given(), request, expected);
        }
        let request = c.scene.bare();
        let expected = c.refused(401, &request, "", "token_missing");
        c.push(format!("outage-{name}-no-token"), given(), request, expected);
    }
    for name in ["known-node-jwks-rsa-385-old-keys-serve", "known-node-jwks-rsa-502-old-keys-serve"]
    {
        let given = Given { later: STALE_SECS, published: Published::Away, ..Given::default() };
        let request = c.scene.later(STALE_SECS, |scene| scene.send(&scene.mint().sign()));
        let expected = good(c, &request);
        c.push(name, given, request, expected);
    }
    let given = Given { later: 2 * SOON_SECS, published: Published::Away, ..Given::default() };
    let request = c
        .scene
        .later(2 * SOON_SECS, |scene| scene.send(&scene.mint().header("kid", "unheard-of").sign()));
    let expected = Expected::Refused {
        status: 503,
        challenges: vec![],
        nonce: false,
        reason: "jwks_unreachable",
    };
    c.push("known-express-oauth2-jwt-bearer-outage-is-no-bad-token", given, request, expected);
}

fn rotation(c: &mut Cases<'_>) {
    let present = c.scene.issuer.generation();
    for (at, name) in [
        (1, "rotation-new-key-beside-the-old"),
        (2, "known-openidconnect-232-new-key"),
        (3, "known-spring-11621-new-key"),
        (4, "known-kubernetes-139769-new-key"),
        (5, "known-jwt-authorizer-new-key-at-once"),
    ] {
        let later = 3 * SOON_SECS + 100 * u64::from(at);
        let given = Given { later, published: Published::Beside(present + at), ..Given::default() };
        let request = signed_by(c, present + at, later, Algorithm::ES256);
        let expected = good(c, &request);
        c.push(name, given, request, expected);
    }
    let later = STALE_SECS + SOON_SECS;
    let given = || Given { later, published: Published::Alone(present + 6), ..Given::default() };
    let request = signed_by(c, present + 6, later, Algorithm::EdDSA);
    let expected = good(c, &request);
    c.push("rotation-new-key-alone", given(), request, expected);
    for name in ["rotation-old-key-withdrawn", "known-spring-5853-old-key-withdrawn"] {
        let request = c.scene.later(later, |scene| {
            let issued = scene.issuer.now().saturating_sub(super::kid::AGE_SECS);
            scene.send(&scene.mint().claim("iat", issued).sign())
        });
        let expected = c.refused(401, &request, "error=\"invalid_token\"", "key_unknown");
        c.push(name, given(), request, expected);
    }
    remembered(c, present + 7);
    c.accept("rotation-all-as-before", &c.mint().sign());
}

/// A token that was good a moment ago, whose key is gone since a token of the next key made the service look.
fn remembered(c: &mut Cases<'_>, next: u32) {
    // Past the cooldown of a key that nobody has, and within the minute of a token that is remembered.
    let later = 45;
    let issued = c.scene.issuer.now().saturating_sub(super::kid::AGE_SECS);
    let kept = c.mint().claim("iat", issued).sign();
    let given = Given {
        before: vec![c.scene.send(&kept)],
        later,
        published: Published::Alone(next),
        meanwhile: vec![signed_by(c, next, later, Algorithm::ES256)],
        ..Given::default()
    };
    let request = c.scene.later(later, |scene| scene.send(&kept));
    let expected = c.refused(401, &request, "error=\"invalid_token\"", "key_unknown");
    c.push("rotation-old-key-of-a-remembered-token", given, request, expected);
}

/// The answer to a request with a good token. The nonce of its proof is over by then: that it is the nonce that
/// is asked for says that the token is good.
fn good(c: &Cases<'_>, request: &Request) -> Expected {
    let service = &c.scene.service;
    match service.nonce {
        Some(_) if service.dpop_required => super::nonce::told(c, request),
        _ => Expected::Accepted,
    }
}

/// A good request with a token that keys of another generation signed.
fn signed_by(c: &Cases<'_>, generation: u32, later: u64, alg: Algorithm) -> Request {
    let (issuer, present) = (&c.scene.issuer, c.scene.issuer.generation());
    issuer.publish(generation, vec![present]);
    let request = c.scene.later(later, |scene| scene.send(&scene.mint().algorithm(alg).sign()));
    issuer.publish(present, vec![present]);
    request
}
