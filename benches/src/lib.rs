//! Benchmarks of Wicketgate: the program `bench`, and the programs that verify is measured against.
//!
//! Speed is told as a ratio to something built and run beside it in the same alternated rounds:
//! a bare hyper endpoint ([`bare`]), and a floor ([`floor`]), bare hyper with one pipelined Redis
//! round trip and nothing else.

pub mod bare;
pub mod baselines;
pub mod bench;
pub mod cpu;
pub mod floor;
pub mod growth;
pub mod histogram;
pub mod instructions;
pub mod load;
pub mod machine;
pub mod outage;
pub mod pass;
pub mod place;
pub mod process;
pub mod programs;
pub mod proxy;
pub mod report;
pub mod request;
pub mod resp;
pub mod revocation;
mod rounds;
pub mod sessions;
pub mod start;
pub mod statistics;
pub mod traefik;
pub mod validator;
pub mod verify;
