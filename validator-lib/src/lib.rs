//! Checks the access tokens that reach a service, so that the service need not trust the edge.
//!
//! ```no_run
//! # #[cfg(feature = "http")]
//! # async fn example(parts: http::request::Parts) -> Result<(), Box<dyn std::error::Error>> {
//! use validator_lib::Validator;
//!
//! let validator = Validator::discover("https://auth.example.com", "https://api.example.com").await?;
//! let token = validator.check(&parts).await?;
//! token.require_scope("orders:read")?;
//! # Ok(())
//! # }
//! ```
//!
//! A check that fails gives a [`Refusal`], which knows its status and its `WWW-Authenticate` headers.
//!
//! # Order of checks
//! Size, parts, header, algorithm; key and signature; type, issuer, audience, lifetime; binding to a
//! DPoP key. Scopes and roles come last and are the service's own to ask for.
//!
//! # Building blocks
//! [`jws::verify`] checks a signature and judges no claim; [`keysource::RemoteKeys`] keeps a key set
//! current with a [`Fetch`](keysource::Fetch) of the caller's own; [`dpop::verify`] checks a proof.
//! They take the time as an argument.
//!
//! # Features
//! `http` (default) brings the fetcher, discovery by `.await`, the reading of `http` requests and the
//! machine's clock. Without it the crate opens no socket, reads no clock and links no runtime.
//!
//! `redis` brings [`revocation::redis`](revocation), a denylist that follows what the BFF writes to Redis.

mod accepted;
mod access_token;
#[cfg(feature = "actix")]
pub mod actix;
pub mod algorithm;
#[cfg(feature = "axum")]
pub mod axum;
pub mod cache;
pub mod certificate;
mod claims;
#[cfg(any(feature = "http", feature = "redis"))]
mod clock;
mod context;
pub mod credentials;
pub mod discovery;
pub mod dpop;
pub mod header;
#[cfg(feature = "http")]
pub mod http_fetch;
mod invalid;
mod json;
pub mod jwk;
pub mod jws;
mod keys;
pub mod keyset;
pub mod keysource;
#[cfg(test)]
mod mutations;
#[cfg(feature = "tower")]
pub mod layer;
pub mod policy;
pub mod profile;
#[cfg(feature = "redis")]
mod redis;
pub mod refusal;
mod required;
pub mod revocation;
mod seen;
mod sha256;
pub mod signature;
#[cfg(test)]
mod testkit;
pub mod token;
mod trust;
pub mod validator;

pub use access_token::Token;
pub use algorithm::Algorithm;
pub use certificate::{CertSource, PeerCertificate};
pub use context::ContextClaims;
pub use credentials::Incoming;
pub use keyset::KeySet;
pub use policy::Policy;
pub use profile::Profile;
pub use refusal::Refusal;
pub use required::{Allowed, Required};
pub use validator::{Shadow, TrustedIssuer, Validator};
