//! Owns: what a code exchange and a refresh have in common: the token request, the key the tokens
//! are bound to, the identity in the ID token.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use validator_lib::jws::JwsError;

use super::RelyingParty;
use super::callback::{Answer, AuthorizationResponse, IssPolicy};
use super::config::Mode;
use super::dpop::DpopKey;
use super::endpoint::{Caller, Form};
use super::error::{Endpoint, OidcError};
use super::id_claims::IdClaims;
use super::id_token::{self, Occasion};
use super::jarm;
use super::metadata::Metadata;
use super::refresh::RefreshRequest;
use super::token::{Binding, TokenSet, TokenType};

impl RelyingParty {
    pub(super) async fn metadata(&self, now: u64) -> Result<Arc<Metadata>, OidcError> {
        self.discovery.get(&self.config, &self.http, now).await
    }

    pub(super) fn caller<'a>(&'a self, metadata: &'a Metadata, now: u64) -> Caller<'a> {
        Caller {
            config: &self.config,
            http: &self.http,
            random: &*self.random,
            nonces: &self.as_nonces,
            metadata,
            now,
        }
    }

    /// The code of a login's response, once the response is known to come from the issuer.
    pub(super) async fn code(
        &self,
        metadata: &Metadata,
        response: AuthorizationResponse,
        signed: bool,
        now: u64,
    ) -> Result<SecretString, OidcError> {
        let signed = signed || self.config.jarm == Mode::Required;
        match response.answer {
            Answer::Plain(_) if signed => Err(OidcError::Callback("signed_response_missing")),
            Answer::Plain(plain) => {
                let required = metadata.promises_iss() || self.config.require_iss_parameter;
                let iss = if required { IssPolicy::Required } else { IssPolicy::Optional };
                plain.into_code(&self.config.issuer, iss)
            }
            Answer::Signed(_) if !signed => Err(OidcError::Callback("response_mode_not_asked_for")),
            Answer::Signed(compact) => {
                let (url, allowed) = (metadata.jwks(), jarm::algorithms(&self.config, metadata));
                let compact = compact.expose_secret();
                let verified = self.keys.verify(url, compact, &allowed, jarm::refused, now).await?;
                jarm::open(&verified, &self.config, now)?.into_code()
            }
        }
    }

    pub(super) fn add_resources<'a>(&'a self, form: &mut Form<'a>) {
        form.extend(self.config.resources.iter().map(|resource| ("resource", resource.as_str())));
    }

    pub(super) async fn token(
        &self,
        metadata: &Metadata,
        form: &Form<'_>,
        key: Option<&DpopKey>,
        binding: Binding,
        now: u64,
    ) -> Result<TokenSet, OidcError> {
        let endpoint = metadata.token_endpoint();
        let answer = self.caller(metadata, now).post(Endpoint::Token, endpoint, form, key).await?;
        TokenSet::parse(&answer, binding)
    }

    /// What tokens have to be bound to; `proved` if a proof went with the request.
    pub(super) fn binding(&self, metadata: &Metadata, proved: bool) -> Binding {
        Binding {
            dpop: self.config.dpop,
            proved,
            certificate: metadata.binds_to_certificate(),
            profile: self.config.profile,
        }
    }

    pub(super) async fn identity(
        &self,
        metadata: &Metadata,
        id_token: &SecretString,
        occasion: Occasion<'_>,
        access_token: &SecretString,
        now: u64,
    ) -> Result<IdClaims, OidcError> {
        let allowed = id_token::algorithms(&self.config, metadata)?;
        let refused = |error: JwsError| OidcError::IdToken(error.reason());
        let compact = id_token.expose_secret();
        let verified = self.keys.verify(metadata.jwks(), compact, &allowed, refused, now).await?;
        id_token::check(&verified, &self.config, occasion, access_token, now)
    }

    /// The key for the new access token: that of the session unless keys rotate, and a new one
    /// where the session has none.
    pub(super) fn refresh_key(
        &self,
        metadata: &Metadata,
        request: &RefreshRequest<'_>,
    ) -> Result<Option<DpopKey>, OidcError> {
        match request.dpop_key {
            Some(key) if !self.config.rotate_dpop_key => Ok(Some(key.clone())),
            _ if metadata.use_dpop() => DpopKey::generate().map(Some),
            kept => Ok(kept.cloned()),
        }
    }
}

pub(super) fn bound_key(tokens: &TokenSet, key: Option<DpopKey>) -> Option<DpopKey> {
    match tokens.token_type {
        TokenType::Dpop => key,
        TokenType::Bearer => None,
    }
}

/// Whether a refreshed ID token that failed with `error` may simply be left out. The refresh token
/// is spent by now, so the new tokens are not thrown away because keys cannot be had or clocks
/// differ; the session keeps the identity it was made with.
pub(super) fn can_do_without(error: &OidcError) -> bool {
    error.is_unavailable()
        || matches!(error, OidcError::Clock(_) | OidcError::IdToken("key_unknown"))
}
