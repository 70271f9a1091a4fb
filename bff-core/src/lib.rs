//! The thin Backend-for-Frontend: OIDC login, sessions, token refresh, logout, API proxy.
//!
//! The only part that talks to the identity provider, and the only writer of tokens. A request
//! passes [`server`], [`front`], one file of `routes` (or [`proxy`]), and what those call; nothing calls back
//! up. `docs/ARCHITECTURE.md` walks through the journeys.

pub mod active_sessions;
pub mod admin;
pub mod app;
pub mod audit;
pub mod bearer;
pub mod caller;
pub mod config;
mod context_token;
pub mod cookies;
pub mod cors;
pub mod csrf;
pub mod durable;
pub mod error;
mod exchanges;
pub mod explain;
pub mod front;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod hardening;
pub mod health;
pub mod http_client;
pub mod import;
mod insisted;
mod json;
pub mod limits;
pub mod live;
pub mod login_state;
pub mod look;
pub mod loops;
pub mod metrics;
pub mod news;
pub mod oidc;
mod own_paths;
mod pages;
pub mod probe;
pub mod providers;
pub mod proxy;
pub mod refresh;
pub mod reload;
pub mod return_to;
mod routes;
mod same_site;
pub mod server;
pub mod sessions;
pub mod single_flight;
pub mod startup;
pub mod step_up;
mod store_nonces;
pub mod streams;
pub mod tenants;
mod traces;
mod unread;
pub mod user_context;
mod whole;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
