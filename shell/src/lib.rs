//! What every Wicketgate program wears: configuration, clock, randomness, telemetry, listeners,
//! shutdown. It authenticates nobody.

pub mod admin;
pub mod byte_set;
#[cfg(feature = "testing")]
pub mod captured;
pub mod check;
pub mod clock;
pub mod config;
pub mod forwarded;
pub mod healthcheck;
pub mod idps;
pub mod listen;
pub mod metrics;
pub mod origin;
pub mod problem;
pub mod random;
pub mod reach;
pub mod reload;
pub mod request_id;
pub mod sampled;
pub mod shutdown;
pub mod telemetry;
pub mod tls;
pub mod traces;
#[cfg(any(test, feature = "testing"))]
pub mod walk;
