//! Owns: `idps.yaml`: further login providers, and the issuers whose tokens bearer routes are to take.

mod client;
mod file;

use std::collections::BTreeMap;
use std::path::Path;

use shell::config::{Settings, yaml};
use shell::origin::Origin;
use url::Url;

use crate::oidc::{ClientAuth, OidcConfig};
use file::{ClaimsFile, ClientFile, IdpFile, IdpsFile};

/// Longest name of an entry.
const NAME_MAX: usize = 64;

/// What the file says.
#[derive(Debug, Default)]
pub struct Idps {
    /// Login providers beside the main one, by the name that `/auth/login?idp=` chooses.
    pub login: BTreeMap<String, LoginProvider>,
    /// Who may issue tokens for bearer routes, in the order of the file.
    pub bearer: Vec<BearerIssuer>,
}

/// A login provider beside the one of the `OIDC_*` settings.
#[derive(Debug)]
pub struct LoginProvider {
    /// The relying party.
    pub oidc: OidcConfig,
    /// PEM; an authority trusted for this provider beside the system's.
    pub ca: Option<Vec<u8>>,
}

/// An issuer of bearer tokens for one audience.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BearerIssuer {
    /// Unique in the file.
    pub name: String,
    /// Compared character for character with `iss`.
    pub issuer: String,
    /// Must be in `aud`.
    pub audience: String,
    /// Where its keys are; from discovery if absent.
    pub jwks_url: Option<Url>,
    /// Where roles are found: claim names, nested by dots. `None` for the product's own list.
    pub role_claims: Option<Vec<String>>,
    /// Where permissions are found, likewise.
    pub permission_claims: Option<Vec<String>>,
}

impl Idps {
    /// `idps.yaml` in `BFF_CONFIG_DIR`, noting all problems in `settings`; empty if there is no such file.
    pub(super) fn read(settings: &mut Settings) -> Self {
        let directory = settings.text("BFF_CONFIG_DIR");
        let path = Path::new(directory.as_deref().unwrap_or("/app/config")).join("idps.yaml");
        if !path.exists() {
            return Self::default();
        }
        match yaml::load::<IdpsFile>(&path, settings) {
            Ok(file) => Self::of(file, settings),
            Err(problem) => {
                settings.add(problem);
                Self::default()
            }
        }
    }

    fn of(file: IdpsFile, settings: &mut Settings) -> Self {
        let mut idps = Self::default();
        let mut names = Vec::new();
        for (index, entry) in file.idps.into_iter().enumerate() {
            let mut entry = Entry::new(index, entry, settings);
            if names.contains(&entry.file.name) {
                entry.problem("name", "is that of another entry", "Give each its own name.");
            }
            names.push(entry.file.name.clone());
            entry.check();
            let login = entry.file.client.take();
            idps.bearer.extend(entry.bearer(login.is_some()));
            if let Some(provider) = login.and_then(|client| entry.login_provider(client)) {
                idps.login.insert(entry.file.name, provider);
            }
        }
        idps
    }
}

/// One entry, and where its problems go.
struct Entry<'a> {
    file: IdpFile,
    place: String,
    settings: &'a mut Settings,
}

impl<'a> Entry<'a> {
    fn new(index: usize, file: IdpFile, settings: &'a mut Settings) -> Self {
        let named = is_name(&file.name);
        let place = if named { file.name.clone() } else { format!("number {}", index + 1) };
        Self { file, place: format!("idps.yaml: idp {place}"), settings }
    }

    fn problem(&mut self, key: &str, problem: &str, hint: &str) {
        self.settings.problem(&format!("{}: {key}", self.place), problem, hint);
    }

    /// What holds for every kind of entry.
    fn check(&mut self) {
        if !is_name(&self.file.name) {
            let hint = "Use 1 to 64 letters, digits, dots, hyphens and underscores.";
            self.problem("name", "is not a name", hint);
        }
        let names = |claims: &ClaimsFile| {
            let lists = [claims.roles.clone(), claims.permissions.clone()];
            lists.into_iter().flatten().flatten().collect::<Vec<_>>()
        };
        let names = self.file.claims_mapping.as_ref().map(names).unwrap_or_default();
        if names.iter().any(|name| name.split('.').any(str::is_empty)) {
            let hint = "Name claims such as roles or realm_access.roles.";
            self.problem("claims_mapping", "holds something that is no claim's name", hint);
        }
    }

    /// The entry as an issuer of bearer tokens, if it names the audience that they must have.
    fn bearer(&mut self, logs_in: bool) -> Option<BearerIssuer> {
        let Some(audience) = self.file.audience.clone().filter(|text| !text.is_empty()) else {
            if !logs_in {
                let hint = "Name the audience of its tokens, or add a client to log in with it.";
                self.problem("audience", "is required and not set", hint);
            }
            return None;
        };
        // A login provider's issuer is checked with its client.
        let issuer = self.file.issuer.clone();
        let checked = OidcConfig::new(issuer.clone(), "none".to_owned(), ClientAuth::None).check();
        if let (Err(reason), false) = (checked, logs_in) {
            let hint = "Give the issuer's exact URL: https, or http on loopback.";
            self.problem("issuer", &format!("is not acceptable ({reason})"), hint);
        }
        let jwks_url = self.file.jwks_url.as_deref().map(key_url);
        if jwks_url == Some(None) {
            let hint = "Give an https URL; http is for loopback hosts only.";
            self.problem("jwks_url", "is not acceptable", hint);
        }
        let claims = self.file.claims_mapping.clone().unwrap_or_default();
        Some(BearerIssuer {
            name: self.file.name.clone(),
            issuer,
            audience,
            jwks_url: jwks_url.flatten(),
            role_claims: claims.roles,
            permission_claims: claims.permissions,
        })
    }

    fn login_provider(&mut self, client: ClientFile) -> Option<LoginProvider> {
        // Any provider could lead the browser to another one and be sent that one's code. `iss` tells
        // (RFC 9700 section 4.4.2); there is one redirect URI, which cannot.
        let require_iss = client.require_iss.unwrap_or(true);
        let claims = self.file.claims_mapping.clone().unwrap_or_default();
        let for_bearer = [
            ("jwks_url", self.file.jwks_url.is_some()),
            ("claims_mapping.permissions", claims.permissions.is_some()),
        ];
        for (key, _) in
            for_bearer.iter().filter(|(_, given)| *given && self.file.audience.is_none())
        {
            let place = &self.place;
            self.settings.warn(format!(
                "{place}: {key} is for bearer tokens, which need an audience; logins do not use it"
            ));
        }
        let (mut oidc, ca) = client::read(&self.file.issuer, client, &self.place, self.settings)?;
        oidc.require_iss_parameter |= require_iss;
        if let Some(roles) = claims.roles {
            oidc.role_claims = roles;
        }
        Some(LoginProvider { oidc, ca })
    }
}

/// It stands in addresses and in logs.
fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=NAME_MAX).contains(&text.len()) && text.bytes().all(plain)
}

/// Keys decide who is believed, so they come over TLS or from this machine.
fn key_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let origin = Origin::parse(&url.origin().ascii_serialization())?;
    (url.scheme() == "https" || origin.is_loopback()).then_some(url)
}

#[cfg(test)]
mod tests;
