//! Owns: where certificate and key come from, and reading them, at start and again later.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};

use crate::config::Settings;
use crate::reload::Fingerprint;

/// Certificate and key as they were read.
pub(super) struct Pems {
    pub(super) certificates: Vec<u8>,
    pub(super) key: SecretString,
}

impl Pems {
    pub(super) fn fingerprint(&self) -> Fingerprint {
        // A secret from a file is read without its last line break at the start.
        let key = self.key.expose_secret().trim_end();
        Fingerprint::of([self.certificates.as_slice(), key.as_bytes()])
    }
}

/// Where the two come from, and what was read at the start.
#[derive(Debug, Clone)]
pub(super) struct Sources {
    certificates: Source,
    key: Source,
    pub(super) first: Fingerprint,
}

#[derive(Debug, Clone)]
enum Source {
    /// The variable held the text, which cannot change.
    Text(Arc<SecretString>),
    File(PathBuf),
}

/// What the two variables give. `None` if both are unset, or with every problem noted.
pub(super) fn read(
    settings: &mut Settings,
    certificate: &str,
    key: &str,
) -> Option<(Sources, Pems)> {
    // On a copy: what is wrong with the variables is noted below, and once.
    let mut look = settings.clone();
    let certificates_from = source(&mut look, certificate);
    let key_from = source(&mut look, key).or_else(|| source(&mut look, &format!("{key}_FILE")));
    let missing = match (&certificates_from, &key_from) {
        (Some(_), None) => Some(key),
        (None, Some(_)) => Some(certificate),
        _ => None,
    };
    let (certificates, key_text) = (settings.pem(certificate), settings.secret_pem(key));
    if let Some(missing) = missing {
        let hint = format!("Set {certificate} and {key}, both PEM, or neither.");
        settings.problem(missing, "is missing beside its other half", &hint);
    }
    let pems = Pems { certificates: certificates?, key: key_text? };
    let first = pems.fingerprint();
    Some((Sources { certificates: certificates_from?, key: key_from?, first }, pems))
}

fn source(settings: &mut Settings, name: &str) -> Option<Source> {
    let text = settings.text(name)?;
    Some(if text.starts_with("-----BEGIN") {
        Source::Text(Arc::new(text.into()))
    } else {
        Source::File(text.into())
    })
}

impl Sources {
    /// Whether there is a file that may change.
    pub(super) fn can_change(&self) -> bool {
        [&self.certificates, &self.key].iter().any(|source| matches!(source, Source::File(_)))
    }

    /// Reads both again.
    ///
    /// # Errors
    /// If one of them cannot be read, or the key is not text.
    pub(super) async fn read(&self) -> io::Result<Pems> {
        Ok(Pems {
            certificates: self.certificates.read().await?.expose_secret().as_bytes().to_vec(),
            key: self.key.read().await?,
        })
    }
}

impl Source {
    async fn read(&self) -> io::Result<SecretString> {
        match self {
            Self::Text(text) => Ok(SecretString::clone(text)),
            Self::File(path) => Ok(tokio::fs::read_to_string(path).await?.into()),
        }
    }
}
