//! Owns: judging the tokens that callers of `bearer` and `hybrid` routes show (RFC 6750, 7662, 9068, 9449).
//!
//! JWTs go through `validator-lib`, opaque tokens to their issuer; both meet the same rules. Which issuers
//! count is said by `idps.yaml`, and narrowed by a route.

mod entry;
mod introspect;
mod keys;
mod look;
mod opaque;
mod refused;
mod replay;
mod shown;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use secrecy::SecretString;
use session::any::AnyStore;
use session::denied::{self, ShownToken};
use session::header_text;
use shell::clock::Clock;
use shell::origin::Origin;
use shell::random::Random;
use shell::shutdown::Shutdown;
use validator_lib::{Incoming, Validator};

use crate::app::SetupError;
use crate::config::{Idps, Tenancy};
use crate::oidc::{claim_at, scalar};
use entry::Entry;
use introspect::Introspector;
use replay::StoreReplay;
use shown::Shown;

pub(crate) use look::look;
pub use refused::TokenRefused;
pub(crate) use shown::shows_token;

/// A token that a caller showed, and that is good for this request. Only [`Bearers::check`] makes one.
#[derive(Debug)]
pub(crate) struct CallerToken {
    /// The token itself.
    pub(crate) text: SecretString,
    /// Who issued it.
    pub(crate) issuer: String,
    /// Its `sub`, or the program's name; never empty.
    pub(crate) subject: String,
    /// `jti`, if it has one.
    id: Option<String>,
    /// `iat`, if it has one.
    issued_at: Option<u64>,
    /// Whom it speaks for, by the user id claim of our registration there; empty where it speaks for a program alone.
    pub(crate) user_id: String,
    /// The same as it stands in a header, of a session's user too.
    pub(crate) user_id_text: String,
    /// What it was granted: `scope` or `scp`, and the permissions of the claims mapping.
    pub(crate) scopes: Vec<String>,
    /// The roles of the claims mapping.
    pub(crate) roles: Vec<String>,
}

/// What a route asks of the tokens that it takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// Entries of `idps.yaml`; all if empty.
    pub(crate) idps: &'a [String],
    /// Our origin in the caller's eyes, where proofs are taken.
    pub(crate) origin: Option<&'a Origin>,
}

/// The entries that a route takes, and the origin that proofs are for.
type Taken = (Vec<String>, Option<String>);

/// The issuers of bearer tokens, and what is remembered of their tokens.
pub struct Bearers {
    issuers: ArcSwap<Issuers>,
    introspector: Introspector,
    store: AnyStore,
    replay: StoreReplay,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

/// What they are made with.
pub(crate) struct Common {
    pub(crate) store: AnyStore,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) tasks: Shutdown,
}

/// The issuers of one `idps.yaml`.
pub(crate) struct Issuers {
    entries: Vec<Arc<Entry>>,
    keys: keys::Shared,
    /// By the entries and the origin that a route takes. Both come from the configuration, so there are few.
    validators: Mutex<HashMap<Taken, Validator>>,
}

impl Issuers {
    fn new(
        idps: &Idps,
        tenancy: &Tenancy,
        random: &Arc<dyn Random>,
        before: Option<&Self>,
    ) -> Result<Self, SetupError> {
        let mut keys = keys::Shared::after(before.map(|issuers| &issuers.keys));
        let mut entries = Vec::new();
        for issuer in &idps.bearer {
            let registration = entry::registration(issuer, idps, tenancy);
            entries.push(Arc::new(Entry::new(issuer, registration, &mut keys, random)?));
        }
        Ok(Self { entries, keys: keys.used(), validators: Mutex::default() })
    }

    /// Those that a route takes.
    fn entries(&self, names: &[String]) -> Vec<Arc<Entry>> {
        let wanted = |entry: &&Arc<Entry>| names.is_empty() || names.contains(&entry.name);
        self.entries.iter().filter(wanted).cloned().collect()
    }
}

impl fmt::Debug for Bearers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let issuers = self.issuers.load();
        f.debug_struct("Bearers").field("entries", &issuers.entries).finish_non_exhaustive()
    }
}

impl Bearers {
    /// Puts them together. Calls nobody.
    ///
    /// # Errors
    /// [`SetupError`] if TLS or a registration cannot be set up.
    pub(crate) fn new(idps: &Idps, tenancy: &Tenancy, common: Common) -> Result<Self, SetupError> {
        let issuers = Issuers::new(idps, tenancy, &common.random, None)?;
        let Common { store, clock, random, tasks } = common;
        Ok(Self {
            issuers: ArcSwap::from_pointee(issuers),
            introspector: Introspector::new(tasks),
            replay: StoreReplay::new(store.clone(), Arc::clone(&random)),
            store,
            clock,
            random,
        })
    }

    /// The issuers of `idps`, for [`Bearers::take`]. Keys that are known stay known.
    ///
    /// # Errors
    /// As [`Bearers::new`].
    pub(crate) fn others(&self, idps: &Idps, tenancy: &Tenancy) -> Result<Issuers, SetupError> {
        Issuers::new(idps, tenancy, &self.random, Some(&self.issuers.load()))
    }

