//! Harness of the end-to-end tests: starts the real parts (Redis, Traefik, an OpenID provider,
//! Chromium) and the programs of this workspace on loopback, speaks HTTP to them, and stops them.
//!
//! It knows the product only from outside: its environment variables, listeners, headers and paths.
//! A harness panics with what went wrong; a test that fails shows the ends of the logs of its parts.

pub mod agent;
pub mod balancer;
pub mod browser;
pub mod canary;
pub mod clock;
pub mod cluster;
pub mod collector;
pub mod dice;
pub mod edge;
pub mod gate;
pub mod identity;
pub mod idp;
pub mod jar;
pub mod load;
pub mod orders;
pub mod place;
pub mod ports;
pub mod postgres;
pub mod process;
pub mod program;
pub mod prometheus;
pub mod raw;
pub mod redis;
pub mod resp;
pub mod scratch;
pub mod sentinel;
pub mod service;
pub mod socket;
pub mod stack;
pub mod stream;
pub mod streaming;
pub mod tls;
pub mod traefik;
pub mod verify;
pub mod vitals;
pub mod wait;
pub mod wire;
