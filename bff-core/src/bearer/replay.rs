//! Owns: the memory of used DPoP proofs, in the store, so that of all replicas one takes a proof
//! (RFC 9449 section 11.1).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use session::any::AnyStore;
use session::shelf::Shelf as _;
use shell::random::Random;
use validator_lib::dpop::replay::{Entering, ProofName, ReplayError, SharedReplay};

/// A proof is a lease that is taken once and never given back.
#[derive(Clone)]
pub(super) struct StoreReplay {
    store: AnyStore,
    random: Arc<dyn Random>,
}

impl StoreReplay {
    pub(super) fn new(store: AnyStore, random: Arc<dyn Random>) -> Self {
        Self { store, random }
    }
}

impl fmt::Debug for StoreReplay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreReplay").finish_non_exhaustive()
    }
}

impl SharedReplay for StoreReplay {
    fn enter(&self, name: ProofName, keep: Duration) -> Entering<'_> {
        Box::pin(async move {
            let owner = URL_SAFE_NO_PAD.encode(self.random.bytes::<16>());
            match self.store.acquire_lease(&format!("dpop:{name}"), &owner, keep).await {
                Ok(true) => Ok(()),
                Ok(false) => Err(ReplayError::Replayed),
                Err(error) => {
                    tracing::warn!(reason = error.reason(), "proof not entered");
                    Err(ReplayError::Away)
                }
            }
        })
    }
}
