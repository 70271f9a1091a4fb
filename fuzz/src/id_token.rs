//! Target: header and claims of an ID token that its issuer signed.
//!
//! Oracle: what signs somebody in is, by a second reading, from the issuer, for us, of now and of this login,
//! with no member twice; who is signed in is who it names. As a logout token it is refused.

use crate::logout_token::{CONFIG, login};
use crate::members::Members;
use crate::signed::{ISSUER, NOW, verified};

/// Judges it.
pub(crate) fn run(data: &[u8]) {
    let Some((payload, token)) = verified(data) else { return };
    let access = "access".to_owned().into();
    let Ok(claims) = bff_core::fuzzing::id_token(&token, &CONFIG, &login(), &access, NOW) else {
        return;
    };
    let Some(said) = Members::of(payload) else { return };
    assert!(said.are_distinct(), "{said:?}");
    assert_eq!((said.text("iss"), &*claims.issuer), (Some(ISSUER), ISSUER));
    assert_eq!(said.text("sub"), Some(&*claims.subject));
    assert_eq!(claims.user_id, claims.subject);
    assert!(!claims.subject.is_empty());
    assert!(said.is_or_holds("aud", "client"), "{said:?}");
    assert_eq!(said.text("nonce"), Some("nonce-1"));
    assert!(said.text("azp").is_none_or(|azp| azp == "client"), "{said:?}");
    #[expect(clippy::cast_precision_loss, reason = "seconds of this century")]
    let now = NOW as f64;
    assert!(said.seconds("exp").is_some_and(|exp| exp > now - 121.0), "{said:?}");
    assert!(
        said.seconds("iat").is_some_and(|iat| (now - 601.0..now + 301.0).contains(&iat)),
        "{said:?}"
    );
    assert!(bff_core::fuzzing::logout_token(&token, &CONFIG, NOW).is_err(), "{said:?}");
}
