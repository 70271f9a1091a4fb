//! Owns: looking at the issuers of bearer tokens (`check-config --online`): their keys can be had.

use futures_util::future::join_all;
use shell::check::Findings;
use shell::reach::PATIENCE;
use tokio::time::timeout;

use super::keys::Shared;
use crate::config::{BearerEntry, Idps};
use crate::http_client::HttpClient;

/// Fetches the keys of every issuer. `now` is in seconds since the epoch.
pub(crate) async fn look(idps: &Idps, now: u64) -> Findings {
    let looks = idps.bearer.iter().map(async |entry| {
        let mut findings = Findings::default();
        let (path, issuer) = (format!("idps.yaml: idp {}", entry.known.name), &entry.known.issuer);
        match timeout(PATIENCE, keys(entry, now)).await {
            Ok(Ok(())) => findings.reached(format!("keys of {issuer}")),
            Ok(Err(problem)) => {
                let hint = "Check jwks_url, or the issuer's metadata, and tls_ca.";
                findings.problem(&path, &format!("has no keys that can be had: {problem}"), hint);
            }
            Err(_) => {
                let hint = "Check what stands between (firewall, proxy).";
                findings.problem(&path, "has keys that do not come in time", hint);
            }
        }
        findings
    });
    join_all(looks).await.into_iter().fold(Findings::default(), Findings::and)
}

async fn keys(entry: &BearerEntry, now: u64) -> Result<(), String> {
    let http = HttpClient::new(entry.ca.as_deref()).map_err(|error| error.to_string())?;
    let (known, ca) = (&entry.known, entry.ca.as_deref());
    let keys = Shared::after(None).of(&known.issuer, known.jwks_url.as_ref(), ca, &http);
    keys.current(now).await.map(drop).map_err(|error| error.to_string())
}
