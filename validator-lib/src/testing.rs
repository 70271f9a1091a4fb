//! Owns: what the tests of a service need to try its own checks: an issuer with real keys and without
//! sockets, clients with DPoP keys, a clock that is moved by hand, and an attack corpus to send to the
//! service. For tests alone: the feature `testing` has no place in a program that is shipped, and its RSA key
//! is public.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use validator_lib::testing::{Issuer, conformance};
//! use validator_lib::{Policy, Validator};
//!
//! // The service: it is given its validator, so that a test can give it another.
//! async fn orders(
//!     validator: &Validator,
//!     request: http::Request<bytes::Bytes>,
//! ) -> http::Response<&'static str> {
//!     let (parts, _body) = request.into_parts();
//!     let checked = validator.check(&parts).await;
//!     match checked.and_then(|token| token.require_scope("orders:read")) {
//!         Ok(()) => http::Response::new("[]"),
//!         Err(refusal) => refusal.response().map(|()| "no"),
//!     }
//! }
//!
//! let issuer = Issuer::new();
//! let validator = issuer
//!     .validator("https://api.example.com")
//!     .origin("https://api.example.com")
//!     .await?;
//!
//! // A test of the service's own.
//! let key = issuer.dpop_key();
//! let token = issuer.mint().scope("orders:read").dpop(&key).sign();
//! let proof = key.proof("GET", "https://api.example.com/orders").token(&token).sign();
//! let request = http::Request::get("/orders")
//!     .header("authorization", format!("DPoP {token}"))
//!     .header("dpop", proof)
//!     .body(bytes::Bytes::new())?;
//! assert_eq!(orders(&validator, request).await.status(), 200);
//!
//! // More than a thousand attacks, each with the status and the challenges that it has to get.
//! let report = conformance(&issuer, async |request| orders(&validator, request).await)
//!     .route(&http::Method::GET, "/orders")
//!     .audience("https://api.example.com")
//!     .origin("https://api.example.com")
//!     .policy(Policy::all(["orders:read"]))
//!     .run()
//!     .await;
//! assert!(report.failures().is_empty(), "{report}");
//! # Ok(())
//! # }
//! ```
//!
//! A router of axum is sent the same with
//! `async |request| router.clone().oneshot(request.map(Body::from)).await.unwrap()`.
//!
//! # The corpus
//! Each case has a name that does not change, a [`Class`], a request, and the one answer to it that is right.
//! Most are attacks; those that have to be let in tell a strict service from one that lets nobody in. They
//! assume [`Profile::Rfc9068`](crate::Profile::Rfc9068) and the leeway that is set unless it is changed.
//! Tokens that were revoked are tried where the service asks [`Issuer::revocations`].

mod clock;
#[cfg(feature = "http")]
mod conformance;
#[cfg(feature = "http")]
mod corpus;
mod issuer;
pub(crate) mod keys;
mod mint;
mod proof;
#[cfg(feature = "http")]
mod report;
mod revocations;

pub use clock::Clock;
#[cfg(feature = "http")]
pub use conformance::{Conformance, conformance};
#[cfg(feature = "http")]
pub use corpus::{Answer, Case, Class, Expected};
pub use issuer::Issuer;
pub use keys::SigningKey;
pub use mint::Mint;
pub use proof::{DpopKey, ProofMint};
#[cfg(feature = "http")]
pub use report::{Failure, Report};
pub use revocations::Revocations;

/// The name of [`Issuer::new`].
pub const ISSUER: &str = "https://auth.example.com";
/// The audience of a token, unless set.
pub const AUDIENCE: &str = "https://api.example.com";
/// Where each [`Clock`] begins, in seconds since the epoch: the 15th of January 2027.
pub const START: u64 = 1_800_000_000;

#[cfg(test)]
#[cfg(feature = "http")]
mod tests;
