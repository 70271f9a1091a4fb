//! Owns: `tls` of a service of `routes.yaml`: PEM, or the path of a file of it.

use std::path::PathBuf;

use ring::digest;
use rustls::pki_types::ServerName;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::super::super::build::What;
use crate::http_client::TlsIdentity;
use crate::proxy::upstream::{Fingerprint, ServiceTls};

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct TlsFile {
    /// Trusted alone, in place of the system's: PEM, or its file.
    #[serde(default)]
    ca: Option<String>,
    /// Our certificate and its chain: PEM, or its file.
    #[serde(default)]
    client_cert: Option<String>,
    /// Its key: PEM, or its file.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    client_key: Option<SecretString>,
    /// What the certificate of the service is for, if not the host of `base_url`.
    #[serde(default)]
    server_name: Option<String>,
    #[serde(default)]
    #[expect(dead_code, reason = "for people")]
    description: Option<String>,
}

impl TlsFile {
    pub(super) fn parse(&self) -> Result<ServiceTls, What> {
        let server_name = match &self.server_name {
            None => None,
            Some(name) => Some(ServerName::try_from(name.clone()).map_err(|_| {
                What::new("has a tls.server_name that is none", "For example crud.internal.")
            })?),
        };
        let ca = self.ca.as_deref().map(|ca| pem("tls.ca", ca)).transpose()?;
        Ok(ServiceTls { ca: ca.map(|ca| ca.to_vec()), identity: self.identity()?, server_name })
    }

    /// The files that it names.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let key = self.client_key.as_ref().map(SecretString::expose_secret);
        let named = [self.ca.as_deref(), self.client_cert.as_deref(), key];
        named.into_iter().flatten().filter(|value| !is_pem(value)).map(PathBuf::from).collect()
    }

    fn identity(&self) -> Result<Option<(TlsIdentity, Fingerprint)>, What> {
        let (chain, key) = match (&self.client_cert, &self.client_key) {
            (None, None) => return Ok(None),
            (Some(chain), Some(key)) => (chain, key),
            _ => {
                let hint = "Give tls.client_cert and tls.client_key, or neither.";
                return Err(What::new("has one half of a client certificate", hint));
            }
        };
        let chain = pem("tls.client_cert", chain)?;
        let key = pem("tls.client_key", key.expose_secret())?;
        let identity = TlsIdentity::parse(&chain, &key).map_err(|error| {
            let problem = format!("has a client certificate that cannot be shown: {error}");
            What::new(&problem, "Give PEM of a certificate with its chain, and of its key.")
        })?;
        Ok(Some((identity, fingerprint(&chain, &key))))
    }
}

/// Of both, so that an exchanged key is noticed.
fn fingerprint(chain: &[u8], key: &[u8]) -> Fingerprint {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(&chain.len().to_be_bytes());
    context.update(chain);
    context.update(key);
    let mut out = Fingerprint::default();
    out.iter_mut().zip(context.finish().as_ref()).for_each(|(to, from)| *to = *from);
    out
}

fn is_pem(value: &str) -> bool {
    value.trim_start().starts_with("-----BEGIN")
}

fn pem(name: &str, value: &str) -> Result<Zeroizing<Vec<u8>>, What> {
    if is_pem(value) {
        return Ok(Zeroizing::new(value.as_bytes().to_vec()));
    }
    std::fs::read(value).map(Zeroizing::new).map_err(|error| {
        let problem = format!("has a {name} that cannot be read ({})", error.kind());
        What::new(&problem, "Give PEM, or the path of a PEM file.")
    })
}
