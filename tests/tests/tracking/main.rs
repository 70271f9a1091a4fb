//! Verify with `FORWARDAUTH_CACHE=tracking` and a real Redis: what anybody changes there counts at
//! once, and where Redis cannot say so, verify does not guess.
//!
//! Views are kept for a minute here, so that nothing ends by its age. Every promise is asked of both
//! threads, each of which has a cache of its own.

mod away;
mod changes;
mod deployment;
mod rights;
