//! Owns: the few pages that `bff` shows to people. No script, no foreign content, everything
//! escaped.

use axum::body::Body;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_FRAME_OPTIONS,
};
use http::{HeaderValue, StatusCode};
use ring::digest::{SHA256, digest};
use shell::problem::ProblemDetails;
use shell::request_id::RequestId;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:15vh auto;\
padding:0 1.5rem;color:#1d2430;background:#fbfaf8}h1{font-size:1.4rem}a,button{color:#0b5d4e;\
font:inherit}button{padding:.5rem 1.2rem;border:1px solid;border-radius:.4rem;background:none;\
cursor:pointer}small{color:#667}@media(prefers-color-scheme:dark){body{color:#e8e6e1;\
background:#16191d}a,button{color:#6fd3bd}small{color:#99a}}";

/// A failed request, for a person.
pub(crate) fn failure(problem: &ProblemDetails, request_id: &RequestId) -> Response {
    let body = format!(
        "<h1>{}</h1><p><a href=\"/auth/login\">Sign in again</a> or <a href=\"/\">go to the start \
         page</a>.</p><p><small>Code <code>{}</code>, request <code>{}</code></small></p>",
        escape(problem.title()),
        escape(problem.code()),
        escape(request_id.as_str()),
    );
    page(problem.status(), "Sign-in", "", &body)
}

/// Signing in again and again does not help; says what may be wrong.
pub(crate) fn login_loop(
    problem: &ProblemDetails,
    request_id: &RequestId,
    retry: &str,
) -> Response {
    let body = format!(
        "<h1>Signing in does not help.</h1><p>You were signed in several times within a minute, and \
         each time the session could not be used. Likely causes:</p><ul><li>The browser, or an \
         extension, blocks or deletes cookies of this site.</li><li>The site and its sign-in have \
         different addresses, and the session is not shared between them (cookie domain).</li>\
         <li>The clock of a server is wrong.</li><li>Your network or browser changes from one \
         request to the next, for example through a VPN, and the session is bound to them.</li></ul>\
         <p><a id=\"retry\" href=\"{}\">Try again</a>. If it happens once more, tell the operator the \
         code and the request below.</p><p><small>Code <code>{}</code>, request <code>{}</code>\
         </small></p>",
        escape(retry),
        escape(problem.code()),
        escape(request_id.as_str()),
    );
    page(problem.status(), "Sign-in", "", &body)
}

/// Asks before a bare link logs anybody out.
pub(crate) fn confirm_logout(action: &str) -> Response {
    let body = format!(
        "<h1>Sign out?</h1><form method=\"post\" action=\"{}\"><button type=\"submit\">Sign out\
         </button></form><p><a href=\"/\">Stay signed in</a></p>",
        escape(action)
    );
    let mut response = page(StatusCode::OK, "Sign out", "", &body);
    // With `no-referrer` browsers send the form with `Origin: null`, which is refused.
    response.headers_mut().insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}

/// A page that leads on by itself: a navigation that this site began.
pub(crate) fn onward(location: &str) -> Response {
    leading_on("Signing in", location)
}

/// The session here has ended; the browser goes on to end the one at the IdP.
pub(crate) fn leaving(end_session: &str) -> Response {
    leading_on("Signing out", end_session)
}

fn leading_on(title: &str, location: &str) -> Response {
    let url = escape(location);
    let head = format!("<meta http-equiv=\"refresh\" content=\"0; url={url}\">");
    let body = format!(
        "<h1>{title}…</h1><p>If nothing happens, <a id=\"continue\" href=\"{url}\">go on</a>.</p>"
    );
    page(StatusCode::OK, title, &head, &body)
}

/// Submits the form of [`leaving_by_form`]. Its hash is in the policy of that page.
const SUBMIT: &str = "document.forms[0].submit()";

/// [`leaving`] by POST, for what no address can hold. Without script, one press of a button.
pub(crate) fn leaving_by_form(action: &str, parameters: &[(&str, String)]) -> Response {
    let fields: String = parameters
        .iter()
        .map(|(name, value)| {
            let (name, value) = (escape(name), escape(value));
            format!("<input type=\"hidden\" name=\"{name}\" value=\"{value}\">")
        })
        .collect();
    let body = format!(
        "<h1>Signing out…</h1><form method=\"post\" action=\"{}\">{fields}<p>If nothing happens, \
         <button id=\"continue\" type=\"submit\">go on</button></p></form><script>{SUBMIT}</script>",
        escape(action)
    );
    let mut response = page(StatusCode::OK, "Signing out", "", &body);
    // No `form-action`: some browsers apply it to the redirects that follow, which are the IdP's choice.
    let policy = format!(
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{}'; base-uri 'none'; \
         frame-ancestors 'none'",
        STANDARD.encode(digest(&SHA256, SUBMIT.as_bytes()))
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
    // With `no-referrer` browsers send the form with `Origin: null`, which an IdP may refuse.
    response.headers_mut().insert(REFERRER_POLICY, HeaderValue::from_static("strict-origin"));
    response
}

/// The session here has ended, and that is all.
pub(crate) fn signed_out() -> Response {
    let body = "<h1 id=\"signed-out\">You are signed out.</h1><p><a href=\"/auth/login\">Sign in \
                again</a></p>";
    page(StatusCode::OK, "Signed out", "", body)
}

fn page(status: StatusCode, title: &str, head: &str, body: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>{title}</title>{head}<style>{STYLE}</style></head>\
         <body><main>{body}</main></body></html>"
    );
    let mut response = Response::new(Body::from(html));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; \
             frame-ancestors 'none'",
        ),
    );
    response
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t18_nothing_reaches_a_page_unescaped() {
        assert_eq!(escape("<a href=\"x\">&'"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39;");
        let page = leaving("https://idp.example/end?a=1&b=\"><script>");
        assert!(page.headers().contains_key(CONTENT_SECURITY_POLICY));
    }
}
