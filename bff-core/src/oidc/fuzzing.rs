//! Owns: the judgements on what an identity provider sends, each without the request that it answers.

use secrecy::SecretString;
use url::Url;
use validator_lib::jws::VerifiedJws;

use super::config::{Mode, OidcConfig, Profile};
use super::endpoint::Answer;
use super::error::OidcError;
use super::id_token::{self, Occasion};
use super::logout_token;
use super::metadata::Metadata;
use super::par;
use super::token::Binding;
use super::{IdClaims, LoginSecrets, LogoutToken, TokenSet};

/// The body of a token endpoint's 200. `proved`: whether a DPoP proof went with the request.
///
/// # Errors
/// As in a login.
pub fn token_response(body: &[u8], proved: bool) -> Result<TokenSet, OidcError> {
    let profile = Profile::Open;
    let binding = Binding { dpop: Mode::Auto, proved, certificate: false, profile };
    TokenSet::parse(&Answer::ok(body.to_vec()), binding)
}

/// The body of a PAR endpoint's 201: its `request_uri`.
///
/// # Errors
/// As in a login.
pub fn par_response(body: &[u8]) -> Result<String, OidcError> {
    par::read(&Answer::created(body.to_vec()))
}

/// The addresses that a discovery document gives.
///
/// # Errors
/// As at the start.
pub fn metadata(document: &[u8], config: &OidcConfig) -> Result<Vec<Url>, OidcError> {
    let metadata = Metadata::parse(document, config)?;
    let called = [
        Some(metadata.token_endpoint()),
        Some(metadata.jwks()),
        metadata.par_endpoint(),
        metadata.userinfo_endpoint(),
        metadata.revocation_endpoint(),
        metadata.introspection_endpoint(),
    ];
    let called = called.into_iter().flatten().map(|endpoint| endpoint.call().clone());
    let browsed = [Some(metadata.authorization_endpoint()), metadata.end_session_endpoint()];
    Ok(called.chain(browsed.into_iter().flatten().cloned()).collect())
}

/// A logout token whose signature is good. `now` in seconds since the epoch.
///
/// # Errors
/// A short stable code.
pub fn logout_token(
    token: &VerifiedJws,
    config: &OidcConfig,
    now: u64,
) -> Result<LogoutToken, &'static str> {
    logout_token::judge(token, config, now)
}

/// The ID token of a login, whose signature is good. `now` in seconds since the epoch.
///
/// # Errors
/// As in a login.
pub fn id_token(
    token: &VerifiedJws,
    config: &OidcConfig,
    login: &LoginSecrets,
    access_token: &SecretString,
    now: u64,
) -> Result<IdClaims, OidcError> {
    id_token::check(token, config, Occasion::Login(login), access_token, now)
}
