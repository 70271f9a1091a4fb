//! Owns: what a browser sees of an answer on a route with `response`: JSON by the route's rules, or nothing.
//!
//! The rules say what the browser may learn, so whatever they cannot be applied to is not passed on: other
//! content, content that is too long or compressed, and what header fields and errors say besides.

use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, IF_RANGE, RANGE,
};
use http::response::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::Deserialize;
use shell::problem::ProblemDetails;

use super::table::Service;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::json::{JsonError, Rules, is_json};

/// How the answers of a route are shaped.
#[derive(Debug, Clone)]
pub(super) struct Shaping {
    pub(super) rules: Rules,
    /// Longest answer that is shaped, in bytes.
    pub(super) max_body: usize,
}

impl Shaping {
    /// For people.
    pub(super) fn describe(&self) -> String {
        format!("{}; JSON of at most {} bytes, nothing else", self.rules.describe(), self.max_body)
    }
}

/// Header fields that tell nothing of what the body holds. Whatever else a service sends (an address, a tag
/// or a digest of the whole answer) could tell what the rules keep back.
const TOLD: [&str; 18] = [
    "allow",
    "cache-control",
    "content-language",
    "content-type",
    "date",
    "deprecation",
    "expires",
    "ratelimit",
    "ratelimit-limit",
    "ratelimit-policy",
    "ratelimit-remaining",
    "ratelimit-reset",
    "retry-after",
    "sunset",
    "vary",
    "www-authenticate",
    "x-request-id",
    "x-robots-tag",
];

/// Longest `type` or `title` of a service's problem that is passed on.
const MAX_TOLD: usize = 256;

/// The members of a service's problem that are the same for every occurrence (RFC 9457 section 3.1).
/// `detail` and `instance` speak of the one.
#[derive(Default, Deserialize)]
struct Problem {
    r#type: Option<String>,
    title: Option<String>,
}

/// Asks for an answer that can be shaped: whole, and not compressed.
pub(super) fn prepare(headers: &mut HeaderMap) {
    for name in [RANGE, IF_RANGE] {
        headers.remove(name);
    }
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
}

/// The answer as the browser is to see it. The service has its `timeout` again for the body.
///
/// # Errors
/// [`ApiError::UpstreamAnswer`] if the rules cannot be applied to it, [`ApiError::UpstreamTimeout`] if it
/// does not come to its end.
pub(super) async fn shape(
    shaping: &Shaping,
    service: &Service,
    caller: &Caller,
    method: &Method,
    answer: Response,
) -> Result<Response, ApiError> {
    let (mut head, body) = answer.into_parts();
    let refuse = |code| ApiError::UpstreamAnswer { service: service.name.clone(), code };
    let status = head.status;
    if status.is_client_error() || status.is_server_error() {
        let body = read(body, MAX_PROBLEM, service.timeout).await.unwrap_or_default();
        return Ok(refusal(&head, &body, caller));
    }
    let is_json = is_json(&head.headers);
    let is_encoded = head.headers.contains_key(CONTENT_ENCODING);
    cut(&mut head.headers);
    if *method == Method::HEAD
        || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
    {
        return Ok(Response::from_parts(head, Body::empty()));
    }
    if !status.is_success() || status == StatusCode::PARTIAL_CONTENT {
        return Err(refuse("response_not_json"));
    }
    let body = read(body, shaping.max_body, service.timeout).await.map_err(|why| match why {
        Unread::TooLong => refuse("response_too_large"),
        Unread::Broken => refuse("response_incomplete"),
        Unread::Late => ApiError::UpstreamTimeout { service: service.name.clone() },
    })?;
    if body.is_empty() {
        return Ok(Response::from_parts(head, Body::empty()));
    }
    if is_encoded {
        return Err(refuse("response_encoded"));
    }
    if !is_json {
        return Err(refuse("response_not_json"));
    }
    let shaped = shaping.rules.apply(&body).map_err(|why| {
        refuse(match why {
            JsonError::Malformed => "response_malformed",
            JsonError::Repeated => "response_ambiguous",
            JsonError::Misfit => "response_not_shapeable",
        })
    })?;
    Ok(Response::from_parts(head, Body::from(shaped)))
}

/// Longest problem of a service that is looked at.
const MAX_PROBLEM: usize = 64 * 1024;

/// A service's refusal: its status, and of its problem what speaks of no one.
fn refusal(head: &Parts, body: &[u8], caller: &Caller) -> Response {
    let type_of = head.headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let is_problem = is_json(&head.headers) && type_of.starts_with(b"application/problem+json");
    let told = is_problem.then(|| serde_json::from_slice(body).ok()).flatten();
    let told: Problem = told.unwrap_or_default();
    let title = "The service refused the request.";
    let mut problem = ProblemDetails::new(head.status, "upstream_error", title);
    for (name, text) in [("type", told.r#type), ("title", told.title)] {
        if let Some(text) = text.filter(|text| text.len() <= MAX_TOLD) {
            problem = problem.with(name, text);
        }
    }
    let mut answer: Response = problem.response(&caller.request_id);
    let mut kept = head.headers.clone();
    cut(&mut kept);
    for (name, value) in &kept {
        if name != CONTENT_TYPE && !answer.headers().contains_key(name) {
            answer.headers_mut().append(name.clone(), value.clone());
        }
    }
    answer
}

/// Leaves the fields that [`TOLD`] lists.
fn cut(headers: &mut HeaderMap) {
    let others: Vec<HeaderName> =
        headers.keys().filter(|name| !TOLD.contains(&name.as_str())).cloned().collect();
    for name in others {
        headers.remove(name);
    }
    headers.remove(CONTENT_LENGTH);
}

/// Why a body was not read to its end.
enum Unread {
    TooLong,
    Broken,
    Late,
}

async fn read(body: Body, max: usize, patience: Duration) -> Result<Bytes, Unread> {
    let whole = Limited::new(body, max).collect();
    match tokio::time::timeout(patience, whole).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Unread::TooLong),
        Ok(Err(_)) => Err(Unread::Broken),
        Err(_) => Err(Unread::Late),
    }
}
