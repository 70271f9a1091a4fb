//! Owns: a token that was accepted, apart from the request it came with: what is worth keeping for the
//! next request with the same token.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use serde_json::Value;

use crate::claims::{AccessClaims, strings_at};
use crate::dpop::UsedKey;
use crate::json;
use crate::jwk::VerifyingKey;
use crate::jws::VerifiedJws;
use crate::trust::Trust;

/// Signature, type, issuer, audience and lifetime are good. Only [`Trust::judge`] makes one.
pub(crate) struct Accepted {
    pub(crate) trust: Arc<Trust>,
    pub(crate) subject: String,
    pub(crate) expires_at: u64,
    pub(crate) claims: AccessClaims,
    pub(crate) payload: Vec<u8>,
    pub(crate) key: Arc<VerifyingKey>,
    /// The newest set of the issuer's keys that this key was seen in.
    set: AtomicU64,
    /// The key of its client's proofs.
    pub(crate) proof_key: UsedKey,
    scopes: Vec<String>,
    rights: OnceLock<Rights>,
}

/// Read when they are first asked for: few services need them, and they may lie anywhere.
#[derive(Debug)]
pub(crate) struct Rights {
    pub(crate) roles: Vec<String>,
    pub(crate) permissions: Vec<String>,
}

impl Accepted {
    pub(crate) fn new(
        trust: Arc<Trust>,
        subject: String,
        expires_at: u64,
        claims: AccessClaims,
        jws: VerifiedJws,
    ) -> Self {
        let (payload, signed_by) = jws.into_parts();
        let scopes = match trust.names.scopes.as_slice() {
            [] => claims.scopes(),
            names => {
                let claims: Value = json::object(&payload).unwrap_or_default();
                names
                    .iter()
                    .flat_map(|name| strings_at(&claims, name))
                    .flat_map(|text| crate::claims::words(&text))
                    .collect()
            }
        };
        Self {
            trust,
            subject,
            expires_at,
            claims,
            payload,
            key: signed_by.key,
            set: AtomicU64::new(signed_by.set),
            proof_key: UsedKey::default(),
            scopes,
            rights: OnceLock::new(),
        }
    }

    pub(crate) fn scopes(&self) -> &[String] {
        &self.scopes
    }

    pub(crate) fn rights(&self) -> &Rights {
        self.rights.get_or_init(|| {
            let claims: Value = json::object(&self.payload).unwrap_or_default();
            let all = |names: &[String]| {
                names.iter().flat_map(|name| strings_at(&claims, name)).collect()
            };
            Rights {
                roles: all(&self.trust.names.roles),
                permissions: all(&self.trust.names.permissions),
            }
        })
    }

    /// The set that its key was last seen in.
    pub(crate) fn key_set(&self) -> u64 {
        self.set.load(Ordering::Relaxed)
    }

    /// Its key is in this set, too.
    pub(crate) fn seen_in(&self, set: u64) {
        self.set.store(set, Ordering::Relaxed);
    }

    /// What it takes in memory, more or less, in bytes.
    pub(crate) fn weight(&self) -> u64 {
        // The claims that are read stand in the payload as well.
        512 + 2 * u64::try_from(self.payload.len()).unwrap_or(u64::MAX / 4)
    }
}

impl fmt::Debug for Accepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accepted").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}
