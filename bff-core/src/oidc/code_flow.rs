//! Owns: the two halves of a login by the authorization code flow (OpenID Connect Core section 3.1): before the browser
//! goes to the identity provider, and when it is back.

use secrecy::ExposeSecret as _;

use super::authorize::{self, Authorization};
use super::callback::AuthorizationResponse;
use super::dpop::DpopKey;
use super::endpoint::Form;
use super::error::{Endpoint, OidcError};
use super::exchange::bound_key;
use super::id_claims::IdClaims;
use super::id_token::Occasion;
use super::login::{Begun, LoginRequest, LoginSecrets};
use super::token::TokenSet;
use super::{RelyingParty, par};

/// A login that succeeded.
#[derive(Debug, Clone)]
pub struct LoggedIn {
    /// What to call services with.
    pub tokens: TokenSet,
    /// Who it is.
    pub claims: IdClaims,
    /// The key the access token is bound to; `None` for a bearer token.
    pub dpop_key: Option<DpopKey>,
}

impl RelyingParty {
    /// Prepares a login: pushes the request where that is agreed, and says where to send the
    /// browser.
    ///
    /// # Errors
    /// [`OidcError`]; nothing has to be undone.
    pub async fn begin_login(
        &self,
        request: &LoginRequest<'_>,
        now: u64,
    ) -> Result<Begun, OidcError> {
        let metadata = self.metadata(now).await?;
        let authorization =
            Authorization::new(&self.config, &metadata, &*self.random, request, now)?;
        let url = match metadata.par_endpoint() {
            Some(endpoint) => {
                let caller = self.caller(&metadata, now);
                let request_uri = par::push(&caller, endpoint, &authorization).await?;
                authorize::pushed_url(&self.config, &metadata, &request_uri)
            }
            None => authorization.plain_url(&metadata),
        };
        Ok(Begun { url, secrets: authorization.secrets })
    }

    /// Checks who the response comes from, spends its code, and checks who logged in.
    ///
    /// The caller has compared the state, and gives up `secrets` for good: no login is finished
    /// twice.
    ///
    /// # Errors
    /// [`OidcError::Denied`] when the issuer sent the user back with an error; otherwise by
    /// whose fault. Tokens of a failed login are thrown away.
    pub async fn finish_login(
        &self,
        response: AuthorizationResponse,
        secrets: LoginSecrets,
        now: u64,
    ) -> Result<LoggedIn, OidcError> {
        if secrets.issuer != self.config.issuer {
            return Err(OidcError::Callback("login_of_another_issuer"));
        }
        let metadata = self.metadata(now).await?;
        let code = self.code(&metadata, response, secrets.signed_response, now).await?;
        let mut form: Form<'_> = vec![
            ("grant_type", "authorization_code"),
            ("code", code.expose_secret()),
            ("redirect_uri", &secrets.redirect_uri),
            ("code_verifier", secrets.verifier.expose_secret()),
        ];
        self.add_resources(&mut form);
        let key = secrets.dpop_key.as_ref();
        let binding = self.binding(&metadata, key.is_some());
        let tokens = self.token(&metadata, &form, key, binding, now).await?;
        let id_token = tokens
            .id_token
            .as_ref()
            .ok_or(OidcError::Protocol { endpoint: Endpoint::Token, what: "id_token_missing" })?;
        let occasion = Occasion::Login(&secrets);
        let claims =
            self.identity(&metadata, id_token, occasion, &tokens.access_token, now).await?;
        let dpop_key = bound_key(&tokens, secrets.dpop_key);
        Ok(LoggedIn { tokens, claims, dpop_key })
    }
}
