//! Owns: the shapes of the claims this crate reads (RFC 7519 section 4.1, RFC 9068 section 2.2,
//! RFC 7800 section 3). A claim that is there with the wrong type makes the token malformed; it is
//! never taken for an absent one.

use std::fmt;

use serde::de::{Error, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::json;

/// 9999-12-31T23:59:59Z. A later date is a mistake, and sums with it must not overflow.
const LAST_DATE: u64 = 253_402_300_799;

/// The claims of an access token that decide whether it is accepted.
#[derive(Debug, Deserialize)]
pub(crate) struct AccessClaims {
    pub(crate) iss: String,
    #[serde(default, deserialize_with = "json::present")]
    pub(crate) sub: Option<String>,
    #[serde(default, deserialize_with = "json::present")]
    pub(crate) aud: Option<OneOrMany>,
    #[serde(default, deserialize_with = "json::present")]
    pub(crate) exp: Option<NumericDate>,
    #[serde(default, deserialize_with = "json::present")]
    pub(crate) nbf: Option<NumericDate>,
    #[serde(default, deserialize_with = "json::present")]
    pub(crate) iat: Option<NumericDate>,
    #[serde(default, deserialize_with = "json::present")]
    pub(crate) jti: Option<String>,
    #[serde(default, deserialize_with = "json::present")]
    pub(crate) client_id: Option<String>,
    #[serde(default, deserialize_with = "json::present")]
    pub(crate) azp: Option<String>,
    #[serde(default, deserialize_with = "json::present")]
    pub(crate) scope: Option<String>,
    #[serde(default, deserialize_with = "json::present")]
    pub(crate) scp: Option<OneOrMany>,
    #[serde(default, deserialize_with = "json::present")]
    pub(crate) cnf: Option<Confirmation>,
    #[serde(default, deserialize_with = "json::present")]
    pub(crate) typ: Option<String>,
    #[serde(default, deserialize_with = "json::present")]
    pub(crate) token_use: Option<String>,
    #[serde(default, deserialize_with = "json::present")]
    pub(crate) auth_time: Option<NumericDate>,
    #[serde(default, deserialize_with = "json::present")]
    pub(crate) acr: Option<String>,
    #[serde(default, deserialize_with = "json::present")]
    pub(crate) roles: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "json::present")]
    pub(crate) nonce: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "json::present")]
    pub(crate) at_hash: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "json::present")]
    pub(crate) c_hash: Option<IgnoredAny>,
}

impl AccessClaims {
    /// `scope` where there is one, else `scp`.
    pub(crate) fn scopes(&self) -> Vec<String> {
        match (&self.scope, &self.scp) {
            (Some(scope), _) => words(scope),
            (None, Some(scp)) => scp.iter().flat_map(words).collect(),
            (None, None) => Vec::new(),
        }
    }
}

/// The words of a text that spaces divide.
pub(crate) fn words(text: &str) -> Vec<String> {
    text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// What a token is bound to (RFC 7800 section 3.1).
#[derive(Debug, Deserialize)]
pub(crate) struct Confirmation {
    /// Thumbprint of a DPoP key (RFC 9449 section 6.1).
    #[serde(default, deserialize_with = "json::present")]
    pub(crate) jkt: Option<String>,
    /// Thumbprint of a certificate (RFC 8705 section 3.1).
    #[serde(default, rename = "x5t#S256", deserialize_with = "json::present")]
    pub(crate) x5t: Option<String>,
    /// Kinds of binding that this crate cannot check.
    #[serde(flatten)]
    pub(crate) other: serde_json::Map<String, Value>,
}

/// Seconds since the epoch; written as an integer or with a fraction, which is cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct NumericDate(pub(crate) u64);

impl<'de> Deserialize<'de> for NumericDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DateVisitor)
    }
}

struct DateVisitor;

impl Visitor<'_> for DateVisitor {
    type Value = NumericDate;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("seconds since the epoch")
    }

    fn visit_u64<E: Error>(self, seconds: u64) -> Result<NumericDate, E> {
        if seconds > LAST_DATE {
            return Err(E::custom("the date is out of range"));
        }
        Ok(NumericDate(seconds))
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "the range is checked, and every whole number in it is exact in both types"
    )]
    fn visit_f64<E: Error>(self, seconds: f64) -> Result<NumericDate, E> {
        if !(0.0..=LAST_DATE as f64).contains(&seconds) {
            return Err(E::custom("the date is out of range"));
        }
        Ok(NumericDate(seconds as u64))
    }
}

