//! Owns: what scripts of other origins may ask (bff-checklist 65), by the CORS protocol of the Fetch standard:
//! exact origins, with credentials, never `*`, and `null` is nobody's.
//!
//! A preflight of a listed origin is answered here, of any other refused: it reaches neither an endpoint nor a
//! service. `OPTIONS` that is no preflight is a request as any other.

use axum::body::Body;
use axum::response::Response;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_METHOD, CACHE_CONTROL, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode};
use shell::origin::Origin;

use crate::error::ApiError;

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");
/// What a script may read of an answer besides what every script may.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "etag, location, ratelimit, ratelimit-policy, retry-after, www-authenticate, x-request-id",
);
/// Seconds that a browser need not ask again.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

/// What scripts of other origins may ask of a tenant.
#[derive(Debug, Clone)]
pub struct Cors {
    origins: Vec<Origin>,
    headers: HeaderValue,
}

impl Cors {
    /// `None` where no origin is listed: then nobody's script may.
    pub fn new(origins: &[Origin], csrf_header: &HeaderName) -> Option<Self> {
        let headers = format!(
            "accept, authorization, content-type, dpop, if-match, if-none-match, last-event-id, {csrf_header}, \
             x-client-device, x-client-version"
        );
        let headers = HeaderValue::try_from(headers).ok()?;
        (!origins.is_empty()).then(|| Self { origins: origins.to_vec(), headers })
    }

    /// The answer to a preflight, if `request` is one.
    ///
    /// # Errors
    /// [`ApiError::Csrf`] for an origin that is not listed.
    pub fn preflight<B>(&self, request: &Request<B>) -> Result<Option<Response>, ApiError> {
        let (headers, is_options) = (request.headers(), *request.method() == Method::OPTIONS);
        if !is_options
            || !headers.contains_key(ORIGIN)
            || !headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
        {
            return Ok(None);
        }
        self.listed(headers).ok_or(ApiError::Csrf("csrf_origin"))?;
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let answer = response.headers_mut();
        answer.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, self.headers.clone());
        answer.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
        answer.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(Some(response))
    }

    /// The one `Origin` of a request, if it is listed.
    pub fn listed(&self, asked: &HeaderMap) -> Option<HeaderValue> {
        let mut origins = asked.get_all(ORIGIN).iter();
        let origin = origins.next().filter(|_| origins.next().is_none())?;
        self.origins.iter().any(|listed| listed.is(origin.as_bytes())).then(|| origin.clone())
    }
}

/// Says on an answer, whatever it is, that script of `origin` may read it, or of none.
pub fn put(origin: Option<HeaderValue>, answer: &mut HeaderMap) {
    answer.append(VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = origin {
        answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        answer.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        answer.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
}
