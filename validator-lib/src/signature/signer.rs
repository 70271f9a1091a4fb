//! Owns: signing a request that this service sends.

use std::fmt;

use ring::hmac;

use super::{Content, Covered, NotCoverable, SettingsError, Version, canonical, key};

/// Signs requests with one secret. It holds no state, and clones are alike.
#[derive(Clone)]
pub struct Signer {
    key: hmac::Key,
    version: Version,
}

/// The values of the two headers to send.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Signed {
    /// For `<prefix>-Signature`: the version, an equals sign and 64 hexadecimal digits in lower case.
    pub signature: String,
    /// For `<prefix>-Timestamp`: seconds since the epoch.
    pub timestamp: String,
}

impl Signer {
    /// Signs version 1 with `secret`.
    ///
    /// # Errors
    /// [`SettingsError::ShortSecret`].
    pub fn new(secret: impl AsRef<[u8]>) -> Result<Self, SettingsError> {
        Ok(Self { key: key(secret.as_ref())?, version: Version::V1 })
    }

    /// Signs this version.
    #[must_use]
    pub fn version(self, version: Version) -> Self {
        Self { version, ..self }
    }

    /// Signs a request. `now` is in seconds since the epoch.
    ///
    /// # Errors
    /// [`NotCoverable`].
    pub fn sign(
        &self,
        request: &Covered<'_>,
        content: &Content,
        now: u64,
    ) -> Result<Signed, NotCoverable> {
        let bytes = canonical::bytes(self.version, request, content, now)?;
        let tag = canonical::hex(hmac::sign(&self.key, &bytes).as_ref());
        let version = match self.version {
            Version::V0 => "v0",
            Version::V1 => "v1",
        };
        Ok(Signed { signature: format!("{version}={tag}"), timestamp: now.to_string() })
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("version", &self.version).finish_non_exhaustive()
    }
}
