//! Owns: a denylist in this process, bounded, of entries that expire by themselves.

use std::collections::HashMap;
use std::fmt;
use std::sync::{PoisonError, RwLock, RwLockWriteGuard};

use super::{Denylist, TokenName, Verdict};

/// Entries kept unless configured otherwise, of both kinds together.
pub const DEFAULT_CAPACITY: usize = 1 << 20;

/// A list that this process keeps. It is filled by [`deny_token`](Self::deny_token) and
/// [`deny_user`](Self::deny_user).
///
/// A list that is full can no longer tell who is on it, so it answers [`Verdict::Unknown`] for whoever
/// is not, until an entry has expired.
pub struct LocalDenylist {
    capacity: usize,
    lists: RwLock<Lists>,
}

#[derive(Default)]
struct Lists {
    issuers: HashMap<Box<str>, OfIssuer>,
    entries: usize,
    /// An entry was turned away, and would have expired at this time.
    lacking_until: u64,
    /// When expired entries were last cleared away: a full list is walked once a second and no more.
    swept_at: u64,
}

#[derive(Default)]
struct OfIssuer {
    /// Until when each token is denied.
    tokens: HashMap<Box<str>, u64>,
    users: HashMap<Box<str>, DeniedUser>,
}

#[derive(Clone, Copy)]
struct DeniedUser {
    issued_until: u64,
    keep_until: u64,
}

impl LocalDenylist {
    /// An empty list of at most `capacity` entries.
    pub fn new(capacity: usize) -> Self {
        Self { capacity, lists: RwLock::default() }
    }

    /// Denies the token `id` of `issuer` until `until`, its `exp`. Times are in seconds since the epoch.
    pub fn deny_token(&self, issuer: &str, id: &str, until: u64, now: u64) {
        self.enter(issuer, until, now, |of_issuer| {
            let Some(known) = of_issuer.tokens.get_mut(id) else {
                return of_issuer.tokens.insert(id.into(), until).is_none();
            };
            *known = until.max(*known);
            false
        });
    }

    /// Denies every token that `issuer` issued for `subject` up to and in the second `issued_until`.
    /// The entry is kept until `keep_until`, by when all of them have expired.
    pub fn deny_user(
        &self,
        issuer: &str,
        subject: &str,
        issued_until: u64,
        keep_until: u64,
        now: u64,
    ) {
        self.enter(issuer, keep_until, now, |of_issuer| {
            let Some(known) = of_issuer.users.get_mut(subject) else {
                let denied = DeniedUser { issued_until, keep_until };
                return of_issuer.users.insert(subject.into(), denied).is_none();
            };
            known.issued_until = issued_until.max(known.issued_until);
            known.keep_until = keep_until.max(known.keep_until);
            false
        });
    }

