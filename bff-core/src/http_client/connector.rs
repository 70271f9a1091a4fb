//! Owns: one time limit over name resolution, TCP and TLS.
//!
//! The connector below limits TCP alone; a host that accepts and never shakes hands would
//! otherwise look like an answer that got lost.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use tower::Service;

type BoxError = Box<dyn Error + Send + Sync>;

/// A connector whose connections stand within `limit` or not at all.
#[derive(Debug, Clone)]
pub(crate) struct Deadline<C> {
    inner: C,
    limit: Duration,
}

impl<C> Deadline<C> {
    pub(super) fn new(inner: C, limit: Duration) -> Self {
        Self { inner, limit }
    }
}

impl<C> Service<Uri> for Deadline<C>
where
    C: Service<Uri>,
    C::Error: Into<BoxError>,
    C::Future: Send + 'static,
{
    type Response = C::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<C::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.inner.call(uri);
        let limit = self.limit;
        Box::pin(async move {
            match tokio::time::timeout(limit, connecting).await {
                Ok(connected) => connected.map_err(Into::into),
                Err(elapsed) => Err(elapsed.into()),
            }
        })
    }
}
