//! Owns: the key that a DPoP proof brings along, and knowing it again: a client writes the same header
//! before each of its proofs.

use std::fmt;
use std::sync::{Arc, OnceLock};

use super::ProofError;
use crate::algorithm::Algorithm;
use crate::header::UnverifiedHeader;
use crate::jwk::{PublicKey, VerifyingKey};
use crate::token::Parts;

/// A public key out of the header of a proof (RFC 9449 section 4.3, numbers 4, 5 and 7).
pub(super) struct ProofKey {
    pub(super) alg: Algorithm,
    pub(super) key: PublicKey,
    pub(super) thumbprint: Arc<str>,
}

impl ProofKey {
    pub(super) fn read(parts: &Parts<'_>) -> Result<Self, ProofError> {
        let UnverifiedHeader { header, jwk } =
            parts.unverified_header().map_err(|_| ProofError::Malformed)?;
        if !header.typ_is("dpop+jwt") {
            return Err(ProofError::Type); // 4
        }
        let key =
            VerifyingKey::try_from(jwk.ok_or(ProofError::Key)?).map_err(|_| ProofError::Key)?;
        if key.alg.is_some_and(|alg| alg != header.alg) || !key.key.fits(header.alg) {
            return Err(ProofError::Key);
        }
        let thumbprint = key.key.thumbprint().into();
        Ok(Self { alg: header.alg, key: key.key, thumbprint })
    }
}

/// The key of the first good proof that came with a token.
#[derive(Default)]
pub(crate) struct UsedKey(OnceLock<(Box<str>, Arc<ProofKey>)>);

impl UsedKey {
    pub(super) fn with_header(&self, encoded: &str) -> Option<Arc<ProofKey>> {
        let (header, key) = self.0.get()?;
        (**header == *encoded).then(|| Arc::clone(key))
    }

    pub(super) fn remember(&self, encoded: &str, key: &Arc<ProofKey>) {
        self.0.get_or_init(|| (encoded.into(), Arc::clone(key)));
    }
}

impl fmt::Debug for UsedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UsedKey").finish_non_exhaustive()
    }
}
