//! Owns: errors as clients see them: RFC 9457 problem details with a stable `code`.
//!
//! Nothing the client sent is repeated in it, and no cause from inside.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use serde_json::{Map, Value, json};

use crate::request_id::RequestId;

/// A problem details object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProblemDetails {
    status: StatusCode,
    code: &'static str,
    title: &'static str,
    more: Map<String, Value>,
}

impl ProblemDetails {
    /// A problem with its stable `code` and one sentence for people.
    pub fn new(status: StatusCode, code: &'static str, title: &'static str) -> Self {
        Self { status, code, title, more: Map::new() }
    }

    /// Adds a member. The value is ours, or bounded and escaped by JSON.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.more.insert(name.to_owned(), value.into());
        self
    }

    /// The stable code.
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// The sentence for people.
    pub const fn title(&self) -> &'static str {
        self.title
    }

    /// The status.
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The body.
    pub fn body(&self, request_id: &RequestId) -> Bytes {
        let mut object = json!({
            "type": "about:blank",
            "title": self.title,
            "status": self.status.as_u16(),
            "code": self.code,
            "request_id": request_id.as_str(),
        });
        if let Some(object) = object.as_object_mut() {
            object.extend(self.more.clone());
        }
        object.to_string().into()
    }

    /// The answer, never to be cached.
    pub fn response<B: From<Bytes>>(&self, request_id: &RequestId) -> Response<B> {
        let mut response = Response::new(B::from(self.body(request_id)));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::CountingRandom;

    #[test]
    fn a_problem_has_code_status_and_request_id() {
        let problem = ProblemDetails::new(StatusCode::FORBIDDEN, "csrf", "Cross-site request.")
            .with("login_url", "/auth/login");
        let id = RequestId::fresh(&CountingRandom::default());
        let response: Response<Bytes> = problem.response(&id);
        assert_eq!(response.status(), 403);
        let body: Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(
            body,
            json!({
                "type": "about:blank", "title": "Cross-site request.", "status": 403,
                "code": "csrf", "request_id": id.as_str(), "login_url": "/auth/login",
            })
        );
    }
}
