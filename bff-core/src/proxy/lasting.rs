//! Owns: a request whose body lasts: it ends with its session.

use std::pin::Pin;
use std::sync::Arc;

use axum::body::Body;
use http_body::Body as _;
use session::id::StoreKey;

use crate::app::App;
use crate::error::ApiError;
use crate::streams::{Kind, Place};

/// What is known to be no longer is no upload.
const SHORT: u64 = 64 * 1024;

/// The place of `body` among the streams of the session under `session`, if it is an upload of one.
///
/// # Errors
/// [`ApiError`] if there is no place for it.
pub(super) fn place(
    app: &Arc<App>,
    session: Option<StoreKey>,
    body: &Body,
) -> Result<Option<Place>, ApiError> {
    let is_short = body.size_hint().exact().is_some_and(|size| size <= SHORT);
    if session.is_none() || is_short || body.is_end_stream() {
        return Ok(None);
    }
    app.streams.take(app, Kind::Upload, session).map(Some)
}

/// What comes of `made` while the session of the upload at `place` lives.
///
/// # Errors
/// Those of `made`, and 401 at the end of the session.
pub(super) async fn while_it_lives<T>(
    place: Option<Place>,
    made: Pin<&mut impl Future<Output = Result<T, ApiError>>>,
) -> Result<T, ApiError> {
    let Some(place) = place else { return made.await };
    tokio::select! {
        () = place.over().cancelled() => Err(ApiError::Unauthenticated("session_over")),
        made = made => made,
    }
}
