//! Owns: the request as its service is to see it: URL, headers, token and proof.

use axum::body::Body;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::uri::{self, PathAndQuery};
use http::{HeaderValue, Request, Uri, Version};
use url::Url;

use super::admit::Principal;
use super::credential::Credential;
use super::headers;
use super::inject::Injected;
use super::table::{Matched, Service};
use crate::app::App;
use crate::caller::Caller;
use crate::error::ApiError;

/// Makes it of what the browser sent.
///
/// # Errors
/// [`ApiError`] if the URL or a header cannot be written.
pub(super) fn onward(
    app: &App,
    caller: &Caller,
    injected: &Injected,
    body: Body,
    matched: &Matched,
    principal: &Principal,
    credential: Option<&Credential>,
) -> Result<Request<Body>, ApiError> {
    let head = &injected.head;
    let path = injected.path.as_deref().unwrap_or(&matched.upstream_path);
    let uri = target(&matched.route.service, path, head.uri.query())?;
    let mut fields = headers::for_service(&head.headers, &app.config.network.csrf_header);
    headers::put_trace(&mut fields, &caller.request_id, &*app.random);
    headers::put_identity(&mut fields, principal.identity().as_ref(), caller)?;
    injected.put_headers(&mut fields);
    if let Some(credential) = credential {
        fields.insert(AUTHORIZATION, credential.authorization()?);
    }
    let mut request = Request::new(body);
    *request.method_mut() = head.method.clone();
    *request.uri_mut() = uri;
    *request.version_mut() = Version::HTTP_11;
    *request.headers_mut() = fields;
    Ok(request)
}

fn target(service: &Service, path: &str, query: Option<&str>) -> Result<Uri, ApiError> {
    let base = service.base_url.path().trim_end_matches('/');
    let path_and_query = match query {
        Some(query) => [base, path, "?", query].concat(),
        None => [base, path].concat(),
    };
    let path_and_query = PathAndQuery::from_maybe_shared(Bytes::from(path_and_query));
    let mut parts = uri::Parts::default();
    parts.scheme = service.base_url.scheme().cloned();
    parts.authority = service.base_url.authority().cloned();
    parts.path_and_query = Some(path_and_query.map_err(|_| ApiError::BadRequest("path_unclear"))?);
    Uri::from_parts(parts).map_err(|_| ApiError::Internal("upstream_url"))
}

/// Adds the proof for a bound token, made for the URL that the service sees (RFC 9449 section 4.2).
///
/// # Errors
/// [`ApiError::Internal`] if none can be made.
pub(super) async fn prove(
    app: &App,
    caller: &Caller,
    credential: &Credential,
    request: &mut Request<Body>,
) -> Result<(), ApiError> {
    let Some((token, key)) = credential.bound()? else { return Ok(()) };
    let url =
        Url::parse(&request.uri().to_string()).map_err(|_| ApiError::Internal("upstream_url"))?;
    let proof = caller
        .tenant
        .providers
        .main()
        .resource_proof(&key, request.method(), &url, token, app.now())
        .await
        .map_err(|_| ApiError::Internal("dpop_proof"))?;
    let proof = HeaderValue::try_from(proof).map_err(|_| ApiError::Internal("dpop_proof"))?;
    request.headers_mut().insert(headers::DPOP, proof);
    Ok(())
}
