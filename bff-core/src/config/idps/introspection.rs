//! Owns: the `introspection` block of an entry of `idps.yaml` (RFC 7662).

use shell::config::Settings;
use shell::idps::{Entry, Span, key_url};
use url::Url;

use super::file::ClientFile;
use super::{LoginProvider, client};

/// How long an answer of the issuer counts, in seconds, unless the file says less or more.
const DEFAULT_TTL: u64 = 60;
/// Longer, and a token that was revoked would live for too long.
const MAX_TTL: u64 = 300;

/// Asking the issuer about tokens that say nothing by themselves.
#[derive(Debug)]
pub struct Introspection {
    /// Its endpoint; from discovery if absent.
    pub url: Option<Url>,
    /// For how many seconds an answer counts.
    pub ttl: u64,
    /// Our registration for it; `None` for the entry's own client, or the main one of the same issuer.
    pub client: Option<LoginProvider>,
}

/// The block as it is meant; its problems are told.
pub(super) fn read(
    entry: &mut Entry<ClientFile>,
    logs_in: bool,
    settings: &mut Settings,
) -> Option<Introspection> {
    let file = entry.file.introspection.take()?;
    let url = file.url.as_deref().map(key_url);
    if url == Some(None) {
        let hint = "Give an https URL; http is for loopback hosts only.";
        entry.problem("introspection.url", "is not acceptable", hint, settings);
    }
    let ttl = file.ttl.as_ref().map_or(Ok(DEFAULT_TTL), seconds);
    if let Err(problem) = &ttl {
        let hint = "Give 1 to 300 seconds; the default is 60s.";
        entry.problem("introspection.ttl", problem, hint, settings);
    }
    let issuer = &entry.file.issuer;
    let is_main = settings.text("OIDC_ISSUER").is_some_and(|main| main == *issuer);
    if file.client.is_none() && !logs_in && !is_main {
        let hint = "Say under introspection.client which client asks.";
        entry.problem("introspection.client", "is required and not set", hint, settings);
    }
    let client = match file.client {
        None => None,
        Some(client) => {
            let place = format!("{}: introspection", entry.place());
            let (oidc, ca) = client::read(issuer, client, &place, settings)?;
            Some(LoginProvider { oidc, ca })
        }
    };
    Some(Introspection { url: url.flatten(), ttl: ttl.ok()?, client })
}

fn seconds(span: &Span) -> Result<u64, String> {
    match span.seconds()? {
        seconds if seconds > MAX_TTL => Err("is longer than 5m".to_owned()),
        seconds => Ok(seconds),
    }
}
