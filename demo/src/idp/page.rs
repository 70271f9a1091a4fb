//! Owns: the look of the provider's HTML pages, and the headers that keep them harmless. There is
//! no script in them.

use std::borrow::Cow;

use axum::response::{Html, IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, StatusCode};
use ring::digest;

use crate::idp::error::{OAuthError, no_store};
use crate::idp::{Call, Idp, metadata};

const STYLE: &str = include_str!("page/style.css");

const MARK: &str = r#"<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><circle cx="8" cy="15" r="4.5"/><path d="M11.5 11.5 20 3m-3.5 3.5L19 9"/></svg>"#;

/// An error that is shown to the person at the browser, and to nobody else.
#[derive(Debug)]
pub(super) struct PageError {
    status: StatusCode,
    message: Cow<'static, str>,
}

impl PageError {
    pub(super) fn bad_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, message: message.into() }
    }
}

impl From<OAuthError> for PageError {
    fn from(error: OAuthError) -> Self {
        Self::bad_request(error.description)
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let message = escape(&self.message);
        let body = format!(
            r#"<h1>This request cannot be answered</h1>
<p class="alarm" role="alert" id="error">{message}.</p>
<p>Go back to the application and start again from there.</p>"#
        );
        page(self.status, "Error", &body)
    }
}

/// What is at the provider's root.
pub(super) fn front(_: &Idp, _: &Call) -> Response {
    let body = format!(
        r#"<h1>Nothing to do here</h1>
<p>Applications send you to this provider to sign in. What it offers them is in its
<a href="{}">discovery document</a>.</p>"#,
        metadata::PATH
    );
    page(StatusCode::OK, "Development identity provider", &body)
}

/// What is everywhere else.
pub(super) fn not_found(_: &Idp, _: &Call) -> Response {
    page(StatusCode::NOT_FOUND, "Not found", "<h1>There is no such page</h1>")
}

/// A page around `body`, which is HTML already.
pub(super) fn page(status: StatusCode, title: &str, body: &str) -> Response {
    let html = format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>{STYLE}</style>
</head>
<body>
<main>
<p class="mark">{MARK} Development identity provider</p>
{body}
</main>
</body>
</html>
"#
    );
    with_guards((status, Html(html)).into_response())
}

/// `text` for use in HTML text and in quoted attributes.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

fn with_guards(mut response: Response) -> Response {
    let style = STANDARD.encode(digest::digest(&digest::SHA256, STYLE.as_bytes()));
    // No `form-action`: browsers apply it to redirects too, and would stop at the client's.
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; img-src data:; base-uri 'none'; \
         frame-ancestors 'none'"
    );
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::try_from(policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    no_store(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_typed_in_can_leave_its_attribute() {
        assert_eq!(escape(r#"'"><script>&"#), "&#39;&quot;&gt;&lt;script&gt;&amp;");
    }
}
