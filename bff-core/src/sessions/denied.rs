//! Owns: the list of denied tokens, `jwt:blacklist:*`, which services read (DESIGN section 7): tokens
//! that are outside already and would live on after their session.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use serde_json::json;
use session::any::AnyStore;
use session::denied::{self, Denied, DeniedKey};
use session::record::Management;
use session::shelf::Shelf as _;
use session::store::StoreError;

use crate::app::App;

/// Seconds for which the tokens of a user stay denied, where sessions do not live longer.
const USER_DENIED: u64 = 86_400;

/// Seconds for which a token is taken after its end by whoever allows clocks to differ that much: the most that
/// `validator-lib` allows.
const LEEWAY: u64 = 300;

/// Begins the names of entries about users, so no token may be called so.
const USER: &str = "user:";

/// Attempts to deny tokens whose session is gone already, and the pause between two.
const ATTEMPTS: u32 = 60;
const PAUSE: Duration = Duration::from_secs(1);

/// An entry of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Denial {
    name: String,
    value: Bytes,
    /// The same for who looks for one token.
    key: DeniedKey,
    denied: Denied,
    keep: Duration,
}

impl Denial {
    /// The token `jti` of `issuer`, which expires at `exp`. `None` if nobody takes it any more at `now`, or it
    /// has a name that is none.
    pub(crate) fn token(issuer: &str, jti: &str, exp: u64, now: u64) -> Option<Self> {
        let taken_until = if exp > now { exp } else { exp.saturating_add(LEEWAY) };
        let remaining = taken_until.checked_sub(now).filter(|seconds| *seconds > 0)?;
        Self::may_name(jti).then(|| Self {
            name: jti.to_owned(),
            value: json!({ "iss": issuer, "jti": jti, "exp": exp }).to_string().into(),
            key: DeniedKey::token(issuer, jti),
            denied: Denied::Token,
            keep: Duration::from_secs(remaining),
        })
    }

    /// Whether an entry may be called like this token, and not like those of another kind.
    pub(crate) fn may_name(jti: &str) -> bool {
        !jti.is_empty() && !jti.starts_with(USER) && !DeniedKey::is_taken_by(jti)
    }

    async fn enter(&self, store: &AnyStore) -> Result<(), StoreError> {
        denied::deny(store, &self.key, self.denied, self.keep).await?;
        store.deny(&self.name, self.value.clone(), self.keep).await
    }

    /// For how many seconds it stands.
    pub(crate) const fn seconds(&self) -> u64 {
        self.keep.as_secs()
    }
}

impl App {
    /// What denies the access token of a session; `None` if that cannot be or need not be.
    pub(super) fn denial(&self, management: &Management) -> Option<Denial> {
        let now = self.now();
        // Nobody said how long it lives.
        let longest = || now.saturating_add(self.longest_denial());
        let exp = management.access_expires_at.unwrap_or_else(longest);
        Denial::token(&management.issuer, management.access_jti.as_deref()?, exp, now)
    }

    /// Denies the access tokens of sessions that have ended. Those that the store does not take now are
    /// tried again in the background: nobody could name them later.
    ///
    /// # Errors
    /// [`StoreError`] if some have to wait.
    pub(crate) async fn deny_tokens<'a>(
        &self,
        sessions: impl Iterator<Item = &'a Management>,
    ) -> Result<(), StoreError> {
        let denials: Vec<Denial> = sessions.filter_map(|session| self.denial(session)).collect();
        let results = join_all(denials.iter().map(|denial| self.deny(denial))).await;
        let failed = results.iter().find_map(|result| result.as_ref().err().cloned());
        let refused = denials.into_iter().zip(results).filter(|(_, result)| result.is_err());
        let later: Vec<Denial> = refused.map(|(denial, _)| denial).collect();
        match failed {
            None => Ok(()),
            Some(error) => {
                self.deny_later(later);
                Err(error)
            }
        }
    }

    /// Denies one token, or all tokens of a user.
    ///
    /// # Errors
    /// [`StoreError`] if the store is away.
    pub(crate) async fn deny(&self, denial: &Denial) -> Result<(), StoreError> {
        denial.enter(&self.store).await
    }

    fn deny_later(&self, mut denials: Vec<Denial>) {
        let store = self.store.clone();
        tracing::warn!(tokens = denials.len(), "tokens of ended sessions not denied yet");
        self.shutdown.spawn(async move {
            for _ in 0..ATTEMPTS {
                tokio::time::sleep(PAUSE).await;
                let mut refused = Vec::new();
                for denial in denials {
                    if denial.enter(&store).await.is_err() {
                        refused.push(denial);
                    }
                }
                if refused.is_empty() {
                    return;
                }
                denials = refused;
            }
            tracing::warn!(tokens = denials.len(), "tokens of ended sessions not denied");
        });
    }

    /// What denies every token that was issued to this user up to now.
    pub(crate) fn denial_of_user(&self, issuer: &str, user_id: &str) -> Denial {
        let now = self.now();
        let value = json!({ "iss": issuer, "user_id": user_id, "revoked_before": now });
        Denial {
            name: format!("{USER}{user_id}"),
            value: value.to_string().into(),
            key: DeniedKey::user(issuer, user_id),
            denied: Denied::IssuedUntil(now),
            keep: Duration::from_secs(self.longest_denial()),
        }
    }

    fn longest_denial(&self) -> u64 {
        self.config.lifetimes.session.max(USER_DENIED)
    }
}
