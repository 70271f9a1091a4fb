//! Owns: the issuers of `idps.yaml` whose bearer tokens policies may take, and where their keys are. The keys of one
//! address are fetched once for all threads, when they are first needed.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use futures_util::future::join_all;
use serde::de::IgnoredAny;
use shell::check::Findings;
use shell::config::{Problem, Settings, yaml};
use shell::idps::{self, BearerIssuer, Entry, IdpsFile, TokenProfile};
use shell::reach::PATIENCE;
use shell::reload::{Fingerprint, Watched, WatchedFile};
use tokio::time::timeout;
use validator_lib::http_fetch::HttpFetch;
use validator_lib::keysource::RemoteKeys;
use validator_lib::{Profile, TrustedIssuer};

/// The issuers as they are now, for all threads. Clones are one.
#[derive(Debug, Clone, Default)]
pub(crate) struct BearerIssuers(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    now: ArcSwap<Issuers>,
    /// The file, and the variables that it may name; `None` where nothing was read.
    source: Option<(PathBuf, Option<Fingerprint>, Settings)>,
}

/// The issuers of one file, by the names of their entries.
#[derive(Debug, Default)]
pub(crate) struct Issuers {
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
        let text = path.try_exists().unwrap_or(true).then(|| yaml::read(&path));
        let first = text.as_ref().and_then(|text| text.as_ref().ok());
        let first = first.map(|text| Fingerprint::of([text.as_bytes()]));
        let now = match text {
            None => Issuers::default(),
            Some(Ok(text)) => Issuers::parse(&text, settings, &Issuers::default()),
            Some(Err(problem)) => Issuers { problems: vec![problem], ..Issuers::default() },
        };
        let source = Some((path, first, settings.anew()));
        Self(Arc::new(Shared { now: ArcSwap::from_pointee(now), source }))
    }

    /// Those there are now.
    pub(crate) fn load(&self) -> Arc<Issuers> {
        self.0.now.load_full()
    }

    /// Fetches the keys of every issuer (`check-config --online`). `now` is in seconds since the epoch.
    pub(crate) async fn look(&self, now: u64) -> Findings {
        let issuers = self.load();
        let looks = issuers.by_name.values().filter_map(|issuer| {
            let keys = issuer.keys.clone()?;
            Some(async move {
                let mut findings = Findings::default();
                let path = format!("idps.yaml: idp {}", issuer.entry.name);
                let hint = "Check jwks_url, OIDC_TLS_CA, and what stands between.";
                match timeout(PATIENCE, keys.current(now)).await {
                    Ok(Ok(_)) => findings.reached(format!("keys of {}", issuer.entry.issuer)),
                    Ok(Err(error)) => {
                        let problem = format!("has no keys that can be had: {error}");
                        findings.problem(&path, &problem, hint);
                    }
                    Err(_) => findings.problem(&path, "has keys that do not come in time", hint),
                }
                findings
            })
        });
        join_all(looks).await.into_iter().fold(Findings::default(), Findings::and)
    }

    /// What exchanges them when the file changes, unless `agree` has something against the new ones. Keys that
    /// were fetched stay known. Install the metrics recorder first.
    pub(crate) fn watched(
        &self,
        agree: impl Fn(&Issuers, &mut Settings) + Send + 'static,
    ) -> Option<Box<dyn Watched>> {
        let (path, first, _) = self.0.source.as_ref()?;
        let shared = Arc::clone(&self.0);
        let take = move |text: &str| {
            let Some((.., settings)) = &shared.source else { return Ok(()) };
            let issuers = Issuers::parse(text, settings, &shared.now.load());
            let mut settings = settings.anew();
            agree(&issuers, &mut settings);
            let (issuers, _) = settings.finish(Some(issuers))?;
            shared.now.store(Arc::new(issuers));
            Ok(())
        };
        Some(Box::new(WatchedFile::new(idps::FILE, path, *first, take)))
    }
}

impl Issuers {
    /// Those of `text`, with the keys that are known from `before`.
    fn parse(text: &str, settings: &Settings, before: &Self) -> Self {
        let mut own = settings.anew();
        let entries = entries(text, &mut own);
        let by_name = with_keys(entries, before, &mut own);
        let problems = match own.finish(Some(())) {
            Ok(_) => Vec::new(),
            Err(problems) => problems.iter().cloned().collect(),
        };
        Self { by_name, problems }
    }

    /// Whether a policy may take the tokens of the entry called `name`.
    pub(crate) fn check(&self, name: &str) -> Result<(), NotAnIssuer> {
        let issuer = self.by_name.get(name).ok_or(NotAnIssuer::Unknown)?;
        issuer.keys.as_ref().map(|_| ()).ok_or(NotAnIssuer::WithoutKeys)
    }

    /// What is wrong with the file.
    pub(crate) fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// The names and issuers of all entries.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.by_name.values().map(|issuer| (&*issuer.entry.name, &*issuer.entry.issuer))
    }

    /// The entry called `name` as a validator trusts it.
    pub(crate) fn trusted(&self, name: &str) -> Option<TrustedIssuer> {
        let Issuer { entry, keys } = self.by_name.get(name)?;
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

    /// The keys at an address.
    fn keys_at(&self, url: &str) -> Option<RemoteKeys<Arc<HttpFetch>>> {
        let at =
            |issuer: &&Issuer| issuer.entry.jwks_url.as_ref().is_some_and(|at| at.as_str() == url);
        self.by_name.values().find(at)?.keys.clone()
    }
}

fn entries(text: &str, settings: &mut Settings) -> Vec<BearerIssuer> {
    let file = match yaml::parse::<IdpsFile<IgnoredAny>>(idps::FILE, text, settings) {
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

fn with_keys(
    entries: Vec<BearerIssuer>,
    before: &Issuers,
    settings: &mut Settings,
) -> HashMap<String, Issuer> {
    let fetch =
        if entries.iter().any(|entry| entry.jwks_url.is_some()) { fetch(settings) } else { None };
    let mut by_url: HashMap<String, RemoteKeys<Arc<HttpFetch>>> = HashMap::new();
    let mut keys = |url: &str| {
        let fetch = fetch.clone()?;
        let keys = by_url.entry(url.to_owned());
        let known = || before.keys_at(url).unwrap_or_else(|| RemoteKeys::new(fetch, url));
        Some(keys.or_insert_with(known).clone())
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
