//! Owns: the check as a module of Node. A check runs in tokio's threads, and a promise waits for it.

use std::sync::Arc;

use face::{Asked, Needs, Service};
use napi::bindgen_prelude::{Error, Result, Status};
use napi_derive::napi;

/// What a service takes; see `index.d.ts`.
#[napi(object)]
pub struct Settings {
    /// `iss`.
    pub issuer: String,
    /// `aud`.
    pub audience: String,
    /// The kind of issuer.
    pub profile: Option<String>,
    /// The origin that clients know.
    pub origin: Option<String>,
    /// Where the keys are.
    pub jwks_uri: Option<String>,
    /// The keys themselves.
    pub jwks: Option<String>,
    /// The time, for tests.
    pub now: Option<f64>,
}

/// What a request has, and what is asked of it.
#[napi(object)]
pub struct Request {
    /// Method.
    pub method: String,
    /// Path.
    pub path: String,
    /// The value of each `Authorization` header.
    pub authorization: Vec<String>,
    /// The value of each `DPoP` header.
    pub dpop: Vec<String>,
    /// Scopes.
    pub scopes: Vec<String>,
    /// Roles.
    pub roles: Vec<String>,
    /// Permissions.
    pub permissions: Vec<String>,
    /// Strengths of the login.
    pub acr: Vec<String>,
    /// How long ago the login may have been.
    pub max_age: Option<f64>,
}

/// A token that was accepted, or the answer to send.
#[napi(object)]
pub struct Outcome {
    /// The token.
    pub token: Option<Token>,
    /// The answer.
    pub refusal: Option<Refusal>,
}

/// A token that was accepted.
#[napi(object)]
pub struct Token {
    /// `sub`.
    pub subject: String,
    /// `iss`.
    pub issuer: String,
    /// The client.
    pub client_id: Option<String>,
    /// When it expires.
    pub expires_at: f64,
    /// Scopes.
    pub scopes: Vec<String>,
    /// Roles.
    pub roles: Vec<String>,
    /// Permissions.
    pub permissions: Vec<String>,
    /// All claims, as JSON.
    pub claims: String,
}

/// The answer to a request that is not let in.
#[napi(object)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// Pairs of name and value.
    pub headers: Vec<Vec<String>>,
    /// The body.
    pub body: String,
    /// A code for logs and metrics.
    pub reason: String,
}

/// The check of one service.
#[napi]
pub struct Validator {
    service: Arc<Service>,
}

#[napi]
impl Validator {
    /// A validator with these settings.
    #[napi(constructor)]
    pub fn new(settings: Settings) -> Result<Self> {
        let Settings { issuer, audience, profile, origin, jwks_uri, jwks, now } = settings;
        let now = now.map(seconds);
        let settings = face::Settings { issuer, audience, profile, origin, jwks_uri, jwks, now };
        let service = Service::new(settings);
        let service = service.map_err(|why| Error::new(Status::InvalidArg, why.to_string()))?;
        Ok(Self { service: Arc::new(service) })
    }

    /// Checks a request.
    #[napi]
    pub async fn check(&self, request: Request) -> Result<Outcome> {
        let service = Arc::clone(&self.service);
        let Request { method, path, authorization, dpop, scopes, roles, permissions, acr, max_age } = request;
        let needs = Needs { scopes, roles, permissions, acr, max_age: max_age.map(seconds) };
        let (authorization, dpop) = (bytes(authorization), bytes(dpop));
        let checked = service.check(Asked { method, path, authorization, dpop, needs }).await;
        Ok(match checked {
            Ok(facts) => Outcome { token: Some(token(facts)), refusal: None },
            Err(answer) => Outcome { token: None, refusal: Some(refusal(answer)) },
        })
    }
}

/// Node reads headers as Latin-1: each character is a byte. One that is none stays none that a token has.
fn bytes(values: Vec<String>) -> Vec<Vec<u8>> {
    let byte = |character: char| u8::try_from(u32::from(character)).unwrap_or(b'\0');
    values.into_iter().map(|value| value.chars().map(byte).collect()).collect()
}

/// A cast saturates, and what is no number is zero.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "JavaScript has one kind of numbers"
)]
fn seconds(number: f64) -> u64 {
    number as u64
}

#[expect(clippy::cast_precision_loss, reason = "seconds since the epoch")]
fn token(facts: face::Facts) -> Token {
    let face::Facts { subject, issuer, client_id, expires_at, scopes, roles, permissions, claims } = facts;
    let expires_at = expires_at as f64;
    Token { subject, issuer, client_id, expires_at, scopes, roles, permissions, claims }
}

fn refusal(answer: face::Answer) -> Refusal {
    let pair = |(name, value): (&str, String)| vec![name.to_owned(), value];
    let headers = answer.headers.into_iter().map(pair).collect();
    Refusal { status: answer.status, headers, body: answer.body, reason: answer.reason.to_owned() }
}
