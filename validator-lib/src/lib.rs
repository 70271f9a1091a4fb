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
//! In a handler of axum it is a line in the signature:
//!
//! ```no_run
//! # #[cfg(feature = "axum")]
//! # mod example {
//! use validator_lib::{Allowed, Policy, policy};
//!
//! policy!(OrdersRead = Policy::all(["orders:read"]));
//!
//! async fn list(token: Allowed<OrdersRead>) -> String {
//!     format!("the orders of {}", token.subject())
//! }
//! # }
//! ```
//!
//! A check that fails gives a [`Refusal`], which is a whole answer: status, `WWW-Authenticate` headers, and
//! a problem document. Whatever is not the sender's fault, such as an issuer that is away, is 503 and
//! never 401.
//!
//! # Order of checks
//! Size, parts, header, algorithm; key and signature; type, issuer, audience, lifetime; binding to a
//! certificate or a DPoP key; revocation. Scopes and roles come last and are the service's own to ask for,
//! with a [`Policy`].
//!
//! # Building blocks
//! [`jws::verify`] checks a signature and judges no claim; [`keysource::RemoteKeys`] keeps a key set
//! current with a [`Fetch`](keysource::Fetch) of the caller's own; [`dpop::verify`] checks a proof;
//! [`signature`] makes and checks signatures on requests between services. They take the time as an
//! argument.
//!
//! # Features
//! Always there: ring, serde and small crates for base64, search and caching. Without any feature the crate
//! opens no socket, reads no clock and links no runtime.
//!
//! | feature | what for | what it brings |
//! |---|---|---|
//! | `http` (default) | discovery by `.await`, fetching of keys, requests of the `http` crate, the machine's clock | hyper-util, hyper-rustls, rustls with ring, tokio |
//! | `tower` | `Validator::layer`, for hyper, axum, tonic and whatever else is a tower service | `http`; tower-layer, tower-service, http-body, pin-project-lite |
//! | `axum` | extractors: `Token`, `Option<Token>`, [`Allowed`] | `tower`; axum 0.8 without its server |
//! | `actix` | extractors of actix-web | `http`; actix-web 4 without its defaults |
//! | `redis` | `revocation::redis`, a denylist that follows what the BFF writes to Redis | fred, rustls with ring, tokio |
//! | `permissions` | `permissions`: roles and permissions from a source of the service's, over HTTP with `http`, shared with `redis` | moka, tokio |
//! | `postgres` | rights of users in a PostgreSQL | `permissions`; sqlx with rustls and ring |
//! | `josekit` | ES512 | OpenSSL |
//! | `testing` | for the tests of a service alone: an issuer without sockets, an attack corpus to send | `http`; num-bigint |
//!
//! # Guides
//! For each framework, for each kind of issuer, for DPoP, certificates, revocation and versions: the folder
//! `docs` of the crate.

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
#[cfg(all(doctest, feature = "http"))]
mod guides;
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
#[cfg(feature = "tower")]
pub mod layer;
#[cfg(test)]
mod mutations;
#[cfg(feature = "permissions")]
pub mod permissions;
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
#[cfg(any(test, feature = "testing"))]
pub mod testing;
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
