//! Owns: what an authorization request may say (RFC 6749 section 4.1.1, RFC 7636 section 4.3,
//! `OpenID` Connect Core section 3.1.2.1, RFC 9449 section 10), however it arrived.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::LOCATION;
use url::Url;

use crate::idp::acr::Acr;
use crate::idp::error::{Code, OAuthError, no_store};
use crate::idp::params::Params;
use crate::idp::scope::Scope;
use crate::idp::{Client, IdpConfig};

/// What the client asked about asking the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prompt {
    IfNeeded,
    Never,
    Always,
}

/// A checked authorization request.
#[derive(Debug, Clone)]
pub(super) struct AuthorizationRequest {
    pub(super) client_id: String,
    pub(super) answer_to: AnswerTo,
    pub(super) scope: Scope,
    pub(super) nonce: Option<String>,
    pub(super) code_challenge: String,
    pub(super) prompt: Prompt,
    pub(super) max_age: Option<u64>,
    /// How the user shall authenticate, where the client cares.
    pub(super) acr: Option<Acr>,
    pub(super) login_hint: Option<String>,
    /// The thumbprint of the only key that may redeem the code.
    pub(super) dpop_jkt: Option<String>,
}

/// Where the answer goes: a registered redirect URI, and the client's state.
#[derive(Debug, Clone)]
pub(super) struct AnswerTo {
    pub(super) redirect_uri: String,
    state: Option<String>,
}

/// A request that is refused, and where to say so; nowhere if the redirect URI is not the client's.
pub(super) struct Refusal {
    pub(super) error: OAuthError,
    pub(super) answer_to: Option<AnswerTo>,
}

impl AuthorizationRequest {
    pub(super) fn parse(
        params: &Params,
        client: &Client,
        config: &IdpConfig,
    ) -> Result<Self, Refusal> {
        let answer_to =
            AnswerTo::parse(params, client).map_err(|error| Refusal { error, answer_to: None })?;
        Self::parse_for(params, client, config, answer_to.clone())
            .map_err(|error| Refusal { error, answer_to: Some(answer_to) })
    }

    fn parse_for(
        params: &Params,
        client: &Client,
        config: &IdpConfig,
        answer_to: AnswerTo,
    ) -> Result<Self, OAuthError> {
        if params.get("request").is_some() || params.get("request_uri").is_some() {
            let why = "request objects are not supported here";
            return Err(OAuthError::new(Code::RequestNotSupported, why));
        }
        if params.require("response_type")? != "code" {
            let why = "the only response_type is code";
            return Err(OAuthError::new(Code::UnsupportedResponseType, why));
        }
        if params.get("response_mode").is_some_and(|mode| mode != "query") {
            return Err(OAuthError::invalid_request("the only response_mode is query"));
        }
        if params.all("resource").any(|resource| resource != config.audience) {
            return Err(OAuthError::new(Code::InvalidTarget, "there is no such resource"));
        }
        let scope = Scope::parse(params.require("scope")?);
        if !scope.contains("openid") {
            return Err(OAuthError::new(Code::InvalidScope, "the scope openid is missing"));
        }
        if params.require("code_challenge_method")? != "S256" {
            return Err(OAuthError::invalid_request("the only code_challenge_method is S256"));
        }
        let code_challenge = params.require("code_challenge")?;
        let dpop_jkt = params.get("dpop_jkt");
        if [Some(code_challenge), dpop_jkt].into_iter().flatten().any(|hash| !is_sha256(hash)) {
            let why = "code_challenge or dpop_jkt is not a base64url SHA-256";
            return Err(OAuthError::invalid_request(why));
        }
        Ok(Self {
            client_id: client.id.clone(),
            answer_to,
            scope,
            nonce: params.get("nonce").map(str::to_owned),
            code_challenge: code_challenge.to_owned(),
            prompt: prompt(params.get("prompt"))?,
            max_age: max_age(params.get("max_age"))?,
            acr: Acr::asked(params.get("acr_values")),
            login_hint: params.get("login_hint").map(str::to_owned),
            dpop_jkt: dpop_jkt.map(str::to_owned),
        })
    }
}

impl AnswerTo {
    fn parse(params: &Params, client: &Client) -> Result<Self, OAuthError> {
        let redirect_uri = params.require("redirect_uri")?;
        if !client.redirect_uris.iter().any(|registered| registered == redirect_uri) {
            let why = "the redirect_uri is not one the client registered";
            return Err(OAuthError::invalid_request(why));
        }
        let state = params.get("state").map(str::to_owned);
        Ok(Self { redirect_uri: redirect_uri.to_owned(), state })
    }

    /// The authorization response: `answer` with `state` and, as RFC 9207 asks, `iss`.
    pub(super) fn redirect(&self, answer: &[(&str, &str)], issuer: &str) -> Response {
        let state = self.state.as_deref().map(|state| ("state", state));
        let pairs = answer.iter().copied().chain(state).chain([("iss", issuer)]);
        see_other(&self.redirect_uri, pairs)
    }
}

/// Sends the browser to `uri` with `pairs` added to its query, as a GET whatever it sent.
pub(super) fn see_other<'a>(
    uri: &str,
    pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Response {
    let Ok(mut location) = Url::parse(uri) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    for (name, value) in pairs {
        location.query_pairs_mut().append_pair(name, value);
    }
    no_store((StatusCode::SEE_OTHER, [(LOCATION, String::from(location))]).into_response())
}

fn prompt(text: Option<&str>) -> Result<Prompt, OAuthError> {
    let mut prompt = Prompt::IfNeeded;
    for word in text.unwrap_or_default().split(' ') {
        match word {
            "none" if text == Some("none") => prompt = Prompt::Never,
            "login" | "select_account" => prompt = Prompt::Always,
            // Signing in is the consent: the clients belong to the same house.
            "consent" | "" => {}
            _ => return Err(OAuthError::invalid_request("the prompt is not a known one")),
        }
    }
    Ok(prompt)
}

fn max_age(text: Option<&str>) -> Result<Option<u64>, OAuthError> {
    let parsed = text.map(str::parse).transpose();
    parsed.map_err(|_| OAuthError::invalid_request("max_age is not a number of seconds"))
}

fn is_sha256(text: &str) -> bool {
    text.len() == 43
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}
