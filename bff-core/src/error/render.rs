//! Owns: the answer to a failed request, and the one line in the log about it.

use axum::response::Response;
use http::header::{RETRY_AFTER, SET_COOKIE, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};

use super::ApiError;
use crate::caller::Requester;
use crate::pages;

impl ApiError {
    /// In how many seconds to come back, for what may be over by then.
    fn retry_after(&self, status: StatusCode) -> Option<u64> {
        match self {
            Self::UpstreamUnavailable { retry_after, .. } => Some(*retry_after),
            Self::UpstreamUnreachable { .. } | Self::UpstreamTimeout { .. } => Some(1),
            _ => (status == StatusCode::SERVICE_UNAVAILABLE).then_some(1),
        }
    }
}

/// The answer to a failed request.
pub fn render(error: &ApiError, caller: &Requester, is_page: bool) -> Response {
    let problem = error.problem();
    let (status, request_id) = (problem.status(), &caller.request_id);
    if status == StatusCode::TOO_MANY_REQUESTS {
        // A flood of these is what they are for; `audit::rate_limited` writes some of them.
        tracing::debug!(%request_id, code = problem.code(), "refused");
    } else if status.is_server_error() {
        tracing::warn!(%request_id, code = problem.code(), reason = error.reason(), %error, "failed");
    } else {
        tracing::info!(%request_id, code = problem.code(), reason = error.reason(), "refused");
    }
    let is_admin = matches!(error, ApiError::AdminToken);
    let by_token = is_admin || matches!(error, ApiError::Token(_));
    let unauthenticated = status == StatusCode::UNAUTHORIZED && !by_token;
    let mut response = if is_page && caller.navigates {
        match error {
            ApiError::LoginLoop { retry } => pages::login_loop(&problem, request_id, retry),
            _ => pages::failure(&problem, request_id),
        }
    } else if unauthenticated {
        let url = match error {
            ApiError::StepUp { login_url, .. } => login_url.as_str(),
            _ => "/auth/login",
        };
        problem.with("login_url", url).response(request_id)
    } else {
        problem.response(request_id)
    };
    let headers = response.headers_mut();
    if unauthenticated {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Session realm=\"wicketgate\""));
    }
    if is_admin {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"wicketgate\""));
    }
    if let ApiError::Token(refused) = error {
        for challenge in refused.challenges.iter().filter_map(|text| text.parse().ok()) {
            headers.append(WWW_AUTHENTICATE, challenge);
        }
    }
    if let Some(seconds) = error.retry_after(status) {
        headers.insert(RETRY_AFTER, seconds.into());
    }
    if let ApiError::RateLimited(limited) = error {
        limited.put(headers);
    }
    if let ApiError::CookieTossing(cookies) = error {
        for cookie in cookies {
            headers.append(SET_COOKIE, cookie.clone());
        }
    }
    response
}
