//! Owns: the body of a request that may have to be sent twice (bff-checklist 30): a short one is held, a
//! long one or one of unknown length passes as it comes, once.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body::Body as _;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use crate::error::ApiError;

/// The longest body that is held.
const HELD: u64 = 64 * 1024;

/// A body on its way.
#[derive(Debug)]
pub(super) enum Outgoing {
    /// All of it.
    Held(Bytes),
    /// What comes; `None` once it is gone.
    Passing(Option<Body>),
}

impl Outgoing {
    /// Holds `body`, of which more has to come every `idle`, if it says that it is short.
    ///
    /// # Errors
    /// [`ApiError::BodyStalled`], also where the browser broke off.
    pub(super) async fn of(body: Body, idle: Duration) -> Result<Self, ApiError> {
        if body.is_end_stream() {
            return Ok(Self::Held(Bytes::new()));
        }
        if body.size_hint().exact().is_none_or(|length| length > HELD) {
            return Ok(Self::Passing(Some(body)));
        }
        match tokio::time::timeout(idle, body.collect()).await {
            Ok(Ok(collected)) => Ok(Self::Held(collected.to_bytes())),
            Ok(Err(_)) | Err(_) => Err(ApiError::BodyStalled),
        }
    }

    /// What is sent now.
    pub(super) fn take(&mut self) -> Body {
        match self {
            Self::Held(bytes) if bytes.is_empty() => Body::empty(),
            Self::Held(bytes) => Body::from(bytes.clone()),
            Self::Passing(body) => body.take().unwrap_or_default(),
        }
    }

    /// Whether it can be sent once more.
    pub(super) const fn is_held(&self) -> bool {
        matches!(self, Self::Held(_))
    }
}

/// All of a body of at most `max` bytes, which has to come within `idle`.
///
/// # Errors
/// [`ApiError::TooLarge`], at once where its length is told; [`ApiError::BodyStalled`], also where the browser
/// broke off.
pub(super) async fn whole(body: Body, max: usize, idle: Duration) -> Result<Bytes, ApiError> {
    if usize::try_from(body.size_hint().lower()).map_or(true, |least| least > max) {
        return Err(ApiError::TooLarge);
    }
    match tokio::time::timeout(idle, Limited::new(body, max).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(ApiError::TooLarge),
        Ok(Err(_)) | Err(_) => Err(ApiError::BodyStalled),
    }
}
