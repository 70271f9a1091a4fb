//! Verify as a proxy sees it, in one process: every row of DESIGN section 4's outcome table.

mod csrf;
mod gate;
mod log;
mod login;
mod outcomes;
mod properties;
mod session;
mod socket;
