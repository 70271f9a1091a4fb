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

    /// Denies the token `id` of `issuer` until `until`: its `exp` and the leeway of the validators that ask,
    /// who take it for that much longer. Times are in seconds since the epoch.
    pub fn deny_token(&self, issuer: &str, id: &str, until: u64, now: u64) {
        let renew = |of_issuer: &mut OfIssuer| {
            let known = of_issuer.tokens.get_mut(id);
            known.map(|known| *known = until.max(*known)).is_some()
        };
        self.enter(issuer, (until, now), renew, |of_issuer| {
            of_issuer.tokens.insert(id.into(), until);
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
        let renew = |of_issuer: &mut OfIssuer| {
            let Some(known) = of_issuer.users.get_mut(subject) else { return false };
            known.issued_until = issued_until.max(known.issued_until);
            known.keep_until = keep_until.max(known.keep_until);
            true
        };
        self.enter(issuer, (keep_until, now), renew, |of_issuer| {
            of_issuer.users.insert(subject.into(), DeniedUser { issued_until, keep_until });
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

    /// `renew` says whether there is an entry. One that is there needs no room.
    fn enter(
        &self,
        issuer: &str,
        (until, now): (u64, u64),
        renew: impl FnOnce(&mut OfIssuer) -> bool,
        add: impl FnOnce(&mut OfIssuer),
    ) {
        if until <= now {
            return;
        }
        let mut lists = self.write();
        if lists.issuers.get_mut(issuer).is_some_and(renew) {
            return;
        }
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
        if let Some(of_issuer) = lists.issuers.get_mut(issuer) {
            add(of_issuer);
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
mod tests;
