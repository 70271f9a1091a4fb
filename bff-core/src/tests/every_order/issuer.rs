//! Owns: an IdP that rotates refresh tokens and keeps books: which was made of which, and how often each
//! was sent.

use std::hash::{Hash as _, Hasher};
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use serde_json::{Value, json};

use super::crossing::{Crossing, Fate};
use crate::http_client::HttpError;
use crate::http_client::wire::{Carried, Wire};
use crate::oidc::mock::ACCESS_TOKEN;
use crate::testing::FRESH_TOKEN;

const FIRST: &str = "canary-refresh-token";

/// Clones are one.
#[derive(Clone)]
pub(super) struct Issuer {
    crossing: Crossing,
    /// Whether a token may be used a second time.
    forgives: bool,
    books: Arc<Mutex<Books>>,
}

/// What is known of the refresh tokens, each by its number.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Books {
    pub(super) tokens: Vec<Token>,
    /// Nothing of the family is good any more.
    pub(super) over: bool,
    pub(super) revoked: Vec<usize>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Token {
    /// What was spent for it.
    pub(super) parent: Option<usize>,
    /// How often it was sent, but for when the IdP said that it did nothing.
    pub(super) sent: usize,
    used: usize,
}

impl Issuer {
    pub(super) fn new(crossing: &Crossing, forgives: bool) -> Self {
        let books = Arc::new(Mutex::new(Books::new()));
        Self { crossing: crossing.clone(), forgives, books }
    }

    fn lock(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap()
    }

    pub(super) fn clear(&self) {
        *self.lock() = Books::new();
    }

    pub(super) fn hash(&self, hasher: &mut impl Hasher) {
        self.lock().hash(hasher);
    }

    pub(super) fn books(&self) -> Books {
        self.lock().clone()
    }

    /// How often a token may be sent.
    pub(super) fn most(&self) -> usize {
        if self.forgives { 2 } else { 1 }
    }

    fn spend(&self, number: usize, fate: Fate) -> Result<Response<Bytes>, HttpError> {
        let mut books = self.lock();
        if fate == Fate::Busy {
            return Ok(response(503, &json!({})));
        }
        books.tokens[number].sent += 1;
        if fate == Fate::Away {
            return Err(lost());
        }
        books.tokens[number].used += 1;
        let used_up = books.tokens[number].used > self.most();
        books.over |= used_up || fate == Fate::Refused;
        let answer = if books.over {
            response(400, &json!({ "error": "invalid_grant" }))
        } else {
            let next = books.tokens.len();
            books.tokens.push(Token { parent: Some(number), ..Token::default() });
            let answer = json!({
                "access_token": access_token(next), "refresh_token": refresh_token(next),
                "token_type": "Bearer", "expires_in": 300,
            });
            response(200, &answer)
        };
        if fate == Fate::Unheard { Err(lost()) } else { Ok(answer) }
    }
}

impl Books {
    fn new() -> Self {
        Self { tokens: vec![Token::default()], over: false, revoked: Vec::new() }
    }
}

impl Wire for Issuer {
    fn carry(&self, request: Request<Full<Bytes>>) -> Carried<'_> {
        Box::pin(async move {
            let path = request.uri().path().to_owned();
            let body = request.into_body().collect().await.unwrap().to_bytes();
            let form: Vec<(String, String)> =
                url::form_urlencoded::parse(&body).into_owned().collect();
            let of = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value);
            if path == "/revoke" {
                let revoked = of("token").and_then(|token| number(token));
                self.lock().revoked.extend(revoked);
                return Ok(response(200, &json!({})));
            }
            let replica = path.trim_matches(|letter: char| !letter.is_ascii_digit());
            let replica = replica.parse().unwrap();
            let fate = self.crossing.wait(replica, "token").await;
            let spent = number(of("refresh_token").unwrap()).unwrap();
            let answer = self.spend(spent, fate);
            let told = answer.as_ref().map(Response::status).ok();
            let newest = self.lock().tokens.len();
            self.crossing.heard(replica, &format!(" {spent} {told:?} {newest}"));
            answer
        })
    }
}

pub(super) fn access_token(number: usize) -> String {
    if number == 0 { ACCESS_TOKEN.to_owned() } else { format!("{FRESH_TOKEN}-{number}") }
}

fn refresh_token(number: usize) -> String {
    if number == 0 { FIRST.to_owned() } else { format!("{FIRST}-{number}") }
}

/// The number of a refresh token.
pub(super) fn number(token: &str) -> Option<usize> {
    match token.strip_prefix(FIRST)? {
        "" => Some(0),
        rest => rest.strip_prefix('-')?.parse().ok(),
    }
}

fn response(status: u16, body: &Value) -> Response<Bytes> {
    Response::builder().status(status).body(body.to_string().into()).unwrap()
}

fn lost() -> HttpError {
    HttpError::Interrupted("lost".into())
}
