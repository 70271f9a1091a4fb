//! Owns: the browser of the tests.

use axum::body::Body;
use http::Request;
use http::header::{CONTENT_TYPE, COOKIE, SET_COOKIE};

use super::provider::{Answer, Provider};
use super::{ISSUER, encoded};

/// A browser: it keeps the one cookie and follows redirects inside the provider.
#[derive(Debug, Clone, Default)]
pub(super) struct Browser {
    pub(super) cookie: Option<String>,
}

impl Browser {
    pub(super) async fn open(&mut self, provider: &Provider, path: &str) -> Answer {
        let mut path = path.to_owned();
        loop {
            let request = self.request(Request::get(&path)).body(Body::empty()).unwrap();
            let answer = self.keep(provider.send(request).await);
            match answer.header("location").strip_prefix(ISSUER) {
                Some(next) => path = next.to_owned(),
                None => return answer,
            }
        }
    }

    pub(super) async fn submit(
        &mut self,
        provider: &Provider,
        path: &str,
        form: &[(&str, &str)],
    ) -> Answer {
        let request = self
            .request(Request::post(path))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.keep(provider.send(request.body(Body::from(encoded(form))).unwrap()).await)
    }

    /// Fills in the sign-in form on `page`.
    pub(super) async fn fill_in(
        &mut self,
        provider: &Provider,
        page: &Answer,
        user: &str,
        password: &str,
    ) -> Answer {
        let (interaction, csrf) = (page.field("interaction"), page.field("csrf"));
        let form = [
            ("interaction", interaction.as_str()),
            ("csrf", &csrf),
            ("username", user),
            ("password", password),
        ];
        self.submit(provider, "/login", &form).await
    }

    pub(super) async fn sign_in(
        &mut self,
        provider: &Provider,
        begin: &str,
        user: &str,
        password: &str,
    ) -> Answer {
        let page = self.open(provider, begin).await;
        self.fill_in(provider, &page, user, password).await
    }

    pub(super) fn request(&self, request: http::request::Builder) -> http::request::Builder {
        match &self.cookie {
            Some(cookie) => request.header(COOKIE, format!("theme=dark; {cookie}")),
            None => request,
        }
    }

    pub(super) fn keep(&mut self, answer: Answer) -> Answer {
        if let Some(cookie) = answer.headers.get(SET_COOKIE) {
            let (cookie, attributes) = cookie.to_str().unwrap().split_once(';').unwrap();
            assert!(attributes.contains("HttpOnly") && attributes.contains("SameSite=Lax"));
            self.cookie = (!attributes.contains("Max-Age=0")).then(|| cookie.to_owned());
        }
        answer
    }
}
