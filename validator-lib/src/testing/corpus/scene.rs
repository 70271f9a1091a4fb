//! Owns: who takes part in a case: the issuer, a client with its key and certificate, the service.

use super::{Request, Service};
use crate::credentials::Scheme;
use crate::testing::{DpopKey, Issuer, Mint, ProofMint, SigningKey};

/// A certificate, and the key in it, that anybody may have: see `testdata/README.md`.
pub(super) const CERTIFICATE: &[u8] = include_bytes!("../../../testdata/stranger.der");

/// The key in [`CERTIFICATE`], which nobody trusts.
pub(super) fn stranger() -> SigningKey {
    SigningKey::es256(include_bytes!("../../../testdata/stranger.pk8"))
}

pub(crate) struct Scene {
    pub(crate) issuer: Issuer,
    pub(crate) service: Service,
    pub(super) client: DpopKey,
}

impl Scene {
    pub(crate) fn new(issuer: &Issuer, service: Service) -> Self {
        Self { issuer: issuer.clone(), service, client: issuer.dpop_key() }
    }

    /// A token that the service takes, bound as far as it demands.
    pub(super) fn mint(&self) -> Mint {
        let mint = self.issuer.mint().audience(&self.service.audience);
        let mint = self.service.policy.granted_by(mint, self.issuer.now());
        let mint = if self.service.dpop_required { mint.dpop(&self.client) } else { mint };
        if self.service.certificate_required { mint.certificate(CERTIFICATE) } else { mint }
    }

    /// A token that the service takes, bound to the client's key.
    pub(super) fn bound(&self) -> Mint {
        self.mint().dpop(&self.client)
    }

    /// A request as it should be, with `token`.
    pub(super) fn send(&self, token: &str) -> Request {
        self.send_as(self.service.scheme(), token)
    }

    /// A request with the scheme and what goes with it.
    pub(super) fn send_as(&self, scheme: Scheme, token: &str) -> Request {
        let request = self.bare().header("authorization", format!("{} {token}", scheme.name()));
        match scheme {
            Scheme::Bearer => request,
            Scheme::Dpop => request.header("dpop", self.proof(token).sign()),
        }
    }

    /// A request with a proof of the case's own.
    pub(super) fn prove(&self, token: &str, proof: impl AsRef<[u8]>) -> Request {
        self.bare().header("authorization", format!("DPoP {token}")).header("dpop", proof)
    }

    /// A request without credentials, save for the certificate of the connection.
    pub(super) fn bare(&self) -> Request {
        let request = Request {
            method: self.service.method.clone(),
            target: self.service.path.clone(),
            headers: Vec::new(),
            certificate: None,
            body: String::new(),
        };
        if self.service.certificate_required { request.certificate(CERTIFICATE) } else { request }
    }

    /// A good proof for `token`.
    pub(super) fn proof(&self, token: &str) -> ProofMint {
        self.proof_by(&self.client, token)
    }

    pub(super) fn proof_by(&self, key: &DpopKey, token: &str) -> ProofMint {
        let proof = key.proof(&self.service.method, &self.service.url()).token(token);
        match &self.service.nonce {
            Some(nonce) => proof.nonce(nonce),
            None => proof,
        }
    }

    /// A good request, save that its proof carries no nonce.
    pub(crate) fn without_nonce(&self) -> Request {
        self.send_as(Scheme::Dpop, &self.bound().sign())
    }

    /// What `make` makes so many seconds from now.
    pub(super) fn later<T>(&self, seconds: u64, make: impl FnOnce(&Self) -> T) -> T {
        let now = self.issuer.now();
        self.issuer.clock().set(now.saturating_add(seconds));
        let outcome = make(self);
        self.issuer.clock().set(now);
        outcome
    }
}
