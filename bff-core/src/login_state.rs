//! Owns: a login in flight: its `state`, the cookie that binds it to one browser, and what the
//! server keeps meanwhile.
//!
//! The state is an id and a MAC over it and the tenant, so junk, and a login that began at another
//! tenant's host, is refused without asking the store. The secrets are
//! sealed under the server's key *and* the browser's cookie: a callback in another browser opens
//! nothing (bff-checklist 3, class T14). Each login has its own cookie, so ten tabs do not disturb
//! each other. The end of that cookie's name is also what the store calls the login, so that a login
//! whose cookie is taken away can be taken out of the store with it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use session::seal::{Purpose, SealError, SessionKeys};
use shell::random::Random;
use zeroize::Zeroizing;

use crate::loops::Completed;
use crate::oidc::{LoginSecrets, LoginSecretsWire};
use crate::return_to::ReturnTo;

/// Seconds a person may take at the IdP.
pub const LOGIN_SECONDS: u64 = 600;

/// Most login cookies a browser keeps; older ones are taken away (bff-checklist 14).
pub const LOGINS_PER_BROWSER: usize = 12;

const ID_LEN: usize = 16;
const TAG_LEN: usize = 16;
/// 96 of the random bits of the id, and none of the MAC.
const SUFFIX_LEN: usize = 16;

/// The public name of a login: what `state` carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginState(String);

impl LoginState {
    fn fresh(tenant: &str, keys: &SessionKeys, random: &dyn Random) -> Self {
        let id: [u8; ID_LEN] = random.bytes();
        let tag = keys.tag(Purpose::LoginState, &named(&id, tenant));
        let mut token = id.to_vec();
        token.extend(tag.iter().take(TAG_LEN));
        Self(URL_SAFE_NO_PAD.encode(token))
    }

    /// Reads a `state`; `None` unless we made it for a login of `tenant`.
    pub fn parse(text: &str, tenant: &str, keys: &SessionKeys) -> Option<Self> {
        let token = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (id, tag) = token.split_at_checked(ID_LEN)?;
        keys.short_tag_is_ours::<TAG_LEN>(Purpose::LoginState, &named(id, tenant), tag)
            .then(|| Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What tells this login's cookie from those of other tabs, and what the store calls it.
    pub fn suffix(&self) -> &str {
        self.0.get(..SUFFIX_LEN).unwrap_or_default()
    }

    /// Reads the end of a login cookie's name; `None` unless it has the form of a
    /// [`LoginState::suffix`].
    pub fn parse_suffix(bytes: &[u8]) -> Option<&str> {
        let base64url = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let formed = bytes.len() == SUFFIX_LEN && bytes.iter().all(base64url);
        std::str::from_utf8(bytes).ok().filter(|_| formed)
    }
}

/// What the MAC of a state is over. The id has one length, so no id and tenant read as two others (T11).
fn named(id: &[u8], tenant: &str) -> Vec<u8> {
    [id, tenant.as_bytes()].concat()
}

/// What the server keeps of a login while the browser is at the IdP.
#[derive(Debug)]
pub struct PendingLogin {
    /// What the answer of the IdP must fit.
    pub secrets: LoginSecrets,
    /// Where the browser wants to be.
    pub return_to: ReturnTo,
    /// The name of the provider that alone may finish it; `None` for the main one.
    pub provider: Option<String>,
    /// The callbacks that were counted when it began.
    pub completed: Completed,
}

/// A login that is about to begin.
pub struct LoginTicket {
    state: LoginState,
    browser_secret: Zeroizing<String>,
    begun_at: u64,
}

impl std::fmt::Debug for LoginTicket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoginTicket").field("begun_at", &self.begun_at).finish_non_exhaustive()
    }
}

impl LoginTicket {
    /// A fresh login of `tenant`.
    pub fn fresh(tenant: &str, keys: &SessionKeys, random: &dyn Random, now: u64) -> Self {
        let secret: [u8; 32] = random.bytes();
        Self {
            state: LoginState::fresh(tenant, keys, random),
            browser_secret: Zeroizing::new(URL_SAFE_NO_PAD.encode(secret)),
            begun_at: now,
        }
    }

    /// Its public name.
    pub const fn state(&self) -> &LoginState {
        &self.state
    }

    /// What tells its cookie from others.
    pub fn suffix(&self) -> &str {
        self.state.suffix()
    }

    /// When it began, and the browser's secret.
    pub fn cookie_value(&self) -> String {
        format!("{}.{}", self.begun_at, *self.browser_secret)
    }

    /// Seals what is to be kept.
    ///
    /// # Errors
    /// As [`SessionKeys::seal_login`].
    pub fn seal(
        &self,
        keys: &SessionKeys,
        login: &PendingLogin,
        random: &dyn Random,
    ) -> Result<Bytes, SealError> {
        let kept = Kept {
            secrets: (&login.secrets).into(),
            return_to: login.return_to.to_string(),
            provider: login.provider.clone(),
            completed: login.completed.clone(),
        };
        let plain = serde_json::to_vec(&kept).map(Zeroizing::new);
        let plain = plain.map_err(|_| SealError::Malformed)?;
        keys.seal_login(self.state.as_str(), self.browser_secret.as_bytes(), &plain, random.bytes())
    }
}

/// The browser's half of a login, as its cookie shows it.
pub struct LoginCookie {
    /// The secret.
    secret: Zeroizing<Vec<u8>>,
    /// When the login began.
    pub begun_at: u64,
}

impl LoginCookie {
    /// Reads a cookie value.
    pub fn parse(value: &[u8]) -> Option<Self> {
        let dot = value.iter().position(|byte| *byte == b'.')?;
        let (time, rest) = value.split_at_checked(dot)?;
        let begun_at = std::str::from_utf8(time).ok()?.parse().ok()?;
        let secret = rest.strip_prefix(b".").filter(|secret| secret.len() == 43)?;
        Some(Self { secret: Zeroizing::new(secret.to_vec()), begun_at })
    }

    /// Opens what was kept for `state`, if this browser began it.
    ///
    /// # Errors
    /// [`SealError`] if it did not.
    pub fn open(
        &self,
        keys: &SessionKeys,
        state: &LoginState,
        sealed: &Bytes,
    ) -> Result<PendingLogin, SealError> {
        let plain = keys.open_login(state.as_str(), &self.secret, sealed)?;
        let kept: Kept = serde_json::from_slice(&plain).map_err(|_| SealError::Malformed)?;
        Ok(PendingLogin {
            secrets: kept.secrets.try_into().map_err(|_| SealError::Malformed)?,
            return_to: ReturnTo::kept(kept.return_to),
            provider: kept.provider,
            completed: kept.completed,
        })
    }
}

impl std::fmt::Debug for LoginCookie {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoginCookie").field("begun_at", &self.begun_at).finish_non_exhaustive()
    }
}

#[derive(Serialize, Deserialize)]
struct Kept {
    secrets: LoginSecretsWire,
    return_to: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    provider: Option<String>,
    #[serde(default)]
    completed: Completed,
}
