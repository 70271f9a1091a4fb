//! Owns: what the tests of a service need to try its own checks: an issuer with real keys and without
//! sockets, clients with DPoP keys, a clock that is moved by hand. For tests alone: the feature `testing` has
//! no place in a program that is shipped, and its RSA key is public.

mod clock;
mod issuer;
pub(crate) mod keys;
mod mint;
mod proof;
mod revocations;

pub use clock::Clock;
pub use issuer::Issuer;
pub use keys::SigningKey;
pub use mint::Mint;
pub use proof::{DpopKey, ProofMint};
pub use revocations::Revocations;

/// The name of [`Issuer::new`].
pub const ISSUER: &str = "https://auth.example.com";
/// The audience of a token, unless set.
pub const AUDIENCE: &str = "https://api.example.com";
/// Where each [`Clock`] begins, in seconds since the epoch: the 15th of January 2027.
pub const START: u64 = 1_800_000_000;
