//! Benchmarks of Wicketgate: the programs that `benches/run` starts, and what they share.
//!
//! Speed is told as a ratio to something built and run beside it in the same alternated rounds:
//! a bare hyper endpoint ([`bare`]), and a *floor*, bare hyper with one pipelined Redis round trip
//! and nothing else.

pub mod bare;
pub mod cpu;
pub mod histogram;
pub mod load;
pub mod request;
pub mod sessions;
