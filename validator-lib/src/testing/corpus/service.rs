//! Owns: what a service takes and asks for, and the challenges it then has to send (RFC 6750 section 3,
//! RFC 9449 section 7.1, RFC 9470 section 3). They are written here a second time, because what is tested
//! cannot be what it is tested with.

use crate::certificate::CertSource;
use crate::credentials::Scheme;
use crate::policy::Policy;

const ALGORITHMS: &str = if cfg!(feature = "josekit") {
    "algs=\"RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA\""
} else {
    "algs=\"RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 EdDSA\""
};

#[derive(Debug, Clone)]
pub(crate) struct Service {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) audience: String,
    pub(crate) policy: Policy,
    /// What clients put before the path, where DPoP is taken.
    pub(crate) origin: Option<String>,
    /// What stands between the two.
    pub(crate) path_prefix: String,
    pub(crate) dpop_required: bool,
    /// The nonce that the service gave out, where it demands one.
    pub(crate) nonce: Option<String>,
    pub(crate) certificates: Option<CertSource>,
    pub(crate) certificate_required: bool,
    pub(crate) revocations: bool,
}

impl Service {
    /// The scheme that a good request uses.
    pub(super) fn scheme(&self) -> Scheme {
        if self.dpop_required { Scheme::Dpop } else { Scheme::Bearer }
    }

    /// The URL as the client knows it.
    pub(super) fn url(&self) -> String {
        let origin = self.origin.as_deref().unwrap_or("https://api.example.com");
        let origin = origin.trim_end_matches('/');
        format!("{origin}{}{}", self.path_prefix, self.path)
    }

    /// The challenges where `used` was the scheme of the request and `error` is what it is told, with
    /// parameters.
    pub(super) fn challenges(&self, used: Option<Scheme>, error: &str) -> Vec<String> {
        let bearer = !self.dpop_required;
        let dpop = self.origin.is_some();
        let told_by_dpop = dpop && (used == Some(Scheme::Dpop) || !bearer);
        let mut challenges = Vec::new();
        if bearer {
            let parameters = if told_by_dpop { "" } else { error };
            challenges.push(format!("Bearer {parameters}").trim_end().to_owned());
        }
        if dpop {
            let comma = if told_by_dpop && !error.is_empty() { ", " } else { "" };
            let parameters = if told_by_dpop { error } else { "" };
            challenges.push(format!("DPoP {parameters}{comma}{ALGORITHMS}"));
        }
        challenges
    }
}
