//! Owns: tags by the session keys: what a server can tell to be its own without having kept it.

use ring::hmac;
use subtle::ConstantTimeEq as _;

use super::{Ready, SessionKeys};
use crate::keys::Key;

/// What a tag vouches for. Tags of one purpose are worthless for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The CSRF header of a session.
    Csrf,
    /// The `lt` of a session's logout link.
    Logout,
    /// The `state` of a login.
    LoginState,
    /// The names that rate limits are counted under.
    RateLimit,
}

impl Purpose {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::Csrf => b"wicketgate csrf v1",
            Self::Logout => b"wicketgate logout v1",
            Self::LoginState => b"wicketgate login state v1",
            Self::RateLimit => b"wicketgate rate limit v1",
        }
    }
}

/// One key's keys for tags.
pub(super) struct TagKeys {
    csrf: hmac::Key,
    logout: hmac::Key,
    login_state: hmac::Key,
    rate_limit: hmac::Key,
}

impl TagKeys {
    pub(super) fn of(key: &Key) -> Self {
        Self {
            csrf: tag_key(key, Purpose::Csrf),
            logout: tag_key(key, Purpose::Logout),
            login_state: tag_key(key, Purpose::LoginState),
            rate_limit: tag_key(key, Purpose::RateLimit),
        }
    }

    const fn of_purpose(&self, purpose: Purpose) -> &hmac::Key {
        match purpose {
            Purpose::Csrf => &self.csrf,
            Purpose::Logout => &self.logout,
            Purpose::LoginState => &self.login_state,
            Purpose::RateLimit => &self.rate_limit,
        }
    }
}

impl SessionKeys {
    /// A tag over `message` under the newest key.
    pub fn tag(&self, purpose: Purpose, message: &[u8]) -> [u8; 32] {
        let mut out = [0; 32];
        let ready = self.0.ready.load();
        let writer = ready.writer.of_purpose(purpose);
        out.copy_from_slice(hmac::sign(writer, message).as_ref());
        out
    }

    /// Whether `tag` was made by [`Self::tag`] under any of the keys, in constant time for each.
    pub fn tag_is_ours(&self, purpose: Purpose, message: &[u8], tag: &[u8]) -> bool {
        let ready = self.0.ready.load();
        ready.tag_keys(purpose).any(|key| hmac::verify(key, message, tag).is_ok())
    }

    /// As [`Self::tag_is_ours`], for a tag cut to its first `N` bytes, at least 16.
    pub fn short_tag_is_ours<const N: usize>(
        &self,
        purpose: Purpose,
        message: &[u8],
        tag: &[u8],
    ) -> bool {
        const { assert!(N >= 16, "a tag of fewer bytes can be guessed") };
        let ready = self.0.ready.load();
        ready.tag_keys(purpose).any(|key| {
            let whole = hmac::sign(key, message);
            whole.as_ref().get(..N).is_some_and(|short| bool::from(short.ct_eq(tag)))
        })
    }
}

impl Ready {
    fn tag_keys(&self, purpose: Purpose) -> impl Iterator<Item = &hmac::Key> {
        let all = std::iter::once(&self.writer).chain(&self.older);
        all.map(move |keys| keys.of_purpose(purpose))
    }
}

fn tag_key(key: &Key, purpose: Purpose) -> hmac::Key {
    let root = hmac::Key::new(hmac::HMAC_SHA256, key.expose());
    hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&root, purpose.label()).as_ref())
}
