//! Owns: requests that are answered to the end, also where the browser hangs up: a page calls `/auth/logout` and
//! goes elsewhere. Half an end would be a session that is gone, and tokens that nobody can revoke any more.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::app::App;
use crate::error::ApiError;

/// Answers as a task of its own.
///
/// # Cancel safety
/// Dropped, it leaves the task going on.
pub(crate) async fn whole(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let answered = app.shutdown.see_through(next.run(request)).await;
    answered.unwrap_or_else(|| ApiError::Internal("answer_died").into_response())
}