    /// How many entries there are, expired ones that nobody has cleared away included.
    pub fn len(&self) -> usize {
        self.lists.read().unwrap_or_else(PoisonError::into_inner).entries
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// `add` says whether it made a new entry.
    fn enter(&self, issuer: &str, until: u64, now: u64, add: impl FnOnce(&mut OfIssuer) -> bool) {
        if until <= now {
            return;
        }
        let mut lists = self.write();
        if lists.entries >= self.capacity && lists.swept_at != now {
            lists.forget_expired(now);
        }
        if lists.entries >= self.capacity {
            lists.lacking_until = until.max(lists.lacking_until);
            return;
        }
        if !lists.issuers.contains_key(issuer) {
            lists.issuers.insert(issuer.into(), OfIssuer::default());
        }
        if lists.issuers.get_mut(issuer).is_some_and(add) {
            lists.entries += 1;
        }
    }

    fn write(&self) -> RwLockWriteGuard<'_, Lists> {
        self.lists.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lists {
    fn forget_expired(&mut self, now: u64) {
        self.swept_at = now;
        self.issuers.retain(|_, of_issuer| {
            of_issuer.tokens.retain(|_, until| *until > now);
            of_issuer.users.retain(|_, user| user.keep_until > now);
            !of_issuer.tokens.is_empty() || !of_issuer.users.is_empty()
        });
        self.entries =
            self.issuers.values().map(|issuer| issuer.tokens.len() + issuer.users.len()).sum();
    }
}

impl OfIssuer {
    fn denies(&self, token: &TokenName<'_>, now: u64) -> bool {
        let denied_id = token.id.and_then(|id| self.tokens.get(id));
        let denied_user = self.users.get(token.subject).filter(|user| user.keep_until > now);
        denied_id.is_some_and(|until| *until > now)
            || denied_user
                .is_some_and(|user| token.issued_at.is_none_or(|iat| iat <= user.issued_until))
    }
}

impl Denylist for LocalDenylist {
    fn verdict(&self, token: &TokenName<'_>, now: u64) -> Verdict {
        let lists = self.lists.read().unwrap_or_else(PoisonError::into_inner);
        if lists.issuers.get(token.issuer).is_some_and(|issuer| issuer.denies(token, now)) {
            Verdict::Denied
        } else if lists.lacking_until > now {
            Verdict::Unknown
        } else {
            Verdict::Clear
        }
    }
}

impl Default for LocalDenylist {
    fn default() -> Self {
        Self::new(DEFAULT_CAPACITY)
    }
}

impl fmt::Debug for LocalDenylist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalDenylist").field("entries", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::LocalDenylist;
    use crate::revocation::{Denylist as _, TokenName, Verdict};
    use crate::testkit::NOW;

    const ALICE: TokenName<'_> =
        TokenName { issuer: "i", id: Some("t"), subject: "alice", issued_at: Some(NOW) };

    fn verdict(list: &LocalDenylist, token: TokenName<'_>) -> Verdict {
        list.verdict(&token, NOW)
    }

    #[test]
    fn t15_a_token_is_denied_by_issuer_and_id_until_it_expires() {
        let list = LocalDenylist::default();
        assert_eq!(verdict(&list, ALICE), Verdict::Clear);
        list.deny_token("i", "t", NOW + 10, NOW);
        assert_eq!(verdict(&list, ALICE), Verdict::Denied);
        assert_eq!(verdict(&list, TokenName { issuer: "j", ..ALICE }), Verdict::Clear);
        assert_eq!(verdict(&list, TokenName { id: Some("u"), ..ALICE }), Verdict::Clear);
        assert_eq!(verdict(&list, TokenName { id: None, ..ALICE }), Verdict::Clear);
        assert_eq!(list.verdict(&ALICE, NOW + 10), Verdict::Clear);
        // A shorter word does not take a longer one back.
        list.deny_token("i", "t", NOW + 5, NOW);
        assert_eq!(list.verdict(&ALICE, NOW + 9), Verdict::Denied);
        assert_eq!(list.len(), 1);
    }

    #[test]
    fn t15_a_user_is_denied_what_was_issued_before() {
        let list = LocalDenylist::default();
        list.deny_user("i", "alice", NOW, NOW + 60, NOW);
        assert_eq!(verdict(&list, ALICE), Verdict::Denied);
        assert_eq!(verdict(&list, TokenName { issued_at: None, ..ALICE }), Verdict::Denied);
        assert_eq!(verdict(&list, TokenName { issued_at: Some(NOW + 1), ..ALICE }), Verdict::Clear);
        assert_eq!(verdict(&list, TokenName { subject: "bob", ..ALICE }), Verdict::Clear);
        assert_eq!(list.verdict(&ALICE, NOW + 60), Verdict::Clear);
        list.deny_user("i", "alice", NOW - 9, NOW + 10, NOW);
        assert_eq!(list.verdict(&ALICE, NOW + 59), Verdict::Denied);
    }

    #[test]
    fn a_full_list_does_not_vouch_for_anybody() {
        let list = LocalDenylist::new(2);
        list.deny_token("i", "a", NOW + 10, NOW);
        list.deny_token("i", "b", NOW + 20, NOW);
        assert_eq!(verdict(&list, ALICE), Verdict::Clear);
        list.deny_token("i", "t", NOW + 30, NOW);
        assert_eq!(verdict(&list, ALICE), Verdict::Unknown);
        assert_eq!(verdict(&list, TokenName { id: Some("a"), ..ALICE }), Verdict::Denied);
        // The first has expired, so that there is room; what was turned away is over at thirty.
        list.deny_token("i", "c", NOW + 40, NOW + 10);
        assert_eq!(list.len(), 2);
        assert_eq!(list.verdict(&ALICE, NOW + 29), Verdict::Unknown);
        assert_eq!(list.verdict(&ALICE, NOW + 30), Verdict::Clear);
    }

    #[test]
    fn what_is_over_is_not_entered() {
        let list = LocalDenylist::default();
        list.deny_token("i", "t", NOW, NOW);
        list.deny_user("i", "alice", NOW, NOW, NOW);
        assert!(list.is_empty());
    }
}
