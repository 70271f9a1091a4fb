//! Owns: what a token with an unknown key says of itself. Nobody has checked it, so it may decide whether
//! the issuer is asked and whether the sender is blamed, and never that a token is good.

use serde::Deserialize;

use crate::claims::NumericDate;
use crate::json;
use crate::token::{self, Parts};

/// Seconds by which the clock of an issuer may be behind ours.
const SKEW_SECS: u64 = 60;

/// The key that a token asks for.
pub(super) struct Sought {
    pub(super) kid: Option<String>,
    issued_at: Option<u64>,
}

impl Sought {
    pub(super) fn read(compact: &str) -> Self {
        let header = Parts::cut(compact).and_then(|parts| parts.unverified_header());
        let payload = token::payload(compact).unwrap_or_default();
        let issued_at = match json::object::<Claims>(&payload) {
            Ok(claims) => claims.iat.map(|NumericDate(date)| date),
            // No key makes it good.
            Err(_) => Some(0),
        };
        Self { kid: header.ok().and_then(|read| read.header.kid), issued_at }
    }

    /// Whether the token was issued before a set was fetched, so that a set without its key says that
    /// the issuer has no such key: it signs with keys that it has published. The owner of a token whose
    /// key was withdrawn learns from this that another one is needed, however much the issuer is asked
    /// for other keys meanwhile. A good token says when it was issued; one that lies gets the answer
    /// of a new one, and keeps nobody from anything.
    pub(super) fn is_older_than(&self, fetched_at: u64) -> bool {
        self.issued_at.is_some_and(|at| at.saturating_add(SKEW_SECS) < fetched_at)
    }
}

#[derive(Deserialize)]
struct Claims {
    #[serde(default, deserialize_with = "json::present")]
    iat: Option<NumericDate>,
}
