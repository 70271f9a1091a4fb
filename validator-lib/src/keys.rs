//! Owns: hiding from everybody else where keys come from.

use std::pin::Pin;
use std::sync::Arc;

use crate::algorithm::Algorithm;
use crate::jwk::VerifyingKey;
use crate::jws::{self, JwsError, VerifiedJws};
use crate::keyset::KeySet;
use crate::keysource::{Fetch, KeysUnavailable, RemoteKeys, VerifyError};

type Soon<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Keys given once, or kept current.
pub(crate) enum Keys {
    Fixed(Arc<KeySet>),
    Remote(Arc<dyn Remote>),
}

impl Keys {
    pub(crate) fn fixed(keys: KeySet) -> Self {
        Self::Fixed(Arc::new(keys))
    }

    pub(crate) fn remote<F: Fetch>(keys: RemoteKeys<F>) -> Self {
        Self::Remote(Arc::new(keys))
    }

    pub(crate) async fn verify(
        &self,
        compact: &str,
        allowed: &[Algorithm],
        now: u64,
    ) -> Result<VerifiedJws, VerifyError> {
        match self {
            Self::Fixed(keys) => Ok(jws::verify(compact, keys, allowed)?),
            Self::Remote(remote) => {
                // Nearly always the keys that are here will do, and nothing has to be waited for.
                let here = remote.fresh(now).map(|keys| jws::verify(compact, &keys, allowed));
                match here {
                    None | Some(Err(JwsError::UnknownKey)) => {
                        remote.verify(compact, allowed, now).await
                    }
                    Some(outcome) => Ok(outcome?),
                }
            }
        }
    }

    /// The set in use, if it is fresh.
    pub(crate) fn fresh_set(&self, now: u64) -> Option<u64> {
        match self {
            Self::Fixed(keys) => Some(keys.id()),
            Self::Remote(keys) => keys.fresh_set(now),
        }
    }

    /// The set in use if `key` is still in it, and nothing if it was withdrawn.
    pub(crate) async fn set_with(
        &self,
        key: &VerifyingKey,
        now: u64,
    ) -> Result<Option<u64>, KeysUnavailable> {
        let keys = self.current(now).await?;
        Ok(keys.holds(key).then(|| keys.id()))
    }

    pub(crate) async fn current(&self, now: u64) -> Result<Arc<KeySet>, KeysUnavailable> {
        match self {
            Self::Fixed(keys) => Ok(Arc::clone(keys)),
            Self::Remote(keys) => keys.current(now).await,
        }
    }
}

/// [`RemoteKeys`] without the type of its fetcher.
pub(crate) trait Remote: Send + Sync {
    fn verify<'a>(
        &'a self,
        compact: &'a str,
        allowed: &'a [Algorithm],
        now: u64,
    ) -> Soon<'a, Result<VerifiedJws, VerifyError>>;

    fn fresh_set(&self, now: u64) -> Option<u64>;

    fn fresh(&self, now: u64) -> Option<Arc<KeySet>>;

    fn current(&self, now: u64) -> Soon<'_, Result<Arc<KeySet>, KeysUnavailable>>;
}

impl<F: Fetch> Remote for RemoteKeys<F> {
    fn verify<'a>(
        &'a self,
        compact: &'a str,
        allowed: &'a [Algorithm],
        now: u64,
    ) -> Soon<'a, Result<VerifiedJws, VerifyError>> {
        Box::pin(Self::verify(self, compact, allowed, now))
    }

    fn fresh_set(&self, now: u64) -> Option<u64> {
        Self::fresh_set(self, now)
    }

    fn fresh(&self, now: u64) -> Option<Arc<KeySet>> {
        Self::fresh(self, now)
    }

    fn current(&self, now: u64) -> Soon<'_, Result<Arc<KeySet>, KeysUnavailable>> {
        Box::pin(Self::current(self, now))
    }
}
