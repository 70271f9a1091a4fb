//! Owns: the issuers of `idps.yaml` whose bearer tokens policies may take, and where their keys are. The keys of one
//! address are fetched once for all threads, when they are first needed.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use serde::de::IgnoredAny;
use shell::config::{Problem, Settings, yaml};
use shell::idps::{self, BearerIssuer, Entry, IdpsFile, TokenProfile};
use validator_lib::http_fetch::HttpFetch;
use validator_lib::keysource::RemoteKeys;
use validator_lib::{Profile, TrustedIssuer};

/// Issuers by the names of their entries. Clones are one.
#[derive(Debug, Clone, Default)]
pub(crate) struct BearerIssuers(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    by_name: HashMap<String, Issuer>,
    /// What is wrong with the file. Told where a policy needs it: verify has no other use for it.
    problems: Vec<Problem>,
}

#[derive(Debug)]
struct Issuer {
    entry: BearerIssuer,
    /// `None` where the entry does not say where they are.
    keys: Option<RemoteKeys<Arc<HttpFetch>>>,
}

/// Why a policy cannot take the tokens of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotAnIssuer {
    /// There is no such entry, or none with an audience.
    Unknown,
    /// Verify asks nobody where keys are.
    WithoutKeys,
}

impl BearerIssuers {
    /// Those of `idps.yaml` in `BFF_CONFIG_DIR`; none if there is no such file.
    pub(super) fn read(settings: &Settings) -> Self {
        let mut own = settings.anew();
        let directory = own.text("BFF_CONFIG_DIR");
        let path = Path::new(directory.as_deref().unwrap_or("/app/config")).join(idps::FILE);
        // A file that cannot be looked at may well be there.
        let there = path.try_exists().unwrap_or(true);
        let entries = if there { entries(&path, &mut own) } else { Vec::new() };
        let by_name = with_keys(entries, &mut own);
        let problems = match own.finish(Some(())) {
            Ok(_) => Vec::new(),
            Err(problems) => problems.iter().cloned().collect(),
        };
        Self(Arc::new(Inner { by_name, problems }))
    }

    /// Whether a policy may take the tokens of the entry called `name`.
    pub(crate) fn check(&self, name: &str) -> Result<(), NotAnIssuer> {
        let issuer = self.0.by_name.get(name).ok_or(NotAnIssuer::Unknown)?;
        issuer.keys.as_ref().map(|_| ()).ok_or(NotAnIssuer::WithoutKeys)
    }

    /// What is wrong with the file.
    pub(crate) fn problems(&self) -> &[Problem] {
        &self.0.problems
    }

    /// The names and issuers of all entries.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.by_name.values().map(|issuer| (&*issuer.entry.name, &*issuer.entry.issuer))
    }

    /// The entry called `name` as a validator trusts it.
    pub(crate) fn trusted(&self, name: &str) -> Option<TrustedIssuer> {
        let Issuer { entry, keys } = self.0.by_name.get(name)?;
        let mut issuer = TrustedIssuer::new(&entry.issuer, &entry.audience)
            .profile(profile(entry.profile))
            .remote_keys(keys.clone()?);
        if let Some(names) = &entry.role_claims {
            issuer = issuer.role_claims(names);
        }
        if let Some(names) = &entry.permission_claims {
            issuer = issuer.scope_claims(names);
        }
        Some(issuer)
    }
}

fn entries(path: &Path, settings: &mut Settings) -> Vec<BearerIssuer> {
    let file = match yaml::load::<IdpsFile<IgnoredAny>>(path, settings) {
        Ok(file) => file,
        Err(problem) => {
            settings.add(problem);
            return Vec::new();
        }
    };
    let (mut names, mut entries) = (Vec::new(), Vec::new());
    for (index, entry) in file.idps.into_iter().enumerate() {
        let entry = Entry::new(index, entry, &names, settings);
        names.push(entry.file.name.clone());
        // What is only wrong with a login is `bff`'s to tell.
        if entry.file.audience.is_some() || entry.file.client.is_none() {
            entries.extend(entry.bearer(false, settings));
        }
    }
    entries
}

fn with_keys(entries: Vec<BearerIssuer>, settings: &mut Settings) -> HashMap<String, Issuer> {
    let fetch =
        if entries.iter().any(|entry| entry.jwks_url.is_some()) { fetch(settings) } else { None };
    let mut by_url: HashMap<String, RemoteKeys<Arc<HttpFetch>>> = HashMap::new();
    let mut keys = |url: &str| {
        let fetch = fetch.clone()?;
        let keys = by_url.entry(url.to_owned());
        Some(keys.or_insert_with(|| RemoteKeys::new(fetch, url)).clone())
    };
    let issuer = |entry: BearerIssuer| {
        let keys = entry.jwks_url.as_ref().and_then(|url| keys(url.as_str()));
        (entry.name.clone(), Issuer { entry, keys })
    };
    entries.into_iter().map(issuer).collect()
}

fn fetch(settings: &mut Settings) -> Option<Arc<HttpFetch>> {
    const NAME: &str = "OIDC_TLS_CA";
    let fetch = match settings.pem(NAME) {
        Some(pem) => HttpFetch::with_extra_roots(&pem),
        None => HttpFetch::new(),
    };
    if fetch.is_err() {
        let hint = "Give the certificate of the authority that signed the issuer's.";
        settings.problem(NAME, "holds no usable PEM certificate", hint);
    }
    fetch.ok().map(Arc::new)
}

const fn profile(profile: TokenProfile) -> Profile {
    match profile {
        TokenProfile::Rfc9068 => Profile::Rfc9068,
        TokenProfile::Entra => Profile::Entra,
        TokenProfile::Keycloak => Profile::Keycloak,
        TokenProfile::Cognito => Profile::Cognito,
        TokenProfile::Auth0 => Profile::Auth0,
    }
}
