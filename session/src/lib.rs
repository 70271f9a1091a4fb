//! The session: its identifier, its record, its encryption and its stores.
//!
//! One owner for what two programs read. `bff` writes sessions; `forwardauth` reads the *edge
//! view* and moves the idle deadline; neither knows how the other works.
//!
//! - [`id`]: the cookie value and the key it is stored under.
//! - [`keys`]: key rings and what is derived from them.
//! - [`edge`]: what verify needs of a session, authenticated by a MAC.
//! - [`record`]: tokens and management data; [`seal`] encrypts them.
//! - [`binding`], [`cookie`]: what ties a session to a client, and how it is found in a request.
//! - [`context`]: the token that tells a service whose request it is.
//! - [`store`]: the one trait behind which Redis ([`redis`]) and memory ([`memory`]) stand, and
//!   `conformance`, the suite that both pass; [`shelf`]: what they keep beside the sessions.
//! - `postgres` and `durable`, with the feature `postgres`: sessions that survive the loss of Redis.
//! - [`denied`]: whether a token that is shown was taken back.
//! - [`permits`]: the mathematics of rate limits.
//! - [`tracking`]: edge views kept in memory while Redis vouches for them.
//!
//! The wire format is described in `docs/SESSION-FORMAT.md` and pinned by golden files.

#[macro_use]
mod delegate;

pub mod any;
pub mod binding;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
pub mod context;
pub mod cookie;
pub mod denied;
#[cfg(feature = "postgres")]
pub mod durable;
pub mod edge;
#[cfg(feature = "faulty")]
pub mod faulty;
pub mod flags;
pub mod header_text;
pub mod id;
pub mod keys;
pub mod memory;
pub mod permits;
#[cfg(feature = "postgres")]
pub mod postgres;
pub mod record;
pub mod redis;
pub mod seal;
pub mod settings;
pub mod shelf;
pub mod store;
pub mod tracking;
mod wire;

pub use wire::FieldTooLong;
