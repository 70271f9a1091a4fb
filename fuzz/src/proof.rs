//! Target: header and claims of a DPoP proof that is signed with the key in it. An `@` in the header stands for
//! that key.
//!
//! Oracle: a proof that is taken is, by a second reading, a proof by its type, for this method, address, token
//! and nonce, of now, with no member twice and no private part of a key.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::percent_decode_str;
use ring::digest::{SHA256, digest};
use serde_json::Value;
use url::Url;
use validator_lib::dpop::{self, Expected, TokenHash};

use crate::members::Members;
use crate::signed::{NOW, public_key, sign};

const URL: &str = "https://api.example.com/orders/1";
const TOKEN: &[u8] = b"token";
const NONCE: &str = "nonce-1";

/// RFC 7638 section 3: the members that count, in their order.
static THUMBPRINT: LazyLock<String> = LazyLock::new(|| {
    let key = public_key();
    let canonical = format!(r#"{{"crv":{},"kty":{},"x":{}}}"#, key["crv"], key["kty"], key["x"]);
    hashed(canonical.as_bytes())
});

fn hashed(text: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, text))
}

/// Shows the proof for a request, with a token that is bound to its key.
pub(crate) fn run(data: &[u8]) {
    let Some(line) = data.iter().position(|byte| *byte == b'\n') else { return };
    let Ok(header) = std::str::from_utf8(&data[..line]) else { return };
    let (header, payload) = (header.replace('@', &public_key().to_string()), &data[line + 1..]);
    let expected = Expected {
        method: "GET",
        url: URL,
        access_token: Some(TokenHash::of(TOKEN)),
        thumbprint: Some(THUMBPRINT.as_str()),
        nonce: Some(NONCE),
    };
    let Ok(proof) = dpop::verify(&sign(header.as_bytes(), payload), &expected, NOW) else { return };
    assert_eq!(proof.thumbprint(), *THUMBPRINT);

    let (Some(header), Some(said)) = (Members::of(header.as_bytes()), Members::of(payload)) else {
        return;
    };
    assert!(header.are_distinct() && said.are_distinct(), "{header:?} {said:?}");
    assert_eq!(header.text("alg"), Some("EdDSA"));
    let typ = header.text("typ").map(str::to_ascii_lowercase);
    assert!(matches!(typ.as_deref(), Some("dpop+jwt" | "application/dpop+jwt")), "{header:?}");
    assert!(header.only("crit").is_none(), "{header:?}");
    let key = header.only("jwk").and_then(Value::as_object).expect("a key");
    assert!(!key.contains_key("d"), "{header:?}");
    assert_eq!(said.text("jti"), Some(proof.jti()));
    assert!((1..=256).contains(&proof.jti().len()), "{said:?}");
    assert_eq!(said.text("htm"), Some("GET"));
    assert_eq!((said.text("nonce"), proof.nonce()), (Some(NONCE), Some(NONCE)));
    assert_eq!(said.text("ath"), Some(hashed(TOKEN).as_str()));
    assert!(is_ours(said.text("htu").expect("an address")), "{said:?}");
    #[expect(clippy::cast_precision_loss, reason = "seconds of this century")]
    let now = NOW as f64;
    assert!(said.seconds("iat").is_some_and(|iat| (now - 61.0..now + 31.0).contains(&iat)));
}

/// Whether a client that goes to `htu` comes to our address.
fn is_ours(htu: &str) -> bool {
    let (htu, ours) = (Url::parse(htu).expect("a URL"), Url::parse(URL).expect("a URL"));
    let path = percent_decode_str(htu.path()).decode_utf8_lossy();
    htu.origin() == ours.origin() && htu.username().is_empty() && path == ours.path()
}
