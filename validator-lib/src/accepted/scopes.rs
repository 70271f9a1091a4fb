//! Owns: the scopes of a token, as they were written (RFC 8693 section 4.2, RFC 9068 section 2.2.3). To ask
//! for one of them nothing has to be cut into words first.

use serde_json::Value;

use crate::claims::{AccessClaims, strings_at};
use crate::json;

pub(super) enum Granted {
    /// Words that spaces divide.
    Words(String),
    List(Vec<String>),
}

impl Granted {
    /// `scope` where there is one, else `scp`.
    pub(super) fn by(claims: &AccessClaims<'_>) -> Self {
        match (&claims.scope, &claims.scp) {
            (Some(scope), _) => Self::Words(scope.as_str().to_owned()),
            (None, Some(scp)) => {
                Self::List(scp.iter().flat_map(words).map(str::to_owned).collect())
            }
            (None, None) => Self::List(Vec::new()),
        }
    }

    /// What stands at the claims of these names.
    pub(super) fn at(names: &[String], payload: &[u8]) -> Self {
        let claims: Value = json::object(payload).unwrap_or_default();
        let texts: Vec<String> = names.iter().flat_map(|name| strings_at(&claims, name)).collect();
        Self::List(texts.iter().flat_map(|text| words(text)).map(str::to_owned).collect())
    }

    pub(super) fn has(&self, scope: &str) -> bool {
        match self {
            Self::Words(text) => words(text).any(|word| word == scope),
            Self::List(all) => all.iter().any(|word| word == scope),
        }
    }

    pub(super) fn list(&self) -> Vec<String> {
        match self {
            Self::Words(text) => words(text).map(str::to_owned).collect(),
            Self::List(all) => all.clone(),
        }
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(' ').filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Granted;
    use crate::claims::AccessClaims;

    fn scopes(claims: &Value) -> Vec<String> {
        let text = claims.to_string();
        Granted::by(&serde_json::from_str::<AccessClaims<'_>>(&text).unwrap()).list()
    }

    #[test]
    fn scope_is_read_before_scp() {
        let with =
            |scope: Value, scp: Value| scopes(&json!({"iss": "i", "scope": scope, "scp": scp}));
        assert_eq!(with(json!("a  b "), json!("c")), ["a", "b"]);
        assert_eq!(scopes(&json!({"iss": "i", "scp": "a b"})), ["a", "b"]);
        assert_eq!(scopes(&json!({"iss": "i", "scp": ["a", "b"]})), ["a", "b"]);
        assert!(scopes(&json!({"iss": "i"})).is_empty());
    }

    #[test]
    fn t12_a_scope_is_a_whole_word() {
        let granted = Granted::Words(" a  bc d".to_owned());
        assert!(["a", "bc", "d"].iter().all(|word| granted.has(word)));
        assert!(!["", " ", "b", "c", "a bc", "A", "bc "].iter().any(|word| granted.has(word)));
    }
}
