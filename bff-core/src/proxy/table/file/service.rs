//! Owns: a service of `routes.yaml`.

use std::time::Duration;

use http::Uri;
use serde::Deserialize;

use super::super::Service;
use super::super::build::What;
use super::{Scalar, Unbuilt};

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct ServiceFile {
    base_url: String,
    #[serde(default)]
    timeout: Option<Scalar>,
    #[serde(default)]
    #[expect(dead_code, reason = "serves token exchange, which is not built yet")]
    audience: Option<String>,
    #[serde(default)]
    tls: Option<Unbuilt>,
    #[serde(default)]
    #[expect(dead_code, reason = "for people")]
    description: Option<String>,
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
        let timeout = self.timeout.as_ref().map_or(Ok(DEFAULT_TIMEOUT), Scalar::duration);
        let timeout = timeout.map_err(|problem| {
            What::new(&format!("has a timeout that {problem}"), "For example 30s.")
        })?;
        Ok(Service { name: name.to_owned(), base_url, timeout })
    }
}
