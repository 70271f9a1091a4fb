//! Owns: the form of an entry of the list, as the BFF writes and publishes it, and what it denies here.

use std::borrow::Cow;

use serde::Deserialize;

use crate::revocation::LocalDenylist;
use crate::validator::MAX_LEEWAY_SECS;

/// The longest entry that is read. A name in it comes out of a token, which is half as long at most.
const MAX_BYTES: usize = 16 * 1024;

/// For how many seconds an entry for a user stands while its end in the index is not known: what the BFF
/// keeps it for at least.
const USER_SECS: u64 = 86_400;

/// Members that this crate does not know are a later version's.
#[derive(Deserialize)]
struct Written<'a> {
    #[serde(borrow)]
    iss: Cow<'a, str>,
    #[serde(borrow)]
    jti: Option<Cow<'a, str>>,
    exp: Option<u64>,
    #[serde(borrow)]
    user_id: Option<Cow<'a, str>>,
    revoked_before: Option<u64>,
}

/// An entry of the list.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry<'a> {
    /// One token, until it expires.
    Token { issuer: Cow<'a, str>, id: Cow<'a, str>, expires_at: u64 },
    /// What a user was issued up to and in a second.
    User { issuer: Cow<'a, str>, id: Cow<'a, str>, issued_until: u64 },
}

impl<'a> Entry<'a> {
    /// `None` for what is no entry.
    pub(super) fn read(json: &'a [u8]) -> Option<Self> {
        if json.len() > MAX_BYTES {
            return None;
        }
        let Written { iss: issuer, jti, exp, user_id, revoked_before } =
            serde_json::from_slice(json).ok()?;
        match (jti, exp, user_id, revoked_before) {
            (Some(id), Some(expires_at), None, None) => {
                Some(Self::Token { issuer, id, expires_at })
            }
            (None, None, Some(id), Some(issued_until)) => {
                Some(Self::User { issuer, id, issued_until })
            }
            _ => None,
        }
    }

    pub(super) const fn is_user(&self) -> bool {
        matches!(self, Self::User { .. })
    }

    /// Enters it. `ends` is its score in the index, where that is known. It stands for the longest leeway
    /// beyond: a validator takes a token for that long after its `exp`.
    pub(super) fn enter(&self, list: &LocalDenylist, ends: Option<u64>, now: u64) {
        match self {
            Self::Token { issuer, id, expires_at } => {
                list.deny_token(issuer, id, expires_at.saturating_add(MAX_LEEWAY_SECS), now);
            }
            Self::User { issuer, id, issued_until } => {
                let ends = ends.unwrap_or_else(|| now.saturating_add(USER_SECS));
                let until = ends.saturating_add(MAX_LEEWAY_SECS);
                list.deny_user(issuer, id, *issued_until, until, now);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Entry, MAX_BYTES};
    use crate::revocation::{Denylist as _, LocalDenylist, TokenName, Verdict};
    use crate::testkit::NOW;
    use crate::validator::MAX_LEEWAY_SECS;

    const ALICE: TokenName<'_> =
        TokenName { issuer: "i", id: Some("t"), subject: "alice", issued_at: Some(NOW) };

    fn entered(json: &str, ends: Option<u64>) -> LocalDenylist {
        let list = LocalDenylist::default();
        Entry::read(json.as_bytes()).unwrap().enter(&list, ends, NOW);
        list
    }

    #[test]
    fn t15_a_token_is_denied_for_as_long_as_a_validator_may_take_it() {
        let list = entered(&format!(r#"{{"iss":"i","jti":"t","exp":{}}}"#, NOW + 10), None);
        let over = NOW + 10 + MAX_LEEWAY_SECS;
        assert_eq!(list.verdict(&ALICE, over - 1), Verdict::Denied);
        assert_eq!(list.verdict(&ALICE, over), Verdict::Clear);
        assert_eq!(list.verdict(&TokenName { issuer: "j", ..ALICE }, NOW), Verdict::Clear);
        // A leeway that has begun already.
        let late = entered(&format!(r#"{{"iss":"i","jti":"t","exp":{}}}"#, NOW - 10), None);
        assert_eq!(late.verdict(&ALICE, NOW), Verdict::Denied);
    }

    #[test]
    fn t15_a_user_is_denied_until_the_end_that_stands_in_the_index() {
        let json = format!(r#"{{"iss":"i","user_id":"alice","revoked_before":{NOW}}}"#);
        let month = NOW + 30 * 86_400;
        let list = entered(&json, Some(month));
        assert_eq!(list.verdict(&ALICE, month), Verdict::Denied);
        assert_eq!(list.verdict(&TokenName { subject: "bob", ..ALICE }, NOW), Verdict::Clear);
        let newer = TokenName { issued_at: Some(NOW + 1), ..ALICE };
        assert_eq!(list.verdict(&newer, NOW), Verdict::Clear);
        // Nobody said until when.
        let list = entered(&json, None);
        assert_eq!(list.verdict(&ALICE, NOW + 86_400), Verdict::Denied);
        assert_eq!(list.verdict(&ALICE, month), Verdict::Clear);
    }

    #[test]
    fn members_of_a_later_version_are_no_reason_to_skip() {
        let read = Entry::read(br#"{"v":2,"iss":"i","jti":"t","exp":9,"why":{"a":[1]}}"#).unwrap();
        assert_eq!(read, Entry::Token { issuer: "i".into(), id: "t".into(), expires_at: 9 });
        let escaped = Entry::read(br#"{"iss":"\u0069","jti":"a\"b","exp":9}"#).unwrap();
        assert_eq!(escaped, Entry::Token { issuer: "i".into(), id: "a\"b".into(), expires_at: 9 });
    }

    #[test]
    fn t17_what_is_no_entry_is_skipped() {
        let long = format!(r#"{{"iss":"{}","jti":"t","exp":9}}"#, "i".repeat(MAX_BYTES));
        for json in [
            "",
            "null",
            "[]",
            "{}",
            r#"{"iss":"i"}"#,
            r#"{"iss":"i","jti":"t"}"#,
            r#"{"jti":"t","exp":9}"#,
            r#"{"iss":"i","jti":"t","exp":-9}"#,
            r#"{"iss":"i","jti":"t","exp":"9"}"#,
            r#"{"iss":"i","jti":1,"exp":9}"#,
            r#"{"iss":"i","jti":"t","exp":9"#,
            r#"{"iss":"i","jti":"t","exp":9}{}"#,
            r#"{"iss":"i","iss":"j","jti":"t","exp":9}"#,
            r#"{"iss":"i","user_id":"u"}"#,
            r#"{"iss":"i","jti":"t","exp":9,"user_id":"u","revoked_before":9}"#,
            &long,
        ] {
            assert_eq!(Entry::read(json.as_bytes()), None, "{json}");
        }
        assert_eq!(Entry::read(b"{\"iss\":\"\xff\",\"jti\":\"t\",\"exp\":9}"), None);
    }

    proptest! {
        #[test]
        fn t17_no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
            drop(Entry::read(&bytes));
        }

        #[test]
        fn t17_no_times_make_the_list_panic(exp: u64, ends: Option<u64>, now: u64) {
            let list = LocalDenylist::default();
            let token = Entry::Token { issuer: "i".into(), id: "t".into(), expires_at: exp };
            token.enter(&list, ends, now);
            let user = Entry::User { issuer: "i".into(), id: "u".into(), issued_until: exp };
            user.enter(&list, ends, now);
        }
    }
}
