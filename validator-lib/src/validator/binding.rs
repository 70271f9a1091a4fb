//! Owns: what a token is bound to, and the proof of it in the request: a DPoP key (RFC 9449 section 7), a
//! certificate (RFC 8705 section 3), or both. A binding that cannot be checked refuses the token: not to
//! check it would be to take a stolen one.

use std::sync::Arc;

use subtle::ConstantTimeEq as _;

use crate::accepted::Accepted;
use crate::certificate::{CertSource, thumbprint};
use crate::claims::Confirmation;
use crate::credentials::{self, Incoming, Presented, Scheme};
use crate::dpop::nonce::{Nonces, Standing};
use crate::dpop::replay::{self, ProofName, ReplayStore, SharedReplay};
use crate::dpop::{self, Expected, Proof, ProofError, TokenHash, UsedKey};
use crate::refusal::{Cause, Context, InvalidToken};

/// What this service can check, and what it demands.
pub(super) struct Binding {
    pub(super) dpop: Option<Dpop>,
    pub(super) mtls: Option<Mtls>,
}

pub(super) struct Dpop {
    /// Scheme, authority and path prefix, without a slash at the end.
    pub(super) base: String,
    pub(super) required: bool,
    pub(super) used: Used,
    pub(super) nonces: Option<Nonces>,
}

pub(super) enum Used {
    Here(ReplayStore),
    Shared(Box<dyn SharedReplay>),
}

pub(super) struct Mtls {
    #[cfg_attr(not(feature = "http"), expect(dead_code, reason = "read with a request of `http`"))]
    pub(super) source: CertSource,
    pub(super) required: bool,
}

impl Binding {
    pub(super) fn context(&self, used: Option<Scheme>) -> Context {
        let required = self.dpop.as_ref().is_some_and(|dpop| dpop.required);
        Context { bearer: !required, dpop: self.dpop.is_some(), used }
    }

    #[cfg(feature = "http")]
    pub(super) fn certificates(&self) -> Option<&CertSource> {
        self.mtls.as_ref().map(|mtls| &mtls.source)
    }

    /// Whether what a token is bound to can be checked here, and what that is.
    pub(super) fn explain(&self, bound_to: Option<&Confirmation>) -> (bool, &'static str) {
        match bound_to {
            None => (true, "bound to nothing"),
            Some(Confirmation { other, .. }) if !other.is_empty() => {
                (false, "bound in another way")
            }
            Some(Confirmation { jkt: None, x5t: None, .. }) => {
                (false, "bound to nothing that is named")
            }
            Some(Confirmation { jkt: Some(_), .. }) if self.dpop.is_none() => {
                (false, "bound to a DPoP key, and no origin is set")
            }
            Some(Confirmation { x5t: Some(_), .. }) if self.mtls.is_none() => {
                (false, "bound to a certificate, and no source of certificates is set")
            }
            Some(Confirmation { jkt: Some(_), x5t: Some(_), .. }) => {
                (true, "bound to a DPoP key and a certificate")
            }
            Some(Confirmation { jkt: Some(_), .. }) => (true, "bound to a DPoP key"),
            Some(Confirmation { .. }) => (true, "bound to a certificate"),
        }
    }

    /// The nonce to tell a client that brought none, or one that is over.
    pub(super) fn nonce_for(&self, cause: &Cause, now: u64) -> Option<String> {
        let nonces = self.dpop.as_ref()?.nonces.as_ref()?;
        matches!(cause, Cause::Proof(ProofError::Nonce)).then(|| nonces.current(now))
    }

    /// Gives the nonce for the client's next proof, if it has to be told.
    pub(super) async fn check(
        &self,
        incoming: &Incoming<'_>,
        presented: &Presented<'_>,
        hash: Option<TokenHash>,
        accepted: &Accepted,
        now: u64,
    ) -> Result<Option<Arc<str>>, Cause> {
        let (jkt, x5t) = match &accepted.facts.bound_to {
            None => (None, None),
            Some(Confirmation { jkt: None, x5t: None, .. }) => {
                return Err(InvalidToken::UnsupportedBinding.into());
            }
            Some(Confirmation { jkt, x5t, other }) if other.is_empty() => {
                (jkt.as_deref(), x5t.as_deref())
            }
            Some(_) => return Err(InvalidToken::UnsupportedBinding.into()),
        };
        self.check_certificate(incoming, x5t)?;
        match (jkt, presented.scheme, &self.dpop) {
            (None, Scheme::Bearer, None | Some(Dpop { required: false, .. })) => Ok(None),
            (None, _, _) => Err(InvalidToken::NotBound.into()),
            // RFC 9449 section 7.2.
            (Some(_), Scheme::Bearer, _) => Err(InvalidToken::BoundAsBearer.into()),
            (Some(_), Scheme::Dpop, None) => Err(InvalidToken::UnsupportedBinding.into()),
            (Some(jkt), Scheme::Dpop, Some(dpop)) => {
                let hash = hash.unwrap_or_else(|| TokenHash::of(presented.token));
                dpop.check(incoming, hash, jkt, &accepted.proof_key, now).await
            }
        }
    }

    fn check_certificate(
        &self,
        incoming: &Incoming<'_>,
        x5t: Option<&str>,
    ) -> Result<(), InvalidToken> {
        match (x5t, &self.mtls) {
            (None, None | Some(Mtls { required: false, .. })) => Ok(()),
            (None, Some(_)) => Err(InvalidToken::NotBound),
            (Some(_), None) => Err(InvalidToken::UnsupportedBinding),
            (Some(x5t), Some(_)) => {
                let shown = incoming.certificate.ok_or(InvalidToken::OtherCertificate)?;
                let same: bool = thumbprint(shown).as_bytes().ct_eq(x5t.as_bytes()).into();
                if same { Ok(()) } else { Err(InvalidToken::OtherCertificate) }
            }
        }
    }
}

impl Dpop {
    async fn check(
        &self,
        incoming: &Incoming<'_>,
        hash: TokenHash,
        jkt: &str,
        used_key: &UsedKey,
        now: u64,
    ) -> Result<Option<Arc<str>>, Cause> {
        let path = incoming.path.strip_prefix('/').ok_or(ProofError::Url)?;
        let expected = Expected {
            method: incoming.method,
            url: &format!("{}/{path}", self.base),
            access_token: Some(hash),
            thumbprint: Some(jkt),
            nonce: None,
        };
        let proof = dpop::verify_with(credentials::proof(incoming)?, &expected, now, used_key)?;
        let next = self.check_nonce(&proof, now)?;
        // Last, so that a proof which was refused for another reason does not count as used.
        match &self.used {
            Used::Here(used) => used.enter(&proof, now)?,
            Used::Shared(used) => used.enter(ProofName::of(&proof), replay::LIFETIME).await?,
        }
        Ok(next)
    }

    fn check_nonce(&self, proof: &Proof, now: u64) -> Result<Option<Arc<str>>, ProofError> {
        let Some(nonces) = &self.nonces else { return Ok(None) };
        match nonces.standing(proof.nonce().unwrap_or_default(), now) {
            Standing::Current => Ok(None),
            Standing::Ending => Ok(Some(nonces.current(now).into())),
            Standing::Refused => Err(ProofError::Nonce),
        }
    }
}
