//! Owns: a refusal as a gRPC server says it, in headers alone (gRPC over HTTP/2, "Trailers-Only"; status
//! codes of gRPC).

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::refusal::Refusal;

const INVALID_ARGUMENT: u16 = 3;
const PERMISSION_DENIED: u16 = 7;
const UNAVAILABLE: u16 = 14;
const UNAUTHENTICATED: u16 = 16;

/// All but the printable ASCII characters; of these, the percent sign.
const MESSAGE: &AsciiSet = &CONTROLS.add(b'%');

pub(super) fn answer(refusal: &Refusal) -> Response<Bytes> {
    let mut response = refusal.response().map(|()| Bytes::new());
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(HeaderName::from_static("grpc-status"), status(refusal).into());
    let message = utf8_percent_encode(refusal.detail(), MESSAGE).to_string();
    headers.extend(
        HeaderValue::try_from(message)
            .ok()
            .map(|message| (HeaderName::from_static("grpc-message"), message)),
    );
    response.extensions_mut().insert(refusal.clone());
    response
}

fn status(refusal: &Refusal) -> u16 {
    match refusal.status() {
        400 => INVALID_ARGUMENT,
        403 => PERMISSION_DENIED,
        503 => UNAVAILABLE,
        _ => UNAUTHENTICATED,
    }
}
