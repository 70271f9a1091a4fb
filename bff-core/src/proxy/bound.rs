//! Owns: whether a session's access token can be used by nobody but us: bound to a DPoP key (RFC 9449), or
//! to our client certificate (RFC 8705 section 3).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use session::record::{TokenPart, TokenType};

use crate::oidc::{OidcConfig, Profile};

/// Whether the token is bound. A JWT says so itself; of an opaque one it is known where the issuer was
/// held to it when the token was taken.
pub(super) fn is_bound(tokens: &TokenPart, oidc: &OidcConfig) -> bool {
    match (tokens.token_type, names_certificate(tokens.access_token.expose_secret())) {
        (TokenType::Dpop, _) => tokens.dpop_key.is_some(),
        (TokenType::Bearer, Some(named)) => named,
        (TokenType::Bearer, None) => {
            oidc.profile == Profile::Fapi2 && oidc.client_auth.certificate().is_some()
        }
    }
}

/// Whether a JWT names a certificate; `None` for what is no JWT. It came from its issuer and is ours, so
/// nobody's signature is checked.
fn names_certificate(token: &str) -> Option<bool> {
    #[derive(Deserialize)]
    struct Claims {
        cnf: Option<Confirmation>,
    }
    #[derive(Deserialize)]
    struct Confirmation {
        #[serde(rename = "x5t#S256")]
        certificate: Option<String>,
    }
    let mut parts = token.split('.');
    let (payload, end) = (parts.nth(1)?, (parts.next()?, parts.next()));
    let (_, None) = end else { return None };
    let claims = URL_SAFE_NO_PAD.decode(payload).ok()?;
    let claims: Claims = serde_json::from_slice(&claims).ok()?;
    Some(claims.cnf.is_some_and(|cnf| cnf.certificate.is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(kind: TokenType, token: &str, key: bool) -> TokenPart {
        TokenPart {
            access_token: token.into(),
            obtained_at: 0,
            access_expires_at: None,
            refresh_token: None,
            id_token: None,
            token_type: kind,
            scope: String::new(),
            dpop_key: key.then(|| vec![1].into()),
            profile: serde_json::Map::new(),
            context: session::record::UserContext::default(),
        }
    }

    #[test]
    fn t07_only_what_is_known_to_be_bound_counts_as_bound() {
        let auth = crate::oidc::ClientAuth::None;
        let oidc = OidcConfig::new("https://idp.example".to_owned(), "client".to_owned(), auth);
        assert!(is_bound(&tokens(TokenType::Dpop, "opaque", true), &oidc));
        assert!(!is_bound(&tokens(TokenType::Dpop, "opaque", false), &oidc));
        assert!(!is_bound(&tokens(TokenType::Bearer, "opaque", false), &oidc));
        let named = format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(r#"{"cnf":{"x5t#S256":"x"}}"#));
        assert!(is_bound(&tokens(TokenType::Bearer, &named, false), &oidc));
    }

    #[test]
    fn t11_a_jwt_says_itself_whether_it_names_a_certificate() {
        let jwt = |claims: &str| format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims));
        assert_eq!(names_certificate(&jwt(r#"{"cnf":{"x5t#S256":"x"}}"#)), Some(true));
        assert_eq!(names_certificate(&jwt(r#"{"cnf":{"jkt":"x"}}"#)), Some(false));
        assert_eq!(names_certificate(&jwt("{}")), Some(false));
        for opaque in ["", "abc", "a.b", "a.b.c", "a.b.c.d", ".."] {
            assert_eq!(names_certificate(opaque), None, "{opaque}");
        }
    }
}
