//! Owns: the class of changed signatures, the same for every algorithm (RFC 7515 section 5.2).

use super::Cases;
use super::structure::cut;
use crate::algorithm::Algorithm;
use crate::testing::keys::encode;

pub(super) fn cases(c: &mut Cases<'_>) {
    for alg in Algorithm::ALL {
        bytes(c, *alg);
    }
    input(c);
}

fn bytes(c: &mut Cases<'_>, alg: Algorithm) {
    let mint = c.mint().algorithm(alg);
    let token = mint.sign();
    let input = token.rsplit_once('.').map_or("", |(input, _)| input);
    let good = c.scene.issuer.key(alg).signature(input.as_bytes());
    let other = c.mint().algorithm(alg).claim("sub", "mallory").sign();
    let [_, _, of_other] = cut(&other);
    let half = good.len() / 2;
    let swapped = {
        let (front, back) = good.split_at(half);
        [back, front].concat()
    };
    let changed = |at: usize, bit: u8| {
        let mut signature = good.clone();
        signature.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= bit);
        signature
    };
    let front = |length: usize| good.iter().copied().take(length).collect::<Vec<u8>>();
    for (name, signature) in [
        ("first-bit", changed(0, 0x80)),
        ("last-bit", changed(good.len() - 1, 1)),
        ("middle-bit", changed(half, 0x10)),
        ("a-byte-short", front(good.len() - 1)),
        ("half", front(half)),
        ("a-byte-long", [good.as_slice(), &[0]].concat()),
        ("a-zero-before", [&[0], good.as_slice()].concat()),
        ("twice", [good.as_slice(), &good].concat()),
        ("empty", Vec::new()),
        ("one-byte", vec![1]),
        ("zeros", vec![0; good.len()]),
        ("ones", vec![0xff; good.len()]),
        ("halves-swapped", swapped),
        ("reversed", good.iter().rev().copied().collect()),
    ] {
        let name = format!("signature-{}-{name}", alg.name().to_ascii_lowercase());
        c.refuse(name, &format!("{input}.{}", encode(&signature)), "signature");
    }
    let name = format!("signature-{}-of-another-token", alg.name().to_ascii_lowercase());
    c.refuse(name, &format!("{input}.{of_other}"), "signature");
}

/// Good signatures over something else.
fn input(c: &mut Cases<'_>) {
    let key = c.scene.issuer.key(Algorithm::ES256);
    let mint = c.mint();
    let (header, payload) = (mint.header_text(), mint.claims_text());
    let token = mint.sign();
    let [one, two, _] = cut(&token);
    let elevated = c.mint().claim("roles", serde_json::json!(["root"])).sign();
    let [_, other, _] = cut(&elevated);
    let retyped = c.mint().header("typ", "JWT").sign();
    let [other_header, _, _] = cut(&retyped);
    let good = key.sign_input(&format!("{one}.{two}"));
    let [_, _, good] = cut(&good);
    let over = |input: &[u8]| format!("{one}.{two}.{}", encode(&key.signature(input)));
    for (name, token) in [
        ("payload-replaced", format!("{one}.{other}.{good}")),
        ("header-replaced", format!("{other_header}.{two}.{good}")),
        ("over-the-payload-alone", over(two.as_bytes())),
        ("over-the-decoded-texts", over(format!("{header}.{payload}").as_bytes())),
        ("over-header-and-payload-without-dot", over(format!("{one}{two}").as_bytes())),
        ("over-a-trailing-dot", over(format!("{one}.{two}.").as_bytes())),
        ("over-padded-parts", over(format!("{one}=.{two}=").as_bytes())),
        (
            "over-the-hash",
            over(
                ring::digest::digest(&ring::digest::SHA256, format!("{one}.{two}").as_bytes())
                    .as_ref(),
            ),
        ),
        ("over-nothing", over(b"")),
    ] {
        c.refuse(format!("signature-{name}"), &token, "signature");
    }
}
