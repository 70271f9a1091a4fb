//! Owns: how our own programs find one denied token: by a key of its own, in one round trip, as it stands at
//! that moment.
//!
//! Services follow the whole list instead (docs/ADMIN.md). The keys that it gives them are one for a token's
//! id, or a user's, whoever the issuer is; these tell issuers apart.

use std::time::Duration;

use bytes::Bytes;

use crate::shelf::Shelf;
use crate::store::{StoreError, hashed};

/// For how long an entry stands beyond the end of its tokens, which are taken for a while after that by
/// whoever allows clocks to differ.
const LEEWAY: Duration = Duration::from_secs(600);

/// Begins the names of all entries.
const OF_ISSUER: &str = "iss:";

/// The name of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DeniedKey(String);

impl DeniedKey {
    /// The token `jti` of `issuer`.
    pub fn token(issuer: &str, jti: &str) -> Self {
        Self(format!("{OF_ISSUER}{}", hashed(&["jti", issuer, jti])))
    }

    /// What `issuer` gave to a user.
    pub fn user(issuer: &str, user_id: &str) -> Self {
        Self(format!("{OF_ISSUER}{}", hashed(&["user", issuer, user_id])))
    }

    /// The name, without what all of the list begins with.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a token by this id would stand where these entries do.
    pub fn is_taken_by(jti: &str) -> bool {
        jti.starts_with(OF_ISSUER)
    }
}

/// What is denied under a [`DeniedKey`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// The token.
    Token,
    /// What was issued to the user up to and in this second of the epoch.
    IssuedUntil(u64),
}

/// A token that somebody shows.
#[derive(Debug, Clone, Copy)]
pub struct ShownToken<'a> {
    /// Who issued it.
    pub issuer: &'a str,
    /// `jti`, if it has one.
    pub id: Option<&'a str>,
    /// Whom it speaks for: `sub`, and the claim that user ids are taken from. An empty one is nobody.
    pub users: [&'a str; 2],
    /// `iat`, if it has one. A token without is as old as any.
    pub issued_at: Option<u64>,
}

/// Enters `denied`, whose tokens are over in `keep`.
///
/// # Errors
/// [`StoreError`]; it can be repeated.
pub async fn deny<S: Shelf>(
    store: &S,
    key: &DeniedKey,
    denied: Denied,
    keep: Duration,
) -> Result<(), StoreError> {
    let text = match denied {
        Denied::Token => Bytes::new(),
        Denied::IssuedUntil(second) => second.to_string().into(),
    };
    store.put_denial(key, text, keep.saturating_add(LEEWAY)).await
}

/// Whether `token` is denied now, by itself or with all of its user.
///
/// # Errors
/// [`StoreError`] where the store does not say, or says what cannot be read: nobody knows then.
///
/// # Cancel safety
/// Dropping it changes nothing.
pub async fn is_denied<S: Shelf>(store: &S, token: &ShownToken<'_>) -> Result<bool, StoreError> {
    let ShownToken { issuer, id, users: [subject, user], issued_at } = *token;
    let by_id = id.map(|id| DeniedKey::token(issuer, id));
    let by_subject = (!subject.is_empty()).then(|| DeniedKey::user(issuer, subject));
    let by_user = (!user.is_empty() && user != subject).then(|| DeniedKey::user(issuer, user));
    let (id, subject, user) = tokio::try_join!(
        entry(store, by_id.as_ref()),
        entry(store, by_subject.as_ref()),
        entry(store, by_user.as_ref()),
    )?;
    let denied_to = |until: Option<Bytes>| match until {
        None => Ok(false),
        Some(text) => second(&text).map(|until| issued_at.is_none_or(|iat| iat <= until)),
    };
    Ok(id.is_some() || denied_to(subject)? || denied_to(user)?)
}

async fn entry<S: Shelf>(store: &S, key: Option<&DeniedKey>) -> Result<Option<Bytes>, StoreError> {
    match key {
        Some(key) => store.denial(key).await,
        None => Ok(None),
    }
}

fn second(text: &[u8]) -> Result<u64, StoreError> {
    let second = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
    second.ok_or_else(|| StoreError::Refused("denial".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::MemoryStore;

    const MINUTE: Duration = Duration::from_secs(60);
    const TOKEN: ShownToken<'_> =
        ShownToken { issuer: "i", id: Some("t"), users: ["sub", "alice"], issued_at: Some(9) };

    #[tokio::test]
    async fn t15_an_entry_denies_its_issuers_token_or_user_and_no_other() {
        let store = MemoryStore::new();
        deny(&store, &DeniedKey::token("i", "t"), Denied::Token, MINUTE).await.unwrap();
        let denied = async |token| is_denied(&store, &token).await.unwrap();
        assert!(denied(TOKEN).await);
        for other in [
            ShownToken { issuer: "j", ..TOKEN },
            ShownToken { id: Some("u"), ..TOKEN },
            ShownToken { id: None, ..TOKEN },
        ] {
            assert!(!denied(other).await, "{other:?}");
        }
        deny(&store, &DeniedKey::user("j", "alice"), Denied::IssuedUntil(9), MINUTE).await.unwrap();
        let of_j = ShownToken { issuer: "j", ..TOKEN };
        for (token, is_denied) in [
            (of_j, true),
            (ShownToken { users: ["alice", ""], ..of_j }, true),
            (ShownToken { users: ["alice", "alice"], ..of_j }, true),
            (ShownToken { issued_at: None, ..of_j }, true),
            (ShownToken { issued_at: Some(10), ..of_j }, false),
            (ShownToken { users: ["bob", ""], ..of_j }, false),
            (ShownToken { issuer: "k", ..of_j }, false),
        ] {
            assert_eq!(denied(token).await, is_denied, "{token:?}");
        }
    }

    #[tokio::test]
    async fn t19_an_entry_that_cannot_be_read_lets_nobody_in_and_accuses_nobody() {
        let store = MemoryStore::new();
        let key = DeniedKey::user("i", "alice");
        store.put_denial(&key, "soon".into(), MINUTE).await.unwrap();
        assert_eq!(is_denied(&store, &TOKEN).await, Err(StoreError::Refused("denial".to_owned())));
    }

    #[test]
    fn t10_names_of_tokens_users_and_issuers_never_collide() {
        let names = [
            DeniedKey::token("a", "bc"),
            DeniedKey::token("ab", "c"),
            DeniedKey::user("a", "bc"),
            DeniedKey::user("ab", "c"),
        ];
        let distinct: std::collections::HashSet<_> = names.iter().collect();
        assert_eq!(distinct.len(), names.len());
        assert!(names.iter().all(|name| DeniedKey::is_taken_by(name.as_str())));
    }
}
