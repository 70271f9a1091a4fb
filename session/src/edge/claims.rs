//! Owns: the claims part of an edge view: what services may be told of a user besides who it is.
//!
//! ```text
//! for each claim: name length u8 | name | value length u16 | value
//! ```
//! Values are header text. Nobody reads it who is not asked for a claim.

use bytes::{BufMut as _, Bytes};

use crate::wire::{FieldTooLong, put_field};

/// The name that the user has at the IdP.
pub const USERNAME: &str = "preferred_username";
/// The user's e-mail address, verified or not.
pub const EMAIL: &str = "email";
/// `true` where the IdP says that the address is the user's, else absent.
pub const EMAIL_VERIFIED: &str = "email_verified";
/// The user's full name.
pub const NAME: &str = "name";

/// What [`EMAIL_VERIFIED`] holds.
pub const YES: &str = "true";

/// [`EMAIL`] to whoever asks for it by this name, be it verified or not.
pub const UNVERIFIED_EMAIL: &str = "unverified_email";

/// Names that are known without being listed: of these claims, and of other parts of an edge view.
pub const RESERVED: [&str; 15] = [
    USERNAME,
    EMAIL,
    EMAIL_VERIFIED,
    NAME,
    UNVERIFIED_EMAIL,
    "user_id",
    "session_id",
    "auth_time",
    "tenant_id",
    "tenant_slug",
    "issuer",
    "roles",
    "groups",
    "scopes",
    "acr",
];

/// The part that holds `claims`, names with header text.
///
/// # Errors
/// [`FieldTooLong`] if a name exceeds 255 bytes, or a value 65,535.
pub fn encode<'a>(
    claims: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<Bytes, FieldTooLong> {
    let mut out = Vec::new();
    for (name, value) in claims {
        out.put_u8(u8::try_from(name.len()).map_err(|_| FieldTooLong)?);
        out.put_slice(name.as_bytes());
        put_field(&mut out, value.as_bytes())?;
    }
    Ok(out.into())
}

/// The value of the claim called `name`; `None` where there is none.
pub fn find<'a>(part: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let mut rest = part;
    loop {
        let (length, after) = rest.split_first()?;
        let (found, after) = after.split_at_checked(usize::from(*length))?;
        let (length, after) = after.split_first_chunk()?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (value, after) = after.split_at_checked(length)?;
        if found == name.as_bytes() {
            return Some(value);
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_claim_is_found_and_no_other(
            claims in proptest::collection::btree_map("[a-z._]{1,12}", "[ -~]{0,40}", 0..8),
            other in "[A-Z]{1,12}",
        ) {
            let pairs = claims.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            let part = encode(pairs).unwrap();
            for (name, value) in &claims {
                prop_assert_eq!(find(&part, name), Some(value.as_bytes()));
            }
            prop_assert_eq!(find(&part, &other), None);
        }

        /// Reached only behind a good MAC, but a bug in a writer must not become a panic here.
        #[test]
        fn any_bytes_are_looked_through(part in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _any_answer = find(&part, "email");
        }
    }

    #[test]
    fn what_is_too_long_is_refused() {
        let long = "x".repeat(70_000);
        assert!(encode([(long.as_str(), "")]).is_err());
        assert!(encode([("a", long.as_str())]).is_err());
    }
}
