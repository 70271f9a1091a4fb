//! Owns: hiding from the validator where its keys come from.

use std::pin::Pin;
use std::sync::Arc;

use crate::algorithm::Algorithm;
use crate::jws::{self, VerifiedJws};
use crate::keyset::KeySet;
use crate::keysource::{Fetch, RemoteKeys, VerifyError};

type Verifying<'a> = Pin<Box<dyn Future<Output = Result<VerifiedJws, VerifyError>> + Send + 'a>>;

/// Keys given once, or kept current.
pub(crate) enum Keys {
    Fixed(KeySet),
    Remote(Arc<dyn Verifier>),
}

impl Keys {
    pub(crate) async fn verify(
        &self,
        compact: &str,
        allowed: &[Algorithm],
        now: u64,
    ) -> Result<VerifiedJws, VerifyError> {
        match self {
            Self::Fixed(keys) => Ok(jws::verify(compact, keys, allowed)?),
            Self::Remote(keys) => keys.verify(compact, allowed, now).await,
        }
    }
}

/// [`RemoteKeys`] without the type of its fetcher.
pub(crate) trait Verifier: Send + Sync {
    fn verify<'a>(&'a self, compact: &'a str, allowed: &'a [Algorithm], now: u64) -> Verifying<'a>;
}

impl<F: Fetch> Verifier for RemoteKeys<F> {
    fn verify<'a>(&'a self, compact: &'a str, allowed: &'a [Algorithm], now: u64) -> Verifying<'a> {
        Box::pin(Self::verify(self, compact, allowed, now))
    }
}
