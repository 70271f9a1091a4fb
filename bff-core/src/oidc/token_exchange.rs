//! Owns: getting a token for one service in exchange for a broader one (RFC 8693): the request, and the
//! checks of the answer.

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::RelyingParty;
use super::config::Exchange;
use super::dpop::DpopKey;
use super::endpoint::Form;
use super::error::{Endpoint, OidcError};
use super::exchange::bound_key;
use super::token::TokenSet;
use crate::json;

/// Section 2.1.
const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// Section 3.
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

/// What is exchanged, and for what.
#[derive(Clone, Copy)]
pub(crate) struct ExchangeRequest<'a> {
    /// The broad token.
    pub(crate) subject_token: &'a SecretString,
    /// The key that it is bound to, and that the new one is to be.
    pub(crate) dpop_key: Option<&'a DpopKey>,
    /// The service.
    pub(crate) audience: &'a str,
    /// Space separated; without it the issuer decides.
    pub(crate) scope: Option<&'a str>,
}

/// A token for one service.
#[derive(Debug)]
pub(crate) struct Exchanged {
    /// Without a refresh token: there is another exchange for that.
    pub(crate) tokens: TokenSet,
    /// The key it is bound to; `None` for a bearer token.
    pub(crate) dpop_key: Option<DpopKey>,
}

impl RelyingParty {
    /// Exchanges a token.
    ///
    /// # Errors
    /// [`OidcError`]; the broad token is as good as before.
    pub(crate) async fn exchange_token(
        &self,
        request: ExchangeRequest<'_>,
        now: u64,
    ) -> Result<Exchanged, OidcError> {
        let metadata = self.metadata(now).await?;
        if self.config.exchange == Exchange::Auto && !metadata.offers_grant(GRANT) {
            return Err(OidcError::Metadata("token_exchange_not_offered"));
        }
        let key = match request.dpop_key {
            Some(key) => Some(key.clone()),
            None if metadata.use_dpop() => Some(DpopKey::generate()?),
            None => None,
        };
        let mut form: Form<'_> = vec![
            ("grant_type", GRANT),
            ("subject_token", request.subject_token.expose_secret()),
            ("subject_token_type", ACCESS_TOKEN),
            ("requested_token_type", ACCESS_TOKEN),
            ("audience", request.audience),
        ];
        form.extend(request.scope.map(|scope| ("scope", scope)));
        let caller = self.caller(&metadata, now);
        let endpoint = metadata.token_endpoint();
        let answer = caller.post(Endpoint::Token, endpoint, &form, key.as_ref()).await?;
        check_issued_type(answer.body())?;
        let mut tokens = TokenSet::parse(&answer, self.binding(&metadata, key.is_some()))?;
        tokens.refresh_token = None;
        let dpop_key = bound_key(&tokens, key);
        Ok(Exchanged { tokens, dpop_key })
    }
}

/// Section 2.2.1: the answer has to say what it is.
fn check_issued_type(body: &[u8]) -> Result<(), OidcError> {
    #[derive(Deserialize)]
    struct Issued {
        issued_token_type: String,
    }
    let protocol = |what| OidcError::Protocol { endpoint: Endpoint::Token, what };
    let issued: Issued = json::object(body).ok_or_else(|| protocol("issued_token_type_missing"))?;
    match issued.issued_token_type.as_str() {
        ACCESS_TOKEN | JWT => Ok(()),
        _ => Err(protocol("issued_token_type_not_asked_for")),
    }
}
