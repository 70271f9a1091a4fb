//! Owns: the sample service behind `ForwardAuth`: it shows the headers that reached it.
//!
//! It trusts the headers because nothing but the edge can reach it, which is what a service behind
//! `ForwardAuth` has to make sure of.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use axum::http::header::{CACHE_CONTROL, HeaderValue};
use axum::http::{HeaderMap, Method, Uri};
use axum::response::{Html, IntoResponse, Response};
use axum::{Json, Router};
use serde::Serialize;
use tokio::net::TcpListener;

use crate::edge::IDENTITY;
use crate::spa::{SECURITY_HEADERS, wants_html};

const TEMPLATE: &str = include_str!("../assets/whoami.html");

/// A request as it arrived. Every name has a list, so that a doubled header shows.
#[derive(Debug, Serialize)]
struct Received {
    method: String,
    path: String,
    headers: BTreeMap<String, Vec<String>>,
}

/// Serves until `shutdown` completes.
///
/// # Errors
///
/// When the listener fails.
pub(crate) async fn serve(
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, router()).with_graceful_shutdown(shutdown).await
}

fn router() -> Router {
    Router::new().fallback(show)
}

async fn show(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let mut received =
        Received { method: method.to_string(), path: uri.to_string(), headers: BTreeMap::new() };
    for (name, value) in &headers {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        received.headers.entry(name.to_string()).or_default().push(value);
    }
    let mut response = if wants_html(&headers) {
        (SECURITY_HEADERS, Html(page(&received))).into_response()
    } else {
        (SECURITY_HEADERS, Json(received)).into_response()
    };
    // One person's headers are for nobody else.
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn page(received: &Received) -> String {
    let user = received.headers.get("x-user-id").and_then(|values| values.first());
    let (mut identity, mut rest) = (String::new(), String::new());
    for (name, values) in &received.headers {
        let ours = IDENTITY.iter().any(|identity| identity.as_str() == name);
        for value in values {
            let (rows, class) = if ours { (&mut identity, "ours") } else { (&mut rest, "") };
            row(rows, class, name, value);
        }
    }
    let request = format!("{} {}", received.method, received.path);
    TEMPLATE
        .replace("{{user}}", &escape(user.map_or("Nobody", String::as_str)))
        .replace("{{request}}", &escape(&request))
        .replace("{{identity}}", &identity)
        .replace("{{rest}}", &rest)
}

fn row(rows: &mut String, class: &str, name: &str, value: &str) {
    let cell = match value {
        "" => "<td class=\"none\">empty</td>".to_owned(),
        value => format!("<td>{}</td>", escape(value)),
    };
    // Writing to a `String` cannot fail.
    writeln!(rows, "<tr class=\"{class}\"><th scope=\"row\">{}</th>{cell}</tr>", escape(name))
        .unwrap_or_default();
}

/// Text as HTML text or a quoted attribute; braces too, so that no value reads as a place in the page.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '{' => out.push_str("&#123;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::Request;
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    use super::*;

    async fn answer(request: Request<Body>) -> (HeaderMap, String) {
        let response = router().oneshot(request).await.expect("served");
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        (parts.headers, String::from_utf8(body.to_vec()).expect("text"))
    }

    #[tokio::test]
    async fn a_program_gets_every_header_sorted_and_with_its_duplicates() {
        let request = Request::post("/whoami/deep?x=1")
            .header("x-user-id", "alice")
            .header("accept", "*/*")
            .header("x-user-id", "again")
            .body(Body::empty())
            .expect("a request");
        let (headers, body) = answer(request).await;
        assert_eq!(headers["content-type"], "application/json");
        assert_eq!(headers["cache-control"], "no-store");
        let expected = r#"{"method":"POST","path":"/whoami/deep?x=1","headers":{"accept":["*/*"],"x-user-id":["alice","again"]}}"#;
        assert_eq!(body, expected);
    }

    #[tokio::test]
    async fn t18_a_header_never_becomes_markup() {
        let attack = "\"><img src=x onerror=alert(1)>'{{rest}}";
        let request = Request::get("/whoami/")
            .header("accept", "text/html")
            .header("x-user-id", attack)
            .header("user-agent", attack)
            .body(Body::empty())
            .expect("a request");
        let (headers, body) = answer(request).await;
        assert_eq!(headers["content-type"], "text/html; charset=utf-8");
        assert!(!body.contains("<img") && !body.contains("{{"));
        assert!(
            body.contains("&quot;&gt;&lt;img src=x onerror=alert(1)&gt;&#39;&#123;&#123;rest}}")
        );
    }

    #[tokio::test]
    async fn bytes_that_are_no_text_are_shown_and_break_nothing() {
        let request = Request::get("/")
            .header("accept", "text/html")
            .header("x-user-id", b"\xff\xfealice".as_slice())
            .body(Body::empty())
            .expect("a request");
        assert!(answer(request).await.1.contains("alice"));
    }
}
