//! Owns: `signature` of a service of `routes.yaml`.

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use validator_lib::signature::{Signer, Version};

use super::super::super::build::What;
use super::super::super::given::Given;
use super::super::Scalar;
use crate::proxy::sign::{Seal, Signing};

/// Most bytes of a body that are read to be signed.
const DEFAULT_MAX_BODY: usize = 1 << 20;
/// Each request under way may hold as much.
const LONGEST_MAX_BODY: usize = 64 << 20;

#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct SignatureFile {
    /// At least 16 bytes; `BFF_INTERNAL_HMAC_SECRET` where it is left out.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    secret: Option<SecretString>,
    /// v1 where it is left out.
    #[serde(default)]
    version: VersionFile,
    /// Whether bodies longer than `max_body` are sent unsigned.
    #[serde(default)]
    unsigned_body: bool,
    /// Most of a body that is signed: a size, 1MiB where it is left out, at most 64MiB.
    #[serde(default)]
    max_body: Option<Scalar>,
    #[serde(default)]
    #[expect(dead_code, reason = "for people")]
    description: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
enum VersionFile {
    V0,
    #[default]
    V1,
}

impl SignatureFile {
    /// How a service is signed to, of which the file says this.
    pub(super) fn parse(file: Option<&Self>, given: &Given) -> Result<Signing, What> {
        let names = given.names.clone();
        let default = Self::default();
        let settings = file.unwrap_or(&default);
        let Some(secret) = settings.secret.as_ref().or(given.secret.as_ref()) else {
            return match file {
                None => Ok(Signing { names, seal: None }),
                Some(_) => Err(What::new(
                    "has a signature without a secret",
                    "Give it signature.secret, or set BFF_INTERNAL_HMAC_SECRET.",
                )),
            };
        };
        settings.seal(secret).map(|seal| Signing { names, seal: Some(seal) })
    }

    fn seal(&self, secret: &SecretString) -> Result<Seal, What> {
        let signer = Signer::new(secret.expose_secret()).map_err(|_| {
            let hint = "openssl rand -base64 32 makes a good one.";
            What::new("has a signature.secret that is shorter than 16 bytes", hint)
        })?;
        if self.version == VersionFile::V0 && self.unsigned_body {
            return Err(What::new(
                "has signature.unsigned_body beside version v0, which knows none",
                "Use version v1, or remove unsigned_body.",
            ));
        }
        let refused = |problem: &str| {
            let problem = format!("has a signature.max_body that {problem}");
            What::new(&problem, "For example 1MiB; at most 64MiB.")
        };
        let max_body = self.max_body.as_ref().map(Scalar::size).transpose();
        let max_body = max_body.map_err(|problem| refused(&problem))?.unwrap_or(DEFAULT_MAX_BODY);
        if max_body > LONGEST_MAX_BODY {
            return Err(refused("is more than 64MiB"));
        }
        let version = match self.version {
            VersionFile::V0 => Version::V0,
            VersionFile::V1 => Version::V1,
        };
        let signer = signer.version(version);
        Ok(Seal { signer, version, max_body, unsigned_body: self.unsigned_body })
    }
}
