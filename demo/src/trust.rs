//! Owns: the authority and the certificate by which the demo's Traefik knows verify.
//!
//! Both are made anew at each start. The authority signs once; its key is gone before anything listens.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};

/// What both sides are given.
pub(crate) struct Trust {
    /// The file with the authority's certificate, for Traefik.
    pub(crate) authority: PathBuf,
    /// Verify's certificate in PEM.
    pub(crate) certificate: String,
    /// Its private key in PEM. Never written to a file.
    pub(crate) key: String,
}

/// Makes a certificate for verify on loopback, and writes the authority's into `directory`.
pub(crate) fn make(directory: &Path) -> anyhow::Result<Trust> {
    let authority = directory.join("authority.pem");
    let (certificate, key) = issue(&authority).context("cannot make certificates")?;
    Ok(Trust { authority, certificate, key })
}

fn issue(authority: &Path) -> anyhow::Result<(String, String)> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "Wicketgate demo authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let signing_key = KeyPair::generate()?;
    fs::write(authority, params.self_signed(&signing_key)?.pem())?;
    let issuer = Issuer::new(params, signing_key);

    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "Wicketgate demo verify");
    params.subject_alt_names = vec![SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST))];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, &issuer)?;
    Ok((certificate.pem(), key.serialize_pem()))
}

#[cfg(test)]
mod tests {
    use forwardauth::config::{Config, Embedding};
    use tempfile::TempDir;

    use super::*;
    use crate::settings::Agreement;

    #[test]
    fn verify_takes_the_certificate_and_no_key_lies_in_the_directory() {
        let directory = TempDir::new().expect("a directory");
        let trust = make(directory.path()).expect("certificates");
        let settings = Agreement::fresh(1, 2, None).and_then(|it| it.settings(directory.path()));
        let mut settings = settings.expect("settings").with_defaults([
            ("FORWARDAUTH_TLS_CERT", trust.certificate.as_str()),
            ("FORWARDAUTH_TLS_KEY", &trust.key),
        ]);
        let config = Config::from_settings(&mut settings, Embedding::Composed);
        let (config, _) = settings.finish(config).expect("a configuration");
        assert!(config.tls.is_some());
        for file in fs::read_dir(directory.path()).expect("the directory") {
            let text = fs::read_to_string(file.expect("a file").path()).expect("text");
            assert!(!text.contains("PRIVATE"), "{text}");
        }
    }
}
