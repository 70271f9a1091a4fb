//! Owns: what a user may do, where tokens do not say: roles and permissions from a [`PermissionSource`], kept
//! for a moment, and forgotten at once when they change.
//!
//! ```no_run
//! # #[cfg(feature = "http")]
//! # async fn example(parts: http::request::Parts) -> Result<(), Box<dyn std::error::Error>> {
//! # use validator_lib::Validator;
//! # use validator_lib::permissions::{HttpSource, PermissionCache};
//! let rights = PermissionCache::new(HttpSource::new("https://directory.internal/users/{user}/rights")?);
//! let validator = Validator::discover("https://auth.example.com", "https://api.example.com").permissions(rights).await?;
//! validator.check(&parts).await?.require_permission("orders:refund")?;
//! # Ok(())
//! # }
//! ```
//!
//! A validator with a cache gives each [`Token`](crate::Token) the rights of its user. They take the place of
//! the claims: [`Policy::role`](crate::Policy::role), [`Policy::permission`](crate::Policy::permission), and
//! with them the layer, [`policy!`](crate::policy!) and the extractors, ask what the source says.
//!
//! # Who is denied
//! A user whom the source does not know has no role and no permission (403). Where the source fails, a request
//! that asks for one is 503; one that asks for none is let in. Nothing is ever allowed on a guess.
//!
//! # How old an answer may be
//!
//! | | unless set |
//! |---|---|
//! | L1, in this process: [`Builder::life`] | 1 min |
//! | L2, in Redis: `redis::Builder::life` | 5 min |
//! | a user who is unknown, in both: [`Builder::unknown_life`] | 10 s |
//! | while the source fails, what was known before: [`Builder::stale`] | 5 min more |
//!
//! [`PermissionCache::invalidate`] takes a user's rights out of L2 and tells all processes to take them out of
//! L1, which is a matter of milliseconds. A process that cannot hear of it (its connection to Redis is lost)
//! goes by the old ones for as long as they live in its L1, and no longer: L2 has them no more, and it serves
//! nothing stale while it cannot hear. When it hears again it forgets all it has, for it may have missed
//! something. A change that nobody tells of counts after L1 and L2, 6 minutes.
//!
//! # What was under way while rights changed
//! A load that began before an invalidation may bring what was before it. Who waited for it already is
//! answered with that; it is kept nowhere. In this process the invalidation takes the load off the list of
//! those under way, and what is not on that list is not kept. In Redis a load needs a lease, given when L2 had
//! nothing, and an invalidation takes that away. So change first and invalidate then, and let the source read
//! what was written: from no replica that lags behind.
//!
//! # Bounds
//! One load for a user at a time, however many wait, and 1,024 at once in all; 16 MiB of rights unless set; 64
//! KiB for one user, in 1,024 names of 256 bytes.

mod builder;
mod cache;
#[cfg(feature = "http")]
mod http;
mod memory;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "redis")]
pub mod redis;
mod rights;
mod source;
mod tier;
mod user;

pub use builder::{
    Builder, DEFAULT_BYTES, DEFAULT_DEADLINE, DEFAULT_LIFE, DEFAULT_STALE, DEFAULT_UNKNOWN_LIFE,
};
pub(crate) use cache::Held;
pub use cache::{InvalidateError, PermissionCache, Unavailable};
#[cfg(feature = "http")]
pub use http::{HttpSource, HttpSourceError};
#[cfg(feature = "postgres")]
pub use postgres::{PgSource, PgSourceError};
pub use rights::{Malformed, Rights};
pub use source::{PermissionSource, SourceError};
pub use user::User;

#[cfg(test)]
mod tests;
