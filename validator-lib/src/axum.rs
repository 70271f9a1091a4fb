//! Owns: the check as extractors of axum. They take the token that a [layer](crate::layer) of the same
//! validator left, and check the request themselves where there is none, so that no handler can be
//! reached without.
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use validator_lib::{Allowed, Policy, Token, Validator, policy};
//!
//! policy!(OrdersRead = Policy::all(["orders:read"]));
//!
//! async fn list(token: Allowed<OrdersRead>) -> String {
//!     format!("the orders of {}", token.subject())
//! }
//!
//! async fn greet(token: Option<Token>) -> String {
//!     token.map_or("Hello".to_owned(), |token| format!("Hello {}", token.subject()))
//! }
//!
//! # fn example(validator: Validator) -> Router {
//! Router::new().route("/orders", get(list)).route("/", get(greet)).with_state(validator)
//! # }
//! ```
//!
//! A state with more in it implements `FromRef`, by hand or by axum's derive.
//!
//! An extractor cannot add to the response. Where proofs need nonces of the service
//! ([`Builder::dpop_nonces`](crate::validator::Builder::dpop_nonces)), a layer tells clients the next one in
//! time; without it each change of the nonce costs them one request that is refused.

use ::axum::body::Body;
use ::axum::extract::{FromRef, FromRequestParts, OptionalFromRequestParts};
use ::axum::http::request::Parts;
use ::axum::response::{IntoResponse, Response};

use crate::access_token::Token;
use crate::refusal::{Cause, Refusal};
use crate::required::{Allowed, Required};
use crate::validator::Validator;

impl<S> FromRequestParts<S> for Token
where
    S: Send + Sync,
    Validator: FromRef<S>,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        Validator::from_ref(state).check_once(parts).await
    }
}

/// `None` where the request carries no token at all. One that is not accepted is refused all the same.
impl<S> OptionalFromRequestParts<S> for Token
where
    S: Send + Sync,
    Validator: FromRef<S>,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Refusal> {
        match Validator::from_ref(state).check_once(parts).await {
            Ok(token) => Ok(Some(token)),
            Err(refusal) if *refusal.cause() == Cause::Missing => Ok(None),
            Err(refusal) => Err(refusal),
        }
    }
}

impl<S, P> FromRequestParts<S> for Allowed<P>
where
    S: Send + Sync,
    Validator: FromRef<S>,
    P: Required,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        Self::new(Validator::from_ref(state).check_once(parts).await?)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        self.answer::<Body>()
    }
}

#[cfg(test)]
mod tests;
