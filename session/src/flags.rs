//! Owns: master flags: what administrators set on a user, over any role.

use serde::Deserialize;

use crate::shelf::Shelf;
use crate::store::{IndexKey, StoreError};

/// What the flags of a user say about coming in at all. Other flags are for services to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nothing against it.
    Good,
    /// Locked out for now.
    Suspended,
    /// Locked out for good.
    Banned,
    /// Nobody knows, so nobody comes in.
    Unreadable,
}

#[derive(Deserialize)]
struct Flags {
    #[serde(default)]
    suspended: bool,
    #[serde(default)]
    banned: bool,
}

impl Standing {
    /// Reads the JSON object of an edge view; empty means no flag.
    pub fn of(master_flags: &[u8]) -> Self {
        if matches!(master_flags, b"" | b"{}") {
            return Self::Good;
        }
        // serde takes a JSON array for a struct as well.
        if !master_flags.starts_with(b"{") {
            return Self::Unreadable;
        }
        match serde_json::from_slice(master_flags) {
            Ok(Flags { banned: true, .. }) => Self::Banned,
            Ok(Flags { suspended: true, .. }) => Self::Suspended,
            Ok(_) => Self::Good,
            Err(_) => Self::Unreadable,
        }
    }
}

/// The note that holds the flags of `user`. It is what counts; sessions hold copies.
pub fn note_name(user: &IndexKey) -> String {
    format!("flags:{user}")
}

/// What the note of `user` says now, for who comes without a session.
///
/// # Errors
/// [`StoreError`] if the store is away.
///
/// # Cancel safety
/// Dropping it changes nothing.
pub async fn standing<S: Shelf>(store: &S, user: &IndexKey) -> Result<Standing, StoreError> {
    let note = store.note(&note_name(user)).await?;
    Ok(note.map_or(Standing::Good, |note| Standing::of(&note)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suspended_and_the_banned_stay_outside() {
        for (flags, expected) in [
            ("", Standing::Good),
            ("{}", Standing::Good),
            (r#"{"beta":true,"limits":{"banned":true}}"#, Standing::Good),
            (r#"{"suspended":false,"system_admin":false}"#, Standing::Good),
            (r#"{"suspended":true}"#, Standing::Suspended),
            (r#"{"suspended":true,"banned":true}"#, Standing::Banned),
        ] {
            assert_eq!(Standing::of(flags.as_bytes()), expected, "{flags}");
        }
    }

    #[test]
    fn t08_flags_that_cannot_be_read_let_nobody_in() {
        for flags in [
            "null",
            "[]",
            "[false,false]",
            "true",
            "{",
            r#"{"suspended":"true"}"#,
            r#"{"suspended":1}"#,
            r#"{"banned":true,"banned":false}"#,
            "{} {}",
            "\u{0}",
        ] {
            assert_eq!(Standing::of(flags.as_bytes()), Standing::Unreadable, "{flags}");
        }
    }
}
