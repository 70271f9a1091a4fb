//! Owns: the settings of what verify asks of the BFF (`FORWARDAUTH_BFF_*`) and of
//! what it hands on (`FORWARDAUTH_AUTHORIZATION`).

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use shell::config::Settings;
use shell::origin::Origin;

use super::credential::Credential;
use crate::policy::HandOn;

/// Where the BFF's admin listener takes what verify asks.
const ENDPOINT: &str = "/internal/refresh";
const WAIT_MS: u64 = 5_000;
/// Memory for access tokens, of all threads together.
const TOKENS_MAX: usize = 64 * 1024 * 1024;

/// The BFF as verify reaches it. Its `Debug` shows no secret.
#[derive(Clone)]
pub struct BffSettings {
    /// `FORWARDAUTH_BFF_URL` with the path of the endpoint.
    pub endpoint: Uri,
    /// `BFF_INTERNAL_TOKEN`.
    pub credential: Credential,
    /// Trusts the authorities of `FORWARDAUTH_BFF_CA`, else the system's.
    pub tls: Arc<ClientConfig>,
    /// How access tokens are had, where they are handed on.
    pub access: AccessSettings,
}

/// How access tokens are handed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccessSettings {
    /// `FORWARDAUTH_REFRESH_WAIT_MS`.
    pub wait: Duration,
    /// Most bytes of tokens that one thread keeps.
    pub kept_bytes: u64,
}

impl fmt::Debug for BffSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BffSettings")
            .field("endpoint", &self.endpoint)
            .field("access", &self.access)
            .finish_non_exhaustive()
    }
}

/// `None` where verify asks nobody, or something is wrong, which is noted in `settings`. `hand_on`: what
/// the routes without a policy of their own are given.
pub(super) fn read(
    settings: &mut Settings,
    threads: NonZeroUsize,
    hand_on: HandOn,
) -> Option<BffSettings> {
    let wait = wait(settings);
    let Some(origin) = origin(settings) else {
        if hand_on == HandOn::AccessToken && settings.text("FORWARDAUTH_BFF_URL").is_none() {
            settings.problem(
                "FORWARDAUTH_AUTHORIZATION",
                "asks for access tokens, and nobody is named who has them",
                "Set FORWARDAUTH_BFF_URL and BFF_INTERNAL_TOKEN.",
            );
        }
        return None;
    };
    let encrypted = origin.as_str().starts_with("https:");
    if !encrypted && !origin.is_loopback() {
        settings.warn(
            "FORWARDAUTH_BFF_URL",
            "is plain http: session cookies and access tokens pass unencrypted between forwardauth and the BFF",
            "Set BFF_ADMIN_TLS_CERT and BFF_ADMIN_TLS_KEY in bff, and name it by https.",
        );
    }
    let credential = Credential::read(settings);
    let tls = roots(settings, encrypted).and_then(|roots| tls(settings, roots));
    let endpoint = Uri::try_from(format!("{}{ENDPOINT}", origin.as_str())).ok();
    let kept_bytes = u64::try_from(TOKENS_MAX / threads).unwrap_or(u64::MAX);
    Some(BffSettings {
        endpoint: endpoint?,
        credential: credential?,
        tls: Arc::new(tls?),
        access: AccessSettings { wait, kept_bytes },
    })
}

/// `FORWARDAUTH_AUTHORIZATION`.
pub(super) fn hand_on(settings: &mut Settings) -> HandOn {
    let hint = "Use none, which is the default, access or context.";
    let given = settings.parsed("FORWARDAUTH_AUTHORIZATION", hint, |text| match text {
        "none" => Ok(HandOn::Nothing),
        "access" => Ok(HandOn::AccessToken),
        "context" => Ok(HandOn::ContextToken),
        _ => Err("is not a kind of authorization".to_owned()),
    });
    given.unwrap_or(HandOn::Nothing)
}

/// Below Traefik's own fixed 30 s.
fn wait(settings: &mut Settings) -> Duration {
    let given = settings.parsed("FORWARDAUTH_REFRESH_WAIT_MS", "Use 10 to 20000.", |text| {
        let milliseconds: Option<u64> = text.parse().ok();
        milliseconds
            .filter(|milliseconds| (10..=20_000).contains(milliseconds))
            .ok_or_else(|| "is not a number of milliseconds in range".to_owned())
    });
    Duration::from_millis(given.unwrap_or(WAIT_MS))
}

fn origin(settings: &mut Settings) -> Option<Origin> {
    let hint = "The BFF's admin listener, such as https://bff:9000, without a path.";
    settings.parsed("FORWARDAUTH_BFF_URL", hint, |text| {
        Origin::parse(text.strip_suffix('/').unwrap_or(text))
            .ok_or_else(|| "is not an http or https URL of a listener".to_owned())
    })
}

/// An authority of one's own stands alone: nobody else vouches for an internal listener.
fn roots(settings: &mut Settings, encrypted: bool) -> Option<RootCertStore> {
    const NAME: &str = "FORWARDAUTH_BFF_CA";
    let mut roots = RootCertStore::empty();
    if let Some(pem) = settings.pem(NAME) {
        let added = CertificateDer::pem_slice_iter(&pem)
            .try_for_each(|found| found.ok().and_then(|found| roots.add(found).ok()));
        if added.is_none() || roots.is_empty() {
            let hint = "Give the certificate of the authority that signed the BFF's.";
            settings.problem(NAME, "holds no usable PEM certificate", hint);
            return None;
        }
    } else if encrypted {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            let hint = "Set it to the certificate of the authority that signed the BFF's.";
            settings.problem(NAME, "is not set, and the system has no authorities", hint);
            return None;
        }
    }
    Some(roots)
}

fn tls(settings: &mut Settings, roots: RootCertStore) -> Option<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    if builder.is_err() {
        let hint = "This is a fault of the program; please report it.";
        settings.problem("FORWARDAUTH_BFF_URL", "cannot be spoken to over TLS", hint);
    }
    Some(builder.ok()?.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
mod tests;
