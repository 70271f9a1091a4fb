//! Verify as a proxy sees it, in one process: every outcome that docs/ARCHITECTURE.md and the README promise.

mod backing;
mod csrf;
mod gate;
mod log;
mod login;
mod outcomes;
mod properties;
mod session;
mod socket;
