//! Owns: `retries` and `breaker` of a service of `routes.yaml`.

use http::StatusCode;
use serde::Deserialize;

use super::super::super::build::What;
use super::super::{Scalar, span};
use crate::proxy::upstream::{BreakerSettings, Failure, Retries};

/// More would hold a browser up longer than it waits.
const MAX_ATTEMPTS: u32 = 5;

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct RetriesFile {
    /// 1 to 5, the first one included; 2 where it is left out.
    #[serde(default)]
    attempts: Option<u32>,
    /// What is tried once more: any of connect, reset, 502, 503, 504; connect where it is left out.
    #[serde(default)]
    on: Option<Vec<RetryOn>>,
    #[serde(default)]
    #[expect(dead_code, reason = "for people")]
    description: Option<String>,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
enum RetryOn {
    Status(u16),
    Name(String),
}

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct BreakerFile {
    /// Failures in the window that open it; 5 where it is left out, 0 is no breaker.
    #[serde(default)]
    failures: Option<u32>,
    /// A duration; 10s where it is left out.
    #[serde(default)]
    window: Option<Scalar>,
    /// How long nobody is let through: a duration, 1s where it is left out.
    #[serde(default)]
    open: Option<Scalar>,
    #[serde(default)]
    #[expect(dead_code, reason = "for people")]
    description: Option<String>,
}

impl RetriesFile {
    pub(super) fn parse(&self) -> Result<Retries, What> {
        let default = Retries::default();
        let attempts = self.attempts.unwrap_or(default.attempts);
        if !(1..=MAX_ATTEMPTS).contains(&attempts) {
            let hint = "Give 1 (no retry) to 5; the first attempt counts.";
            return Err(What::new("has retries.attempts out of range", hint));
        }
        let on = self.on.as_ref().map(|on| on.iter().map(RetryOn::parse).collect()).transpose()?;
        Ok(Retries { attempts, on: on.unwrap_or(default.on) })
    }
}

impl RetryOn {
    fn parse(&self) -> Result<Failure, What> {
        let status = match self {
            Self::Name(name) if name == "connect" => return Ok(Failure::Connect),
            Self::Name(name) if name == "reset" => return Ok(Failure::Reset),
            Self::Name(name) => name.parse().unwrap_or(0),
            Self::Status(status) => *status,
        };
        match status {
            502 => Ok(Failure::Status(StatusCode::BAD_GATEWAY)),
            503 => Ok(Failure::Status(StatusCode::SERVICE_UNAVAILABLE)),
            504 => Ok(Failure::Status(StatusCode::GATEWAY_TIMEOUT)),
            _ => Err(What::new(
                "has retries.on with something that is never tried again",
                "List any of connect, reset, 502, 503, 504.",
            )),
        }
    }
}

impl BreakerFile {
    pub(super) fn parse(&self) -> Result<BreakerSettings, What> {
        let default = BreakerSettings::default();
        Ok(BreakerSettings {
            failures: self.failures.unwrap_or(default.failures),
            window: span("a breaker.window", self.window.as_ref())?.unwrap_or(default.window),
            open: span("a breaker.open", self.open.as_ref())?.unwrap_or(default.open),
        })
    }
}
