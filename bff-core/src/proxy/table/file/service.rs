//! Owns: a service of `routes.yaml`.

use std::time::Duration;

use http::Uri;
use serde::Deserialize;

use super::super::build::What;
use super::super::{Service, ServiceToken};
use super::{Scalar, Unbuilt, span};

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
/// Beyond what services let pass between two signs of life on a stream.
const DEFAULT_IDLE_TIMEOUT: Duration = Duration::from_secs(300);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct ServiceFile {
    base_url: String,
    #[serde(default)]
    timeout: Option<Scalar>,
    #[serde(default)]
    idle_timeout: Option<Scalar>,
    #[serde(default)]
    audience: Option<String>,
    #[serde(default)]
    token: TokenFile,
    #[serde(default)]
    tls: Option<Unbuilt>,
    #[serde(default)]
    #[expect(dead_code, reason = "for people")]
    description: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum TokenFile {
    #[default]
    Session,
    Context,
    None,
}

impl ServiceFile {
    pub(in super::super) fn parse(&self, name: &str) -> Result<Service, What> {
        if self.tls.is_some() {
            return Err(What::new(
                "has tls settings, which are not available in this version",
                "Remove them; services are checked against the system's authorities.",
            ));
        }
        let url = self.base_url.trim_end_matches('/');
        let base_url: Option<Uri> = url.parse().ok();
        let usable = |uri: &Uri| {
            matches!(uri.scheme_str(), Some("http" | "https"))
                && uri.query().is_none()
                && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
        };
        let base_url = base_url.filter(usable).ok_or_else(|| {
            What::new("has a base_url that is no http URL", "For example http://crud:8000.")
        })?;
        let timeout = span("a timeout", self.timeout.as_ref())?.unwrap_or(DEFAULT_TIMEOUT);
        let idle_timeout = span("an idle_timeout", self.idle_timeout.as_ref())?;
        let idle_timeout = idle_timeout.unwrap_or(DEFAULT_IDLE_TIMEOUT);
        let (name, token) = (name.to_owned(), self.token()?);
        Ok(Service { name, base_url, timeout, idle_timeout, token })
    }

    fn token(&self) -> Result<ServiceToken, What> {
        let audience = self.audience.as_deref().filter(|audience| !audience.is_empty());
        match (self.token, audience) {
            (TokenFile::Session, _) => Ok(ServiceToken::Session),
            (TokenFile::None, _) => Ok(ServiceToken::None),
            (TokenFile::Context, Some(audience)) => Ok(ServiceToken::Context(audience.into())),
            (TokenFile::Context, None) => Err(What::new(
                "has token: context and no audience",
                "Name what the service checks as aud, such as https://orders.internal.",
            )),
        }
    }
}
