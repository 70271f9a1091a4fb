//! Owns: who may use the admin API, and what surrounds each of its requests.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, header};
use ring::digest;

use super::Access;
use crate::app::App;
use crate::audit::{self, AdminAction, Event};
use crate::caller::{Peer, Requester};
use crate::error::{self, ApiError};
use crate::front;

/// The administrator of a request, by the name that `BFF_ADMIN_TOKENS` gives.
#[derive(Debug, Clone)]
pub(super) struct Administrator(pub(super) Arc<str>);

/// Lets administrators in, and answers for what goes wrong inside.
pub(super) async fn guard(
    State(app): State<Arc<App>>,
    mut request: Request,
    next: Next,
) -> Response {
    let peer = request.extensions().get::<Peer>().copied();
    let Some(Ok(caller)) = peer.map(|peer| front::requester(&app, peer, &request)) else {
        let failure = ApiError::BadRequest("header_ambiguous");
        return error::render(&failure, &Requester::unknown(app.request_ids.fresh()), false);
    };
    let Some(administrator) = administrator(&app.config.access, request.headers()) else {
        audit::administered(&caller, &AdminAction::by(Event::AdminRefused, audit::CLIENT));
        return error::render(&ApiError::AdminToken, &caller, false);
    };
    request.extensions_mut().insert(caller.clone());
    request.extensions_mut().insert(administrator);
    let mut response = next.run(request).await;
    if let Some(failure) = response.extensions_mut().remove::<ApiError>() {
        let rendered = error::render(&failure, &caller, false);
        let carrier = std::mem::replace(&mut response, rendered);
        front::keep(carrier.headers(), response.headers_mut());
    }
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, no_store);
    response
}

/// Whose token the request shows.
fn administrator(access: &Access, headers: &HeaderMap) -> Option<Administrator> {
    access.administrator(&shown(headers)?).map(Administrator)
}

/// The hash of the one bearer token that a request shows: to compare hashes tells not even how long the
/// right token is.
pub(super) fn shown(headers: &HeaderMap) -> Option<digest::Digest> {
    let mut shown = headers.get_all(AUTHORIZATION).iter();
    let value = shown.next()?.as_bytes();
    if shown.next().is_some() {
        return None;
    }
    let (scheme, token) = value.split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| digest::digest(&digest::SHA256, token))
}
