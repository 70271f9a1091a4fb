//! Owns: the authorization request (RFC 6749 section 4.1.1, RFC 7636, OpenID Connect Core section
//! 3.1.2.1, RFC 8707) and the secrets that tie its answer to it.

use std::borrow::Cow;

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
use super::endpoint::unguessable;
use super::error::OidcError;
use super::login::{LoginRequest, LoginSecrets};
use super::metadata::Metadata;

/// The parameters of one authorization request, whichever way they travel.
pub(super) struct Authorization {
    parameters: Vec<(String, String)>,
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
        for (name, value) in request.hints.parameters() {
            builder = builder.add_extra_param(name, value);
        }
        let (url, _) = builder.url();
        Ok(Self {
            parameters: url.query_pairs().into_owned().collect(),
            secrets: LoginSecrets {
                verifier: verifier.into_secret().into(),
                nonce: nonce.into(),
                dpop_key,
                issuer: config.issuer.clone(),
                redirect_uri: request.redirect_uri.to_owned(),
                started_at: now,
                max_age: request.hints.max_age(),
                acr_values: request.hints.acr_values().map(str::to_owned),
            },
        })
    }

    pub(super) fn parameters(&self) -> &[(String, String)] {
        &self.parameters
    }

    /// The browser carries everything.
    pub(super) fn plain_url(&self, metadata: &Metadata) -> Url {
        let mut url = metadata.authorization_endpoint().clone();
        url.query_pairs_mut().extend_pairs(&self.parameters);
        if let Some(key) = &self.secrets.dpop_key {
            // RFC 9449 section 10: ties the code to the key, which a pushed request does by its
            // proof.
            url.query_pairs_mut().append_pair("dpop_jkt", &key.thumbprint());
        }
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
