//! Target: header and claims of a logout token that its issuer signed.
//!
//! Oracle: what ends sessions is, by a second reading, from the issuer, for us alone, of now, with the event,
//! without a nonce and no member twice; and it ends what it names. As an ID token it is refused.

use std::sync::LazyLock;

use bff_core::oidc::{ClientAuth, LoginSecrets, LogoutScope, OidcConfig};

use crate::members::Members;
use crate::signed::{ISSUER, NOW, verified};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

pub(crate) static CONFIG: LazyLock<OidcConfig> =
    LazyLock::new(|| OidcConfig::new(ISSUER.to_owned(), "client".to_owned(), ClientAuth::None));

/// Judges it.
pub(crate) fn run(data: &[u8]) {
    let Some((payload, token)) = verified(data) else { return };
    let Ok(judged) = bff_core::fuzzing::logout_token(&token, &CONFIG, NOW) else { return };
    let Some(said) = Members::of(payload) else { return };
    assert!(said.are_distinct(), "{said:?}");
    assert_eq!(said.text("iss"), Some(ISSUER));
    assert!(said.is_or_holds("aud", "client") && said.only("nonce").is_none(), "{said:?}");
    assert!(said.only("events").is_some_and(|events| events[EVENT].is_object()), "{said:?}");
    assert!(said.text("jti").is_some_and(|jti| !jti.is_empty()), "{said:?}");
    #[expect(clippy::cast_precision_loss, reason = "seconds of this century")]
    let now = NOW as f64;
    assert!(said.seconds("exp").is_some_and(|exp| exp > now - 121.0), "{said:?}");
    assert!(
        said.seconds("iat").is_some_and(|iat| (now - 421.0..now + 121.0).contains(&iat)),
        "{said:?}"
    );
    let (ended_session, user) = (said.text("sid"), said.text("sub"));
    match judged.scope {
        LogoutScope::Session { sid: ended, subject } => {
            assert_eq!((Some(&*ended), subject.as_deref()), (ended_session, user));
        }
        LogoutScope::Subject(ended) => assert_eq!((None, Some(&*ended)), (ended_session, user)),
    }
    let as_id =
        bff_core::fuzzing::id_token(&token, &CONFIG, &login(), &"access".to_owned().into(), NOW);
    assert!(as_id.is_err(), "also an ID token: {said:?}");
}

/// A login that waits for its ID token.
pub(crate) fn login() -> LoginSecrets {
    LoginSecrets {
        verifier: "verifier".to_owned().into(),
        nonce: "nonce-1".to_owned().into(),
        dpop_key: None,
        issuer: ISSUER.to_owned(),
        redirect_uri: "https://app.example.com/auth/callback".to_owned(),
        started_at: NOW - 20,
        max_age: None,
        acr_values: None,
        signed_response: false,
    }
}