    /// Puts `issuers` in the place of those there are. What is under way goes on as it began.
    pub(crate) fn take(&self, issuers: Issuers) {
        self.issuers.store(Arc::new(issuers));
    }

    /// Judges the token of a request.
    ///
    /// # Errors
    /// [`TokenRefused`], which is a whole answer; 503 where it is not the caller's fault.
    ///
    /// # Cancel safety
    /// Dropped, a proof may count as used.
    pub(crate) async fn check(
        &self,
        head: &Parts,
        asked: Asked<'_>,
    ) -> Result<CallerToken, TokenRefused> {
        let token = self.judge(head, asked).await?;
        self.check_denied(&token).await?;
        Ok(token)
    }

    /// Whether nobody has taken the token back, or all of its user (class T15).
    async fn check_denied(&self, token: &CallerToken) -> Result<(), TokenRefused> {
        let shown = ShownToken {
            issuer: &token.issuer,
            id: token.id.as_deref(),
            users: [&token.subject, &token.user_id],
            issued_at: token.issued_at,
        };
        match denied::is_denied(&self.store, &shown).await {
            Ok(false) => Ok(()),
            Ok(true) => Err(TokenRefused::invalid("revoked")),
            Err(error) => {
                tracing::warn!(reason = error.reason(), "list of denied tokens not read");
                Err(TokenRefused::unavailable(error.reason()))
            }
        }
    }

    async fn judge(&self, head: &Parts, asked: Asked<'_>) -> Result<CallerToken, TokenRefused> {
        let issuers = self.issuers.load_full();
        let entries = issuers.entries(asked.idps);
        if let Some(token) = Shown::opaque(&head.headers)
            && let Some(asking) = entries.iter().find(|entry| entry.introspection.is_some())
        {
            let now = self.clock.unix_seconds();
            let answer = self.introspector.ask(asking, token, now).await?;
            return opaque::judge(&answer, &entries, asking, token, now);
        }
        self.check_jwt(head, asked, &issuers, &entries).await
    }

    async fn check_jwt(
        &self,
        head: &Parts,
        asked: Asked<'_>,
        issuers: &Issuers,
        entries: &[Arc<Entry>],
    ) -> Result<CallerToken, TokenRefused> {
        let validator = self.validator(asked, issuers, entries)?;
        let (authorization, dpop) =
            (lines(&head.headers, AUTHORIZATION.as_str()), lines(&head.headers, "dpop"));
        let incoming = Incoming {
            method: head.method.as_str(),
            path: head.uri.path(),
            authorization: &authorization,
            dpop: &dpop,
            certificate: None,
        };
        let token = validator.check_incoming(&incoming).await?;
        let shown = Shown::read(&head.headers).ok_or_else(TokenRefused::missing)?;
        let entry = entries.iter().find(|entry| entry.issuer == token.issuer());
        let user_id = match entry.map_or("sub", |entry| entry.user_id_claim.as_str()) {
            "sub" => Some(token.subject().to_owned()),
            claim => {
                let claims = token.claims::<serde_json::Map<_, _>>().unwrap_or_default();
                claim_at(&claims, claim).and_then(scalar)
            }
        };
        Ok(CallerToken {
            text: shown.token.to_owned().into(),
            issuer: token.issuer().to_owned(),
            subject: token.subject().to_owned(),
            id: token.id().map(str::to_owned),
            issued_at: token.issued_at(),
            user_id_text: header_text::encode(user_id.as_deref().unwrap_or_default()),
            user_id: user_id.unwrap_or_default(),
            scopes: token.scopes().to_vec(),
            roles: token.roles().to_vec(),
        })
    }

    fn validator(
        &self,
        asked: Asked<'_>,
        issuers: &Issuers,
        entries: &[Arc<Entry>],
    ) -> Result<Validator, TokenRefused> {
        let origin = asked.origin.map(|origin| origin.as_str().to_owned());
        let key = (asked.idps.to_vec(), origin);
        let mut validators = issuers.validators.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(validator) = validators.get(&key) {
            return Ok(validator.clone());
        }
        let validator = self.build(entries, key.1.clone())?;
        validators.insert(key, validator.clone());
        Ok(validator)
    }

    fn build(
        &self,
        entries: &[Arc<Entry>],
        origin: Option<String>,
    ) -> Result<Validator, TokenRefused> {
        // Nobody is trusted with anything where no entry is taken.
        let (first, more) = entries.split_first().ok_or_else(TokenRefused::no_issuer)?;
        let clock = Arc::clone(&self.clock);
        let mut builder = first.builder().clock(move || clock.unix_seconds());
        for entry in more {
            builder = builder.trust(entry.trusted());
        }
        if let Some(origin) = origin {
            builder = builder.origin(origin).shared_replay(self.replay.clone());
        }
        builder.with_remote_keys(first.keys()).map_err(|error| {
            tracing::error!(%error, "bearer tokens cannot be checked");
            TokenRefused::unavailable("bearer_setup")
        })
    }
}

/// Two lines are as wrong as a thousand.
fn lines<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a [u8]> {
    headers.get_all(name).iter().map(HeaderValue::as_bytes).take(2).collect()
}
