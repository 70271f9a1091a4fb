//! Owns: the authorization request (RFC 6749 section 4.1.1, RFC 7636, OpenID Connect Core section
//! 3.1.2.1, RFC 8707, RFC 9101, JARM) and the secrets that tie its answer to it.

use std::borrow::Cow;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oauth2::basic::BasicClient;
use oauth2::{
    AuthUrl, ClientId, CsrfToken, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope,
};
use shell::random::Random;
use url::Url;

use super::config::OidcConfig;
use super::dpop::DpopKey;
use super::endpoint::{Form, unguessable};
use super::error::OidcError;
use super::fapi2;
use super::jar::{self, Envelope};
use super::login::{LoginRequest, LoginSecrets};
use super::metadata::Metadata;

/// One authorization request, whichever way it travels.
pub(super) struct Authorization {
    /// What is pushed, or carried by the browser: the parameters, or one object that holds them.
    travels: Vec<(String, String)>,
    pub(super) secrets: LoginSecrets,
}

impl Authorization {
    /// A request with a verifier, a nonce and, where tokens shall be bound, a key of its own.
    pub(super) fn new(
        config: &OidcConfig,
        metadata: &Metadata,
        random: &dyn Random,
        request: &LoginRequest<'_>,
        now: u64,
    ) -> Result<Self, OidcError> {
        fapi2::check_redirect_uri(config, request.redirect_uri)?;
        let verifier = PkceCodeVerifier::new(URL_SAFE_NO_PAD.encode(random.bytes::<32>()));
        let nonce = unguessable(random);
        let dpop_key = metadata.use_dpop().then(DpopKey::generate).transpose()?;

        // The endpoint may have a query of its own, which is no parameter of ours to push.
        let mut bare = metadata.authorization_endpoint().clone();
        bare.set_query(None);
        let redirect_uri = RedirectUrl::new(request.redirect_uri.to_owned())
            .map_err(|_| OidcError::Config("redirect_uri"))?;
        let client = BasicClient::new(ClientId::new(config.client_id.clone()))
            .set_auth_uri(AuthUrl::from_url(bare));
        let mut builder = client
            .authorize_url(|| CsrfToken::new(request.state.to_owned()))
            .set_redirect_uri(Cow::Owned(redirect_uri))
            .add_scope(Scope::new(config.scopes.clone()))
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
            .add_extra_param("nonce", &nonce);
        for resource in &config.resources {
            builder = builder.add_extra_param("resource", resource);
        }
        let is_new =
            |service: &&Arc<str>| !config.resources.iter().any(|known| **known == ***service);
        for service in request.services.iter().filter(is_new) {
            builder = builder.add_extra_param("resource", &**service);
        }
        for (name, value) in request.hints.parameters() {
            builder = builder.add_extra_param(name, value);
        }
        for (name, value) in &request.hints.further {
            builder = builder.add_extra_param(name, value);
        }
        let response_mode = metadata.signed_response_mode();
        if let Some(mode) = response_mode {
            builder = builder.add_extra_param("response_mode", mode);
        }
        if let Some(key) = dpop_key.as_ref().filter(|_| metadata.par_endpoint().is_none()) {
            // RFC 9449 section 10: ties the code to the key, which a pushed request does by its
            // proof.
            builder = builder.add_extra_param("dpop_jkt", key.thumbprint());
        }
        let (url, _) = builder.url();
        let parameters: Vec<_> = url.query_pairs().into_owned().collect();
        let travels = match config.signing_key().filter(|_| metadata.signs_requests()) {
            None => parameters,
            Some(key) => {
                let lifetime = match metadata.par_endpoint() {
                    Some(_) => jar::PUSHED_LIFETIME,
                    None => jar::CARRIED_LIFETIME,
                };
                let object = jar::request_object(
                    key,
                    &parameters,
                    &Envelope {
                        client_id: &config.client_id,
                        audience: &config.issuer,
                        jti: &unguessable(random),
                        issued_at: now,
                        expires_at: now.saturating_add(lifetime),
                    },
                )?;
                // RFC 9101 section 5 and RFC 9126 section 3: nothing that the object holds is
                // repeated beside it.
                vec![
                    ("client_id".to_owned(), config.client_id.clone()),
                    ("request".to_owned(), object),
                ]
            }
        };
        Ok(Self {
            travels,
            secrets: LoginSecrets {
                verifier: verifier.into_secret().into(),
                nonce: nonce.into(),
                dpop_key,
                issuer: config.issuer.clone(),
                redirect_uri: request.redirect_uri.to_owned(),
                started_at: now,
                max_age: request.hints.max_age(),
                acr_values: request.hints.acr_values().map(str::to_owned),
                signed_response: response_mode.is_some(),
            },
        })
    }

    /// What is pushed.
    pub(super) fn form(&self) -> Form<'_> {
        self.travels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    /// The browser carries everything.
    pub(super) fn plain_url(&self, metadata: &Metadata) -> Url {
        let mut url = metadata.authorization_endpoint().clone();
        url.query_pairs_mut().extend_pairs(&self.travels);
        url
    }
}

/// RFC 9126 section 4: the browser carries a reference.
pub(super) fn pushed_url(config: &OidcConfig, metadata: &Metadata, request_uri: &str) -> Url {
    let mut url = metadata.authorization_endpoint().clone();
    url.query_pairs_mut()
        .append_pair("client_id", &config.client_id)
        .append_pair("request_uri", request_uri);
    url
}
