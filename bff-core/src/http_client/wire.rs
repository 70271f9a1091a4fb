//! Owns: who answers in place of the network, for tests whose clock stands: it would run ahead of whoever
//! waits for a socket.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;

use super::HttpError;

/// An answer to come.
pub(crate) type Carried<'a> =
    Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'a>>;

/// Answers every call of [`super::HttpClient`].
pub(crate) trait Wire: Send + Sync {
    fn carry(&self, request: Request<Full<Bytes>>) -> Carried<'_>;
}

thread_local! {
    static LAID: RefCell<Option<Arc<dyn Wire>>> = const { RefCell::new(None) };
}

/// Has `wire` answer whoever calls on this thread from now on.
pub(crate) fn lay(wire: Arc<dyn Wire>) {
    LAID.set(Some(wire));
}

pub(super) fn laid() -> Option<Arc<dyn Wire>> {
    LAID.with_borrow(Clone::clone)
}
