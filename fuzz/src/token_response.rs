//! Target: the body of a token endpoint's answer.
//!
//! Oracle: what is taken has each member that counts once, by a second reading, and can stand in a header.
//! A DPoP token is taken only where a proof was sent.

use bff_core::oidc::TokenType;
use secrecy::{ExposeSecret as _, SecretString};

use crate::members::Members;

/// Reads it, as the answer to a request with and without a proof.
pub(crate) fn run(data: &[u8]) {
    for proved in [true, false] {
        let Ok(set) = bff_core::fuzzing::token_response(data, proved) else { continue };
        let Some(said) = Members::of(data) else { continue };
        let tokens = [
            ("access_token", Some(&set.access_token)),
            ("refresh_token", set.refresh_token.as_ref()),
            ("id_token", set.id_token.as_ref()),
        ];
        for (name, token) in tokens {
            let token = token.map(SecretString::expose_secret);
            assert_eq!(said.text(name), token, "{name}");
            let is_plain = |token: &str| token.bytes().all(|byte| matches!(byte, 0x20..=0x7e));
            assert!(token.is_none_or(|token| !token.is_empty() && is_plain(token)), "{said:?}");
        }
        assert_eq!(said.text("scope"), set.scope.as_deref());
        let type_ = said.text("token_type").map(str::to_ascii_lowercase);
        match set.token_type {
            TokenType::Bearer => assert_eq!(type_.as_deref(), Some("bearer")),
            TokenType::Dpop => assert!(proved && type_.as_deref() == Some("dpop"), "{said:?}"),
        }
        let never_ends = said.only("expires_in").is_none_or(serde_json::Value::is_null);
        assert_eq!(set.expires_in.is_none(), never_ends, "nonsense is not for ever: {said:?}");
    }
}
