//! Owns: one HTTP source: a GET for JSON, bounded in time and size. No redirect is followed, so a token goes
//! to the configured origin and nowhere else.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use secrecy::ExposeSecret as _;
use serde_json::Value;
use url::Url;

use super::UrlTemplate;
use super::read::About;
use crate::app::App;
use crate::json::is_json;

/// What is asked, and how long that may take.
pub(super) struct Ask<'a> {
    pub(super) url: &'a UrlTemplate,
    pub(super) shows_token: bool,
    pub(super) timeout: Duration,
}

/// What the source says about the user.
pub(super) async fn ask(
    app: &App,
    ask: &Ask<'_>,
    about: &About<'_>,
) -> Result<Value, &'static str> {
    let url =
        ask.url.filled(about.user_id, about.subject, about.tenant_id).ok_or("user_id_unusable")?;
    let mut answer = send(app, ask, about, &url).await?;
    if ask.shows_token
        && about.dpop_key.is_some()
        && answer.status() == StatusCode::UNAUTHORIZED
        && answer.headers().contains_key("dpop-nonce")
    {
        // RFC 9449 section 9: once more, with the nonce that was just noted.
        answer = send(app, ask, about, &url).await?;
    }
    if answer.status() != StatusCode::OK {
        return Err("status");
    }
    if !is_json(answer.headers()) || answer.headers().contains_key(CONTENT_ENCODING) {
        return Err("not_json");
    }
    serde_json::from_slice(answer.body()).map_err(|_| "malformed")
}

async fn send(
    app: &App,
    ask: &Ask<'_>,
    about: &About<'_>,
    url: &Url,
) -> Result<Response<Bytes>, &'static str> {
    let mut request = Request::new(Full::new(Bytes::new()));
    *request.uri_mut() = url.as_str().parse().map_err(|_| "url")?;
    let headers = request.headers_mut();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    if ask.shows_token {
        let tokens = about.tokens.ok_or("no_living_token")?;
        let token = tokens.access_token.expose_secret();
        let shown = format!("{} {token}", tokens.token_type.scheme());
        let mut shown = HeaderValue::try_from(shown).map_err(|_| "token")?;
        shown.set_sensitive(true);
        headers.insert(AUTHORIZATION, shown);
        if let Some(key) = about.dpop_key {
            let proof = about.party.resource_proof(key, &Method::GET, url, token, app.now()).await;
            let proof = proof.map_err(|_| "dpop_proof")?;
            headers.insert("dpop", HeaderValue::try_from(proof).map_err(|_| "dpop_proof")?);
        }
    }
    let max = app.config.user_context.max_bytes;
    let answer = app.user_contexts.http.send_for("user_context", request, ask.timeout, max).await;
    let answer = answer.map_err(|error| error.reason())?;
    if let Some(nonce) = answer.headers().get("dpop-nonce").and_then(|nonce| nonce.to_str().ok()) {
        about.party.note_resource_nonce(url, nonce);
    }
    Ok(answer)
}