/// A string, or an array of strings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OneOrMany(Vec<String>);

impl OneOrMany {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrManyVisitor)
    }
}

struct OneOrManyVisitor;

impl<'de> Visitor<'de> for OneOrManyVisitor {
    type Value = OneOrMany;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or an array of strings")
    }

    fn visit_str<E: Error>(self, one: &str) -> Result<OneOrMany, E> {
        Ok(OneOrMany(vec![one.to_owned()]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<OneOrMany, A::Error> {
        let mut many = Vec::new();
        while let Some(one) = seq.next_element()? {
            many.push(one);
        }
        Ok(OneOrMany(many))
    }
}

/// The strings at `path` in `claims`: one string, or the strings of an array.
///
/// A path divides at dots, but a claim whose name holds dots (`https://example.com/roles`) is found by
/// that name first.
pub(crate) fn strings_at(claims: &Value, path: &str) -> Vec<String> {
    match at(claims, path) {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(many)) => {
            many.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}

fn at<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    let members = value.as_object()?;
    members.get(path).or_else(|| {
        path.match_indices('.').find_map(|(dot, _)| {
            let (name, rest) = path.split_at_checked(dot)?;
            at(members.get(name)?, rest.strip_prefix('.')?)
        })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{AccessClaims, LAST_DATE, NumericDate, OneOrMany, strings_at};

    #[test]
    fn a_date_is_a_number_in_range_and_nothing_else() {
        let read = |text: &str| serde_json::from_str::<NumericDate>(text).ok();
        assert_eq!(read("0"), Some(NumericDate(0)));
        assert_eq!(read("1700000000"), Some(NumericDate(1_700_000_000)));
        assert_eq!(read("1700000000.9"), Some(NumericDate(1_700_000_000)));
        assert_eq!(read("1.7e9"), Some(NumericDate(1_700_000_000)));
        assert_eq!(read(&LAST_DATE.to_string()), Some(NumericDate(LAST_DATE)));
        for text in [
            "-1",
            "-0.5",
            "1e300",
            "253402300800",
            "9223372036854775808",
            "18446744073709551616",
            "\"1700000000\"",
            "null",
            "true",
            "[1]",
            "{}",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn an_audience_is_a_string_or_strings() {
        let read = |text: &str| serde_json::from_str::<OneOrMany>(text).ok();
        assert_eq!(read("\"a\""), Some(OneOrMany(vec!["a".to_owned()])));
        assert_eq!(read("[\"a\",\"b\"]").unwrap().iter().count(), 2);
        for text in ["null", "1", "[1]", "[\"a\",null]", "[[\"a\"]]", "{\"a\":1}"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn scope_is_read_before_scp() {
        let scopes = |claims: serde_json::Value| {
            serde_json::from_value::<AccessClaims>(claims).unwrap().scopes()
        };
        assert_eq!(scopes(json!({"iss": "i", "scope": "a  b ", "scp": "c"})), ["a", "b"]);
        assert_eq!(scopes(json!({"iss": "i", "scp": "a b"})), ["a", "b"]);
        assert_eq!(scopes(json!({"iss": "i", "scp": ["a", "b"]})), ["a", "b"]);
        assert!(scopes(json!({"iss": "i"})).is_empty());
    }

    #[test]
    fn a_null_claim_is_of_the_wrong_type() {
        for claim in ["sub", "aud", "exp", "nbf", "iat", "jti", "scope", "scp", "cnf", "typ"] {
            let claims = json!({"iss": "i", claim: null});
            assert!(serde_json::from_value::<AccessClaims>(claims).is_err(), "{claim}");
        }
    }

    #[test]
    fn roles_are_found_by_name_or_by_path() {
        let claims = json!({
            "realm_access": {"roles": ["a", 1, "b"]},
            "resource_access": {"api.example.com": {"roles": ["c"]}},
            "https://example.com/roles": "d",
        });
        assert_eq!(strings_at(&claims, "realm_access.roles"), ["a", "b"]);
        assert_eq!(strings_at(&claims, "resource_access.api.example.com.roles"), ["c"]);
        assert_eq!(strings_at(&claims, "https://example.com/roles"), ["d"]);
        for path in ["", ".", "realm_access", "realm_access.", "realm_access.roles.0", "none.x"] {
            assert!(strings_at(&claims, path).is_empty(), "{path}");
        }
    }
}
