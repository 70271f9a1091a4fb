//! `POST /auth/backchannel-logout`: an issuer says who is logged out (OpenID Connect Back-Channel Logout
//! 1.0 sections 2.5 to 2.8).
//!
//! No cookie counts here, and no browser comes: the token alone is the proof. Whatever is wrong with it
//! is 400 and ends nothing. Where we cannot tell or cannot act the answer is 503, and the issuer sends it
//! again. An action is finished even if the issuer hangs up, and is done once for each token.

mod effect;

use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::response::Response;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use serde_json::json;
use session::store::StoreError;

use super::session::json_response;
use crate::app::App;
use crate::caller::Requester;
use crate::error::ApiError;
use crate::limits::{RateLimited, Subject};
use crate::oidc::{Addressed, LogoutTokenError, RelyingParty};
use crate::single_flight::SingleFlight;
use crate::{audit, metrics};
use effect::{Client, Ended};

/// Longest form: some times the longest token that issuers make.
pub(crate) const FORM_MAX: usize = 16 * 1024;

/// Logouts under way, by the name of their token.
pub(crate) type Logouts = SingleFlight<String, Result<Ended, Failure>>;

/// Why nothing was ended.
#[derive(Debug, Clone)]
pub(crate) enum Failure {
    /// The token is at fault: 400.
    Refused(&'static str),
    /// Not now: 503, or 429 for an issuer that sends too many.
    Later(ApiError),
}

impl From<&'static str> for Failure {
    fn from(reason: &'static str) -> Self {
        Self::Refused(reason)
    }
}

impl From<RateLimited> for Failure {
    fn from(limited: RateLimited) -> Self {
        Self::Later(limited.into())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Later(error.into())
    }
}

/// 200 where nobody is left whom the token means.
pub(crate) async fn logout(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Requester>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, ApiError> {
    let outcome = match logout_token(&headers, body) {
        Ok(compact) => carry_out(&app, &caller, &compact).await,
        Err(reason) => Err(Failure::Refused(reason)),
    };
    match outcome {
        Ok((issuer, ended)) => {
            metrics::backchannel_logout(ended.outcome());
            audit::backchannel_logout(&caller, &issuer, ended.sessions(), ended.outcome());
            Ok(answer(StatusCode::OK, &json!({})))
        }
        Err(Failure::Refused(reason)) => {
            metrics::backchannel_logout("refused");
            tracing::info!(request_id = %caller.request_id, reason, "logout token refused");
            Ok(answer(StatusCode::BAD_REQUEST, &json!({ "error": "invalid_request" })))
        }
        Err(Failure::Later(error)) => {
            let limited = matches!(error, ApiError::RateLimited(_));
            metrics::backchannel_logout(if limited { "limited" } else { "unavailable" });
            Err(error)
        }
    }
}

/// The only `logout_token` of the form; other fields are ignored.
fn logout_token(
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<String, &'static str> {
    let body = body.map_err(|_| "body_unreadable")?;
    let form = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let form = form.split(';').next().unwrap_or_default().trim();
    if !form.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err("content_type");
    }
    let mut found = url::form_urlencoded::parse(&body)
        .filter(|(name, _)| name == "logout_token")
        .map(|(_, value)| value.into_owned());
    let token = found.next().ok_or("logout_token_missing")?;
    if found.next().is_some() { Err("logout_token_twice") } else { Ok(token) }
}

/// Judges the token with the keys of the provider that it names, then acts.
async fn carry_out(
    app: &Arc<App>,
    caller: &Requester,
    compact: &str,
) -> Result<(String, Ended), Failure> {
    let addressed = Addressed::of(compact).ok_or("logout_token_unreadable")?;
    let named = named(app, &addressed);
    // Of the issuers only ours count apart: there is no end of others.
    let issuer = named.as_ref().map_or("", |(_, provider)| provider.issuer());
    let rule = app.config.rate_limits.backchannel.as_ref();
    app.limiter.admit(rule, "", Subject::Issuer(issuer, caller.ip)).await?;
    let (clients, provider) = named.ok_or("logout_token_not_for_us")?;
    let token = provider.logout_token(compact, app.now()).await.map_err(|error| match error {
        LogoutTokenError::Refused(reason) => Failure::Refused(reason),
        LogoutTokenError::Unavailable(error) => {
            Failure::Later(ApiError::IdpUnavailable(error.reason()))
        }
    })?;
    let issuer = token.issuer.clone();
    let (work, flight) = (Arc::clone(app), token.name.clone());
    let work = || async move { effect::once(&work, &clients, &token).await };
    let logout = app.logouts.begin(flight, &app.shutdown, work);
    let joined = logout.joined();
    let ended = logout.result().await;
    let ended = ended.ok_or(Failure::Later(ApiError::Internal("logout_died")))??;
    Ok((issuer, if joined { Ended::Before } else { ended }))
}

/// The clients that a token is for, and a provider who can judge it. Its `aud` tells the tenant; those who
/// share one client at the issuer cannot be told apart by it, nor by the issuer.
fn named(app: &App, addressed: &Addressed) -> Option<(Vec<Client>, Arc<RelyingParty>)> {
    let mut clients = Vec::new();
    let mut judge = None;
    for tenant in app.tenants.all() {
        for (name, provider) in tenant.providers.all() {
            if addressed.is_for(provider) {
                let (tenant, provider_name) = (tenant.id.clone(), name.map(str::to_owned));
                clients.push(Client { tenant, provider: provider_name });
                judge.get_or_insert_with(|| Arc::clone(provider));
            }
        }
    }
    Some((clients, judge?))
}

/// JSON that no cache keeps (section 2.8).
fn answer(status: StatusCode, body: &serde_json::Value) -> Response {
    let mut response = json_response(body);
    *response.status_mut() = status;
    response
}
