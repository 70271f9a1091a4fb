//! Owns: the sample single-page application as a static site, with the headers that keep it honest.

use axum::Router;
use axum::http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue,
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const INDEX: &str = include_str!("../assets/index.html");

/// Script and style come from this site alone, and no string ever becomes markup.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'";

/// On every page of the demo's own services.
pub(crate) const SECURITY_HEADERS: [(HeaderName, HeaderValue); 6] = [
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
];

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
    Router::new().fallback(page)
}

async fn page(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    if method != Method::GET && method != Method::HEAD {
        return (StatusCode::METHOD_NOT_ALLOWED, [("allow", "GET, HEAD")], SECURITY_HEADERS)
            .into_response();
    }
    match asset(uri.path(), &headers) {
        Some((kind, body)) => ([(CONTENT_TYPE, kind)], SECURITY_HEADERS, body).into_response(),
        None => (StatusCode::NOT_FOUND, SECURITY_HEADERS, "Not found\n").into_response(),
    }
}

fn asset(path: &str, headers: &HeaderMap) -> Option<(&'static str, &'static str)> {
    match path {
        "/" | "/index.html" => Some((HTML, INDEX)),
        "/wicketgate.js" => Some((SCRIPT, include_str!("../../clients/spa/dist/index.js"))),
        "/app.js" => Some((SCRIPT, include_str!("../assets/app.js"))),
        "/telemetry.js" => Some((SCRIPT, include_str!("../assets/telemetry.js"))),
        "/style.css" => Some(("text/css; charset=utf-8", include_str!("../assets/style.css"))),
        "/favicon.svg" => Some(("image/svg+xml", include_str!("../assets/favicon.svg"))),
        deep if !deep.contains('.') && is_navigation(headers) => Some((HTML, INDEX)),
        _ => None,
    }
}

/// Whether a person is looking: a deep link into the application shows the application.
fn is_navigation(headers: &HeaderMap) -> bool {
    match headers.get("sec-fetch-mode") {
        Some(mode) => mode == "navigate",
        None => wants_html(headers),
    }
}

/// Whether the client names HTML among what it accepts, as browsers do and programs do not.
pub(crate) fn wants_html(headers: &HeaderMap) -> bool {
    headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .any(|kind| kind.split(';').next().unwrap_or_default().trim() == "text/html")
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::Request;
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    use super::*;

    async fn get(path: &str, headers: &[(&str, &str)]) -> (StatusCode, HeaderMap, String) {
        let mut request = Request::get(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = router()
            .oneshot(request.body(Body::empty()).expect("a request"))
            .await
            .expect("served");
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        (parts.status, parts.headers, String::from_utf8(body.to_vec()).expect("text"))
    }

    #[tokio::test]
    async fn every_answer_has_the_policy_and_the_right_type() {
        for (path, kind) in [
            ("/", "text/html; charset=utf-8"),
            ("/app.js", "text/javascript; charset=utf-8"),
            ("/wicketgate.js", "text/javascript; charset=utf-8"),
            ("/telemetry.js", "text/javascript; charset=utf-8"),
            ("/style.css", "text/css; charset=utf-8"),
            ("/favicon.svg", "image/svg+xml"),
            ("/missing.js", "text/plain; charset=utf-8"),
        ] {
            let (_, headers, _) = get(path, &[]).await;
            assert_eq!(headers["content-type"], kind, "{path}");
            let policy = headers["content-security-policy"].to_str().expect("text");
            assert!(policy.contains("script-src 'self'; style-src 'self'"), "{path}");
            assert_eq!(headers["cache-control"], "no-cache", "{path}");
        }
    }

    #[tokio::test]
    async fn the_page_holds_nothing_that_its_own_policy_forbids() {
        let (_, _, page) = get("/", &[]).await;
        for forbidden in ["<script>", "<style", " style=", " onclick=", "http://", "https://"] {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
    }

    #[tokio::test]
    async fn a_deep_link_shows_the_application_and_a_program_is_told_404() {
        let html = ("accept", "text/html,application/xhtml+xml;q=0.9");
        assert_eq!(get("/some/page", &[html]).await.0, StatusCode::OK);
        assert_eq!(get("/some/page", &[("sec-fetch-mode", "navigate")]).await.0, StatusCode::OK);
        assert_eq!(get("/some/page", &[]).await.0, StatusCode::NOT_FOUND);
        assert_eq!(
            get("/some/page", &[html, ("sec-fetch-mode", "cors")]).await.0,
            StatusCode::NOT_FOUND
        );
        assert_eq!(get("/some/file.map", &[html]).await.0, StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn only_reading_is_possible() {
        let request = Request::post("/").body(Body::empty()).expect("a request");
        let response = router().oneshot(request).await.expect("served");
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    }
}
