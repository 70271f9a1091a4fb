//! Owns: a fresher or stronger login that a service asks for (RFC 9470), and the address that begins it.

mod recent;

use serde::{Deserialize, Serialize};
use session::header_text;
use url::form_urlencoded::Serializer;

pub(crate) use recent::{MOST, Recent};

/// Longer than any list of authentication classes.
const MAX_ACR: usize = 320;

/// Seconds within which a login counts as made just now: another one would not be fresher.
const JUST_NOW: u64 = 30;

/// What is asked for: one of them at least.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Wire")]
pub struct StepUp {
    /// Authentication classes, separated by blanks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acr_values: Option<String>,
    /// How many seconds ago the login may have been.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u64>,
}

#[derive(Deserialize)]
struct Wire {
    acr_values: Option<String>,
    max_age: Option<u64>,
}

impl TryFrom<Wire> for StepUp {
    type Error = &'static str;

    fn try_from(wire: Wire) -> Result<Self, Self::Error> {
        let asked = Self::checked(wire.acr_values.as_deref(), wire.max_age);
        asked.ok_or("asks for nothing that a login could bring")
    }
}

impl StepUp {
    /// What a challenge says; `None` if it asks for nothing that a login could bring.
    pub(crate) fn new(acr_values: Option<&str>, max_age: Option<&str>) -> Option<Self> {
        Self::checked(acr_values, max_age.and_then(|seconds| seconds.parse().ok()))
    }

    fn checked(acr_values: Option<&str>, max_age: Option<u64>) -> Option<Self> {
        let plain = |text: &&str| {
            (1..=MAX_ACR).contains(&text.len()) && text.chars().all(|one| !one.is_control())
        };
        let acr_values = acr_values.filter(plain).map(str::to_owned);
        (acr_values.is_some() || max_age.is_some()).then_some(Self { acr_values, max_age })
    }

    /// Whether a login of `auth_time`, by `acr` as the edge view has it, is what is asked for: another one would
    /// not help, and whoever sent the user to one would do so for ever.
    pub(crate) fn is_met(&self, auth_time: u64, acr: &[u8], now: u64) -> bool {
        let age = now.saturating_sub(auth_time);
        let fresh = self.max_age.is_none_or(|most| age <= most.max(JUST_NOW));
        let strong = self.acr_values.as_ref().is_none_or(|values| {
            header_text::decode(acr).is_some_and(|acr| {
                values.split(' ').any(|value| !value.is_empty() && *value == *acr)
            })
        });
        fresh && strong
    }

    /// Where the login begins, at the provider `idp`. The page adds its own `return_to`.
    pub(crate) fn login_url(&self, idp: Option<&str>) -> String {
        let mut query = Serializer::new(String::new());
        if let Some(idp) = idp {
            query.append_pair("idp", idp);
        }
        if let Some(values) = &self.acr_values {
            query.append_pair("acr_values", values);
        }
        if let Some(seconds) = self.max_age {
            query.append_pair("max_age", &seconds.to_string());
        }
        format!("/auth/login?{}", query.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c70_a_login_that_was_made_just_now_is_fresh_enough_for_max_age_0() {
        let asked = |acr: Option<&str>, age: Option<&str>| StepUp::new(acr, age).unwrap();
        assert!(asked(None, Some("0")).is_met(1_000, b"", 1_030));
        assert!(!asked(None, Some("0")).is_met(1_000, b"", 1_031));
        assert!(asked(Some("gold silver"), None).is_met(0, b"silver", 1_000));
        assert!(!asked(Some("gold silver"), None).is_met(0, b"gold silver", 1_000));
        assert!(!asked(Some("gold"), Some("60")).is_met(1_000, b"", 1_001));
        assert_eq!(StepUp::new(None, None), None);
        assert_eq!(StepUp::new(Some("a\nb"), Some("soon")), None);
    }
}
