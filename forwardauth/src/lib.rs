//! ForwardAuth: the sidecar that a reverse proxy asks about every request.
//!
//! One request travels downwards through these rooms, and each returns a value to `service`:
//!
//! 1. `request`: the original request, from forwarding headers of trusted proxies alone.
//! 2. `policy`: what the address of the middleware asks of a session.
//! 3. `session::cookie`, `csrf`: what can be refused without asking the store.
//! 4. `session::store`: one command, one round trip.
//! 5. `decide`: the pure decision, with `session::binding` and `session::flags`; the only way to a
//!    2xx.
//! 6. `reply`: the only place that makes responses, with `navigation` and `login`.
//! 7. `background`: what is written afterwards (`slide`, ended sessions), and `bff`: what the BFF is told
//!    or, where its token is handed on, asked.
//!
//! `server` runs it as a program; another program may compose [`Verify`] over its own store.

mod background;
mod bearer;
mod bff;
mod cache_metrics;
mod clients;
pub mod config;
mod context_token;
mod csrf;
mod decide;
pub mod doctor;
mod ending;
pub mod explain;
mod fields;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod health;
mod identity;
pub mod login;
pub mod look;
mod metrics;
mod navigation;
mod policy;
mod read;
mod refusal;
mod reply;
mod request;
mod scratch;
pub mod server;
mod service;
mod slide;
mod tenants;
mod traces;

#[cfg(test)]
mod tests;

pub use metrics::METRICS;
pub use service::Verify;
