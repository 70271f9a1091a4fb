//! Owns: a browser as far as `bff` can tell: a cookie jar, an address, a name, and the headers that
//! Traefik adds.

use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::response::Response;
use cookie::Cookie;
use cookie::time::Duration;
use http::header::{COOKIE, SET_COOKIE, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::Value;

use super::APP;
use crate::app::App;
use crate::caller::Peer;
use crate::front::Front;

/// Chrome on Linux.
const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";

/// What no answer may hold, whatever was asked.
const SECRETS: [&str; 5] = [
    crate::oidc::mock::ACCESS_TOKEN,
    super::FRESH_TOKEN,
    "canary-refresh-token",
    "canary-client-secret",
    "canary-code",
];

/// A browser. Clones share the jar.
#[derive(Clone)]
pub(crate) struct Browser {
    jar: Arc<Mutex<Vec<Cookie<'static>>>>,
    ip: &'static str,
    agent: &'static str,
    host: &'static str,
}

impl Browser {
    pub(crate) fn new() -> Self {
        Self { jar: Arc::default(), ip: "192.0.2.1", agent: AGENT, host: "app.example" }
    }

    /// The same jar in another network.
    pub(crate) fn at(&self, ip: &'static str) -> Self {
        Self { ip, ..self.clone() }
    }

    /// The same jar in another program.
    pub(crate) fn called(&self, agent: &'static str) -> Self {
        Self { agent, ..self.clone() }
    }

    /// The same jar at another of our hosts, to which it sends all that it holds.
    pub(crate) fn visiting(&self, host: &'static str) -> Self {
        Self { host, ..self.clone() }
    }

    /// Another browser with this one's cookies as they are now.
    pub(crate) fn stolen(&self) -> Self {
        let jar = self.jar.lock().unwrap().clone();
        Self { jar: Arc::new(Mutex::new(jar)), ..self.clone() }
    }

    pub(crate) fn get(&self, target: &str) -> Ask {
        self.ask(Method::GET, target)
    }

    pub(crate) fn post(&self, target: &str) -> Ask {
        self.ask(Method::POST, target)
    }

    pub(crate) fn ask(&self, method: Method, target: &str) -> Ask {
        let request = Request::builder()
            .method(method)
            .uri(target)
            .header("host", "bff:8000")
            .header("x-forwarded-host", self.host)
            .header("x-forwarded-proto", "https")
            .header("x-forwarded-for", self.ip)
            .header("x-request-id", "request-0001")
            .header(USER_AGENT, self.agent)
            .body(Body::empty())
            .unwrap();
        Ask { browser: self.clone(), request }
    }

    /// The session cookie's value.
    pub(crate) fn session(&self) -> Option<String> {
        self.value("bff_session")
    }

    pub(crate) fn value(&self, name: &str) -> Option<String> {
        let jar = self.jar.lock().unwrap();
        jar.iter().find(|cookie| cookie.name() == name).map(|cookie| cookie.value().to_owned())
    }

    /// The names of all cookies.
    pub(crate) fn names(&self) -> Vec<String> {
        self.jar.lock().unwrap().iter().map(|cookie| cookie.name().to_owned()).collect()
    }

    /// Puts a cookie into the jar as if `bff` had set it.
    pub(crate) fn plant(&self, text: &str) {
        self.take(&Cookie::parse(text.to_owned()).unwrap());
    }

    fn take(&self, cookie: &Cookie<'static>) {
        let place = |cookie: &Cookie<'_>| {
            let text = |part: Option<&str>| part.unwrap_or_default().to_owned();
            (cookie.name().to_owned(), text(cookie.domain()), text(cookie.path()))
        };
        let mut jar = self.jar.lock().unwrap();
        jar.retain(|known| place(known) != place(cookie));
        if cookie.max_age() != Some(Duration::ZERO) {
            jar.push(cookie.clone());
        }
    }

    fn cookies_for(&self, path: &str) -> String {
        let jar = self.jar.lock().unwrap();
        let sent = jar.iter().filter(|cookie| path.starts_with(cookie.path().unwrap_or("/")));
        sent.map(|cookie| cookie.stripped().to_string()).collect::<Vec<_>>().join("; ")
    }
}

