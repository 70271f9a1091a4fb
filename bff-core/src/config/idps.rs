//! Owns: `idps.yaml`: further login providers, and the issuers whose tokens bearer routes are to take.

mod client;
mod file;
mod introspection;

use std::collections::BTreeMap;

use shell::config::{Settings, yaml};
use shell::idps::{BearerIssuer, Entry, FILE, IdpsFile};

use crate::oidc::OidcConfig;
pub(super) use client::of_tenant as client_of_tenant;
pub(super) use file::ClientFile;
pub use introspection::Introspection;

/// What the file says.
#[derive(Debug, Default)]
pub struct Idps {
    /// Login providers beside the main one, by the name that `/auth/login?idp=` chooses.
    pub login: BTreeMap<String, LoginProvider>,
    /// Who may issue tokens for bearer routes, in the order of the file.
    pub bearer: Vec<BearerEntry>,
}

/// A relying party, and whom it trusts.
#[derive(Debug, Clone)]
pub struct LoginProvider {
    /// The relying party.
    pub oidc: OidcConfig,
    /// PEM; an authority trusted for this provider beside the system's.
    pub ca: Option<Vec<u8>>,
}

/// An issuer of bearer tokens, and how they are judged.
#[derive(Debug)]
pub struct BearerEntry {
    /// What both programs read of it.
    pub known: BearerIssuer,
    /// PEM; an authority trusted for its keys beside the system's.
    pub ca: Option<Vec<u8>>,
    /// How its opaque tokens are judged; without it they are refused.
    pub introspection: Option<Introspection>,
}

impl Idps {
    /// What `text` says, noting all problems in `settings`.
    pub(super) fn parse(text: &str, settings: &mut Settings) -> Self {
        match yaml::parse::<IdpsFile<ClientFile>>(FILE, text, settings) {
            Ok(file) => Self::of(file, settings),
            Err(problem) => {
                settings.add(problem);
                Self::default()
            }
        }
    }

    fn of(file: IdpsFile<ClientFile>, settings: &mut Settings) -> Self {
        let mut idps = Self::default();
        let mut names = Vec::new();
        for (index, entry) in file.idps.into_iter().enumerate() {
            let mut entry = Entry::new(index, entry, &names, settings);
            names.push(entry.file.name.clone());
            let client = entry.file.client.take();
            let logs_in = client.is_some();
            if let Some(known) = entry.bearer(logs_in, settings) {
                let ca = authority(&entry, settings);
                let asking = introspection::read(&mut entry, logs_in, settings);
                idps.bearer.push(BearerEntry { known, ca, introspection: asking });
            }
            let provider = client.and_then(|client| login_provider(&entry, client, settings));
            if let Some(provider) = provider {
                idps.login.insert(entry.file.name, provider);
            }
        }
        idps
    }
}

fn login_provider(
    entry: &Entry<ClientFile>,
    client: ClientFile,
    settings: &mut Settings,
) -> Option<LoginProvider> {
    // Any provider could lead the browser to another one and be sent that one's code. `iss` tells
    // (RFC 9700 section 4.4.2); there is one redirect URI, which cannot.
    let require_iss = client.require_iss.unwrap_or(true);
    let (file, place) = (&entry.file, entry.place());
    let claims = file.claims_mapping.clone().unwrap_or_default();
    let for_bearer = [
        ("jwks_url", file.jwks_url.is_some()),
        ("tls_ca", file.tls_ca.is_some()),
        ("introspection", file.introspection.is_some()),
        ("claims_mapping.permissions", claims.permissions.is_some()),
    ];
    for (key, _) in for_bearer.iter().filter(|(_, given)| *given && file.audience.is_none()) {
        let warning = "is for bearer tokens, which need an audience; logins do not use it";
        settings.warn(&format!("{place}: {key}"), warning, "Add an audience, or remove it.");
    }
    let (mut oidc, ca) = client::read(&file.issuer, client, place, settings)?;
    oidc.require_iss_parameter |= require_iss;
    if let Some(roles) = claims.roles {
        oidc.role_claims = roles;
    }
    Some(LoginProvider { oidc, ca })
}

/// What is read of a PEM file.
fn authority(entry: &Entry<ClientFile>, settings: &mut Settings) -> Option<Vec<u8>> {
    let own = Settings::from_pairs([("tls_ca", entry.file.tls_ca.clone()?)]);
    let mut own = own.on_behalf_of(settings);
    let pem = own.pem("tls_ca");
    if pem.is_none() {
        let hint = "Give PEM, or the path of a PEM file.";
        entry.problem("tls_ca", "cannot be read", hint, settings);
    }
    pem
}

#[cfg(test)]
mod tests;
