//! Verify as a proxy sees it, in one process: every outcome that docs/ARCHITECTURE.md and the README promise.

mod access;
mod backing;
mod bearer;
mod bearer_denied;
mod bearer_reload;
mod context;
mod csrf;
mod gate;
mod log;
mod login;
mod nudge;
mod outcomes;
mod policies;
mod properties;
mod scripted;
mod session;
mod socket;
mod tenants;
mod traces;
