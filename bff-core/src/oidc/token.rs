//! Owns: the token endpoint's successful answer (RFC 6749 section 5.1, RFC 8705 section 3,
//! RFC 9449 section 5).

use secrecy::SecretString;
use serde::Deserialize;

use super::config::{Mode, Profile};
use super::endpoint::Answer;
use super::error::{Endpoint, OidcError};
use crate::json;

/// What the token endpoint gave.
#[derive(Debug, Clone)]
pub struct TokenSet {
    /// For resource servers.
    pub access_token: SecretString,
    /// Absent from a refresh where the old one stays good.
    pub refresh_token: Option<SecretString>,
    /// Verified before it gets here.
    pub id_token: Option<SecretString>,
    /// How the access token is presented.
    pub token_type: TokenType,
    /// Whether nobody else can use the access token: it is bound to our DPoP key, or the issuer says
    /// that it binds them to our certificate (RFC 8705 section 3).
    pub sender_constrained: bool,
    /// What was granted, where it differs from what was asked.
    pub scope: Option<String>,
    /// Seconds from now; absent where the issuer does not say.
    pub expires_in: Option<u64>,
}

/// How an access token is presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenType {
    /// RFC 6750
    Bearer,
    /// RFC 9449
    Dpop,
}

impl TokenType {
    /// The scheme of the `Authorization` header.
    pub fn scheme(self) -> &'static str {
        match self {
            Self::Bearer => "Bearer",
            Self::Dpop => "DPoP",
        }
    }
}

impl TokenSet {
    /// Reads a 200. A member that is there twice makes it malformed.
    pub(super) fn parse(answer: &Answer, binding: Binding) -> Result<Self, OidcError> {
        let wire: Wire =
            json::object(answer.body()).ok_or_else(|| protocol("token_response_malformed"))?;
        let token_type = if wire.token_type.eq_ignore_ascii_case("dpop") {
            TokenType::Dpop
        } else if wire.token_type.eq_ignore_ascii_case("bearer") {
            TokenType::Bearer
        } else {
            return Err(protocol("token_type_unknown"));
        };
        if token_type == TokenType::Dpop && !binding.proved {
            return Err(protocol("token_type_not_asked_for"));
        }
        let dpop = token_type == TokenType::Dpop;
        let sender_constrained = dpop || binding.certificate;
        if !is_taken((binding.dpop, binding.profile), token_type, sender_constrained) {
            return Err(protocol("token_not_sender_constrained"));
        }
        Ok(Self {
            access_token: token(wire.access_token)?,
            refresh_token: wire.refresh_token.map(token).transpose()?,
            id_token: wire.id_token.map(token).transpose()?,
            token_type,
            sender_constrained,
            scope: wire.scope,
            expires_in: wire.expires_in.map(Seconds::get),
        })
    }
}

/// What access tokens are bound to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Binding {
    pub(super) dpop: Mode,
    /// A DPoP proof went with the request.
    pub(super) proved: bool,
    /// The issuer binds tokens to the certificate that we showed.
    pub(super) certificate: bool,
    pub(super) profile: Profile,
}

impl Binding {
    /// The same for tokens that are checked later: what else came with them must not be lost.
    pub(super) fn unchecked(self) -> Self {
        Self { dpop: Mode::Auto, profile: Profile::Open, ..self }
    }
}

/// Whether a token is bound as the settings want it.
pub(super) fn is_taken(
    settings: (Mode, Profile),
    token_type: TokenType,
    sender_constrained: bool,
) -> bool {
    match settings {
        (Mode::Required, _) => token_type == TokenType::Dpop,
        (_, Profile::Fapi2) => sender_constrained,
        _ => true,
    }
}

/// RFC 6749 appendix A.12 and A.17: 1*VSCHAR, which is also what a header can carry.
fn token(text: SecretText) -> Result<SecretString, OidcError> {
    if text.0.is_empty() || !text.0.bytes().all(|byte| (0x20..=0x7E).contains(&byte)) {
        return Err(protocol("token_malformed"));
    }
    Ok(text.0.into())
}

fn protocol(what: &'static str) -> OidcError {
    OidcError::Protocol { endpoint: Endpoint::Token, what }
}

#[derive(Deserialize)]
struct SecretText(String);

#[derive(Deserialize)]
struct Wire {
    access_token: SecretText,
    token_type: String,
    refresh_token: Option<SecretText>,
    id_token: Option<SecretText>,
    scope: Option<String>,
    expires_in: Option<Seconds>,
}

/// A number of seconds. Some issuers send it as a string or with a fraction.
#[derive(Deserialize)]
#[serde(untagged)]
enum Seconds {
    Whole(u64),
    Fraction(f64),
    Text(String),
    Other(serde::de::IgnoredAny),
}

impl Seconds {
    /// Nonsense counts as "expired now" rather than as "for ever".
    fn get(self) -> u64 {
        match self {
            Self::Whole(seconds) => seconds,
            Self::Fraction(seconds) => std::time::Duration::try_from_secs_f64(seconds)
                .map_or(0, |duration| duration.as_secs()),
            Self::Text(text) => text.parse().unwrap_or(0),
            Self::Other(_) => 0,
        }
    }
}

#[cfg(test)]
mod tests;
