//! Target: header and claims of an access token that its issuer signed.
//!
//! Oracle: a token that is let in is, by a second reading, from the issuer, for us, of now, an access token by
//! its type, with no member twice; and it says what was read of it.

use validator_lib::testing::AUDIENCE;
use validator_lib::validator::Validator;
use validator_lib::{Incoming, Token};

use crate::blocking;
use crate::members::Members;
use crate::signed::{ISSUER, NOW, keys, token};

/// Shows the token to a validator.
pub(crate) fn run(data: &[u8]) {
    let Some((header, payload, compact)) = token(data) else { return };
    let Some(token) = shown(&compact) else { return };
    let (Some(header), Some(said)) = (Members::of(header), Members::of(payload)) else { return };
    assert!(header.are_distinct() && said.are_distinct(), "{header:?} {said:?}");
    assert_eq!(header.text("alg"), Some("EdDSA"));
    let typ = header.text("typ").map(str::to_ascii_lowercase);
    assert!(matches!(typ.as_deref(), Some("at+jwt" | "application/at+jwt")), "{header:?}");
    assert!(header.only("crit").is_none() && header.only("jwk").is_none(), "{header:?}");
    assert_eq!((said.text("iss"), token.issuer()), (Some(ISSUER), ISSUER));
    assert_eq!(said.text("sub"), Some(token.subject()));
    assert_eq!(said.text("client_id"), token.client_id());
    assert!(said.is_or_holds("aud", AUDIENCE), "{said:?}");
    #[expect(clippy::cast_precision_loss, reason = "seconds of this century")]
    let now = NOW as f64;
    assert!(said.seconds("exp").is_some_and(|exp| exp > now - 61.0), "{said:?}");
    assert!(said.seconds("nbf").is_none_or(|nbf| nbf < now + 61.0), "{said:?}");
    // A token that is bound to a key or a certificate is worth nothing without.
    assert!(said.only("cnf").is_none(), "{said:?}");
    for scope in token.scopes() {
        let listed = said.text("scope").is_some_and(|text| text.split(' ').any(|one| one == scope));
        assert!(
            listed || said.is_or_holds("scope", scope) || said.is_or_holds("scp", scope),
            "{said:?}"
        );
    }
}

fn shown(compact: &str) -> Option<Token> {
    let validator =
        Validator::builder(ISSUER, AUDIENCE).clock(|| NOW).with_keys(keys()).expect("settings");
    let line = format!("Bearer {compact}");
    let lines = [line.as_bytes()];
    blocking::on(validator.check_incoming(&Incoming::new("GET", "/", &lines))).ok()
}
