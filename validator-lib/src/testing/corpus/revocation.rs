//! Owns: the class of revoked tokens. They are named by their claims and not by their bytes, they are refused
//! from the next request on, and nobody else is.

use super::ecdsa::rewritten;
use super::structure::cut;
use super::{Cases, Expected, Given, Request, Revoked};
use crate::credentials::Scheme;
use crate::testing::keys::decode;
use crate::testing::mint::unique;

pub(super) fn cases(c: &mut Cases<'_>) {
    if !c.scene.service.revocations {
        return;
    }
    by_token(c);
    by_user(c);
    unknown(c);
}

fn by_token(c: &mut Cases<'_>) {
    let scene = c.scene;
    let named = |jti: &str| scene.mint().claim("jti", jti).sign();
    let jti = unique("revoked");
    refuse(c, "token", token(&jti), vec![], c.scene.send(&named(&jti)));
    let jti = unique("revoked");
    let kept = named(&jti);
    refuse(c, "token-that-was-good", token(&jti), vec![c.scene.send(&kept)], c.scene.send(&kept));
    let jti = unique("revoked");
    let (first, second) = (named(&jti), named(&jti));
    refuse(c, "token-signed-anew", token(&jti), vec![c.scene.send(&first)], c.scene.send(&second));
    let jti = unique("revoked");
    let kept = named(&jti);
    let [_, _, signature] = cut(&kept);
    let twin = rewritten(&kept, &decode(signature));
    let before = vec![c.scene.send(&kept), c.scene.send(&twin)];
    refuse(c, "token-with-the-signature-rewritten", token(&jti), before, c.scene.send(&twin));
    if c.scene.service.origin.is_some() {
        let jti = unique("revoked");
        let bound = c.scene.bound().claim("jti", jti.as_str()).sign();
        let before = vec![c.scene.send_as(Scheme::Dpop, &bound)];
        let request = c.scene.send_as(Scheme::Dpop, &bound);
        refuse(c, "bound-token", token(&jti), before, request);
    }
    let jti = unique("revoked");
    for (name, other) in [
        ("token-of-another-name", named(&format!("{jti}x"))),
        ("token-of-a-name-in-capitals", named(&jti.to_ascii_uppercase())),
        ("token-without-name", c.mint().without("jti").sign()),
    ] {
        accept(c, name, token(&jti), c.scene.send(&other));
    }
}

fn by_user(c: &mut Cases<'_>) {
    let now = c.scene.issuer.now();
    let scene = c.scene;
    let of = |user: &str| scene.mint().subject(user);
    let user = unique("user");
    let kept = of(&user).sign();
    refuse(c, "user", person(&user), vec![c.scene.send(&kept)], c.scene.send(&kept));
    let user = unique("user");
    for (name, mint) in [
        ("user-token-of-an-hour-ago", of(&user).claim("iat", now - 3_600)),
        ("user-token-without-time", of(&user).without("iat")),
        ("user-token-without-name", of(&user).without("jti")),
        ("user-token-of-another-client", of(&user).claim("client_id", "other")),
    ] {
        refuse(c, name, person(&user), vec![], c.scene.send(&mint.sign()));
    }
    for (name, mint) in [
        ("user-of-another-name", of(&format!("{user}x"))),
        ("user-in-capitals", of(&user.to_ascii_uppercase())),
        ("user-token-issued-afterwards", of(&user).claim("iat", now + 1)),
    ] {
        accept(c, name, person(&user), c.scene.send(&mint.sign()));
    }
}

/// A list that lost touch with its source. The fault is not the sender's: 503 without a challenge.
fn unknown(c: &mut Cases<'_>) {
    let kept = c.mint().sign();
    let outage = Expected::Refused {
        status: 503,
        challenges: Vec::new(),
        nonce: false,
        reason: "revocation_unknown",
    };
    for (name, before) in
        [("new-token", vec![]), ("token-that-was-good", vec![c.scene.send(&kept)])]
    {
        let given = Given { before, silent: true, ..Given::default() };
        c.push(format!("revocation-unknown-{name}"), given, c.scene.send(&kept), outage.clone());
    }
    let given = Given { silent: true, ..Given::default() };
    let request = c.scene.send(&c.mint().without("aud").sign());
    let expected = c.refused(401, &request, "error=\"invalid_token\"", "audience");
    c.push("revocation-unknown-and-a-bad-token", given, request, expected);
    let given = Given { silent: true, ..Given::default() };
    let request = c.scene.bare();
    let expected = c.refused(401, &request, "", "token_missing");
    c.push("revocation-unknown-and-no-token", given, request, expected);
}

fn token(jti: &str) -> Revoked {
    Revoked::Token(jti.to_owned())
}

fn person(user: &str) -> Revoked {
    Revoked::User(user.to_owned())
}

fn refuse(c: &mut Cases<'_>, name: &str, revoked: Revoked, before: Vec<Request>, request: Request) {
    let expected = c.refused(401, &request, "error=\"invalid_token\"", "revoked");
    let given = Given { before, revoked: Some(revoked), ..Given::default() };
    c.push(format!("revocation-{name}"), given, request, expected);
}

fn accept(c: &mut Cases<'_>, name: &str, revoked: Revoked, request: Request) {
    let given = Given { revoked: Some(revoked), ..Given::default() };
    c.push(format!("revocation-not-{name}"), given, request, Expected::Accepted);
}
