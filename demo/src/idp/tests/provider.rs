//! Owns: the provider under test, and what the client `shop` does with it.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::Value;
use shell::clock::ManualClock;
use shell::random::CountingRandom;
use tower::ServiceExt as _;
use url::Url;

use super::browser::Browser;
use super::prover::Prover;
use super::{START, asking, config, encoded, redemption, spending};
use crate::idp::{Idp, IdpConfig, router};

/// The provider under test, and its clock.
pub(super) struct Provider {
    pub(super) clock: ManualClock,
    router: Router,
}

impl Provider {
    pub(super) fn start() -> Self {
        Self::with(config())
    }

    pub(super) fn with(config: IdpConfig) -> Self {
        let clock = ManualClock::at(START);
        let random = Arc::new(CountingRandom::default());
        let idp = Idp::new(config, Arc::new(clock.clone()), random).unwrap();
        Self { clock, router: router(Arc::new(idp)) }
    }

    pub(super) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        Answer { status: head.status, headers: head.headers, body }
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    /// A form from the client `shop`, authenticated, with a `DPoP` proof if one is given.
    pub(super) async fn call(
        &self,
        path: &str,
        proof: Option<&str>,
        form: &[(&str, &str)],
    ) -> Answer {
        self.call_as("shop", path, proof, form).await
    }

    pub(super) async fn call_as(
        &self,
        client: &str,
        path: &str,
        proof: Option<&str>,
        form: &[(&str, &str)],
    ) -> Answer {
        let credentials = STANDARD.encode(format!("{client}:secret-of-{client}"));
        let mut request = Request::post(path)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(AUTHORIZATION, format!("Basic {credentials}"));
        if let Some(proof) = proof {
            request = request.header("dpop", proof);
        }
        self.send(request.body(Body::from(encoded(form))).unwrap()).await
    }

    /// Pushes the request of `shop` with `changes`, and gives the path to begin at.
    pub(super) async fn push(&self, prover: &Prover, changes: &[(&str, &str)]) -> String {
        let proof = prover.proof("POST", "/par");
        let answer = self.call("/par", Some(&proof), &asking(changes)).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        let json = answer.json();
        let uri = json["request_uri"].as_str().unwrap();
        format!("/authorize?{}", encoded(&[("client_id", "shop"), ("request_uri", uri)]))
    }

    /// Redeems `code` as `shop`.
    pub(super) async fn redeem(&self, prover: &Prover, code: &str) -> Answer {
        let proof = prover.proof("POST", "/token");
        self.call("/token", Some(&proof), &redemption(code)).await
    }

    pub(super) async fn refresh(&self, prover: &Prover, token: &str) -> Answer {
        let proof = prover.proof("POST", "/token");
        self.call("/token", Some(&proof), &spending(token)).await
    }

    /// What userinfo tells the holder of `tokens`.
    pub(super) async fn userinfo(&self, prover: &Prover, tokens: &Value) -> Answer {
        let token = tokens["access_token"].as_str().unwrap();
        let request = Request::get("/userinfo")
            .header(AUTHORIZATION, format!("DPoP {token}"))
            .header("dpop", prover.proof_with_token("GET", "/userinfo", token));
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// Signs `user` in in a new browser and gives that browser and the tokens of `shop`.
    pub(super) async fn sign_in(
        &self,
        prover: &Prover,
        user: &str,
        changes: &[(&str, &str)],
    ) -> (Browser, Value) {
        let mut browser = Browser::default();
        let begin = self.push(prover, changes).await;
        let answer = browser.sign_in(self, &begin, user, user).await;
        let tokens = self.redeem(prover, &answer.answered("code").unwrap()).await;
        assert_eq!(tokens.status, StatusCode::OK, "{}", tokens.body);
        (browser, tokens.json())
    }
}

/// An answer, read whole.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The value of `name` in the query of the redirect.
    pub(super) fn answered(&self, name: &str) -> Option<String> {
        let location = Url::parse(self.header(LOCATION.as_str())).unwrap();
        let mut pairs = location.query_pairs();
        pairs.find(|(other, _)| other == name).map(|(_, value)| value.into_owned())
    }

    /// The value of the form field `name`.
    pub(super) fn field(&self, name: &str) -> String {
        let from = format!("name=\"{name}\" value=\"");
        let (_, rest) = self.body.split_once(&from).expect("the field is in the page");
        rest.split_once('"').unwrap().0.to_owned()
    }

    pub(super) fn is_error(&self, status: u16, code: &str) {
        assert_eq!((self.status.as_u16(), self.json()["error"].as_str()), (status, Some(code)));
        assert_eq!(self.header("cache-control"), "no-store");
    }
}