/// A request to be sent.
pub(crate) struct Ask {
    browser: Browser,
    request: Request<Body>,
}

impl Ask {
    pub(crate) fn header(self, name: &'static str, value: &str) -> Self {
        self.raw(name, value.as_bytes())
    }

    pub(crate) fn raw(mut self, name: &'static str, value: &[u8]) -> Self {
        self.request.headers_mut().append(name, HeaderValue::from_bytes(value).unwrap());
        self
    }

    /// In place of what the browser sends by itself.
    pub(crate) fn instead(mut self, name: &'static str, value: &str) -> Self {
        self.request.headers_mut().insert(name, value.parse().unwrap());
        self
    }

    /// As script of our own origin reads.
    pub(crate) fn by_our_page(self) -> Self {
        self.header("sec-fetch-site", "same-origin").header("sec-fetch-mode", "cors")
    }

    /// As script of our own origin writes.
    pub(crate) fn with_csrf(self, token: &str) -> Self {
        self.by_our_page().header("origin", APP).header("x-csrf-token", token)
    }

    /// As a person follows a link.
    pub(crate) fn navigating(self) -> Self {
        self.header("sec-fetch-mode", "navigate").header("accept", "text/html")
    }

    pub(crate) fn body(mut self, body: impl Into<Body>) -> Self {
        *self.request.body_mut() = body.into();
        self
    }

    pub(crate) fn form(mut self, body: impl Into<Body>) -> Self {
        *self.request.body_mut() = body.into();
        self.header("content-type", "application/x-www-form-urlencoded")
    }

    /// The answer with its body still to come.
    pub(crate) async fn response(self, app: &Arc<App>) -> Response {
        self.response_of(&Front::new(app)).await
    }

    async fn response_of(self, front: &Front) -> Response {
        let Self { browser, mut request } = self;
        let cookies = browser.cookies_for(request.uri().path());
        if !cookies.is_empty() {
            request.headers_mut().append(COOKIE, cookies.parse().unwrap());
        }
        let peer = Peer { address: ([127, 0, 0, 1], 4711).into(), tls: false };
        front.answer(peer, request).await
    }

    pub(crate) async fn send(self, app: &Arc<App>) -> Answer {
        self.send_to(&Front::new(app)).await
    }

    /// To one of which much is asked: a front is made of a hundred parts.
    pub(crate) async fn send_to(self, front: &Front) -> Answer {
        let browser = self.browser.clone();
        let response = self.response_of(front).await;
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let answer = Answer::checked(head.status, head.headers, &body);
        for cookie in answer.cookies() {
            browser.plant(&cookie);
        }
        answer
    }
}

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    /// What came, which must hold no secret.
    pub(super) fn checked(status: StatusCode, headers: HeaderMap, body: &[u8]) -> Self {
        let body = String::from_utf8(body.to_vec()).unwrap();
        let answer = Self { status: status.as_u16(), headers, body };
        let shown = format!("{answer:?}");
        for secret in SECRETS {
            assert!(!shown.contains(secret), "t18: {secret} came out: {shown}");
        }
        answer
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| std::str::from_utf8(value.as_bytes()).unwrap())
    }

    pub(crate) fn location(&self) -> &str {
        self.header("location").unwrap()
    }

    /// Every `Set-Cookie`.
    pub(crate) fn cookies(&self) -> Vec<String> {
        let set = self.headers.get_all(SET_COOKIE).iter();
        set.map(|value| String::from_utf8(value.as_bytes().to_vec()).unwrap()).collect()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The stable code of a problem; the answer must be one, and nothing that a cache keeps.
    pub(crate) fn code(&self) -> String {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        assert_eq!(self.header("cache-control"), Some("no-store"), "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], self.status);
        assert!(problem["request_id"].is_string());
        problem["code"].as_str().unwrap().to_owned()
    }
}
