//! Owns: the user context: what the configured sources say of a user, kept under the seal of the session's
//! token part. Services are told of it by name (`inject`), the browser what `browser` lists.
//!
//! It is read at login, where a required source that is away means no login, and again when it is used and
//! older than `refresh`: in the background, once for all who ask. What a source said last stands while it is
//! away.

mod flight;
mod http;
mod read;
mod url;

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use serde_json::{Map, Value};
use session::id::StoreKey;
use session::record::UserContext;

pub use url::UrlTemplate;

use crate::app::App;
use crate::config::{ContextSettings, SourceKind};
use crate::error::ApiError;
use crate::http_client::{HttpClient, HttpSetupError};
use crate::oidc::{IdClaims, LoggedIn, RelyingParty};
use crate::sessions::ActiveSession;
use crate::single_flight::SingleFlight;
use flight::Flight;
use read::About;

/// Longest wait of a request for a source that never answered before.
const PATIENCE: Duration = Duration::from_secs(12);

/// Seconds for which a source that was away is left alone.
const REST: u64 = 5;

/// What is under way about user contexts. Made once at start.
#[derive(Debug)]
pub struct UserContexts {
    http: HttpClient,
    flights: SingleFlight<StoreKey, Option<Arc<UserContext>>>,
    failures: Cache<StoreKey, u64>,
}

impl UserContexts {
    /// Nothing yet.
    ///
    /// # Errors
    /// [`HttpSetupError`] if TLS cannot be set up.
    pub fn new() -> Result<Self, HttpSetupError> {
        let bounded = Cache::builder().max_capacity(100_000);
        Ok(Self {
            http: HttpClient::new(None)?,
            flights: SingleFlight::default(),
            failures: bounded.time_to_live(Duration::from_secs(60)).build(),
        })
    }
}

#[cfg(test)]
impl UserContexts {
    /// Whether any reading is under way.
    pub(crate) fn is_reading(&self) -> bool {
        self.flights.is_flying()
    }
}

impl App {
    /// What the sources say of who just logged in.
    ///
    /// # Errors
    /// [`ApiError::ContextUnavailable`] if a required one says nothing.
    pub(crate) async fn first_context(
        &self,
        login: &LoggedIn,
        party: &RelyingParty,
        tenant_id: &str,
    ) -> Result<UserContext, ApiError> {
        let mut context = UserContext::default();
        let settings = &self.config.user_context;
        let about = About {
            party,
            tokens: Some(&login.tokens),
            dpop_key: login.dpop_key.as_ref(),
            subject: &login.claims.subject,
            user_id: &login.claims.user_id,
            tenant_id,
        };
        self.note_claims(&mut context, &login.claims);
        let due = |name: &str| is_due(settings, &context, name, self.now());
        let asked = settings.sources.iter().filter(|source| due(&source.name)).collect();
        let told = read::read(self, asked, &about).await;
        for (source, told) in told {
            let kept = told.and_then(|told| read::add(settings, &mut context, source, told));
            if let (Err(reason), true) = (kept, source.required) {
                return Err(ApiError::ContextUnavailable(reason));
            }
        }
        Ok(context)
    }

    /// Takes over what an ID token says.
    pub(crate) fn note_claims(&self, context: &mut UserContext, claims: &IdClaims) {
        let settings = &self.config.user_context;
        let claimed = |kind: &SourceKind| matches!(kind, SourceKind::Claims);
        for source in settings.sources.iter().filter(|source| claimed(&source.kind)) {
            let told = read::taken(source, &Value::Object(claims.all.clone()), self.now());
            if let Err(reason) = read::add(settings, context, source, told) {
                tracing::warn!(source = source.name, reason, "source of the user context left out");
            }
        }
    }

    /// The user context of a session, for one who needs these values of it. What is old is read again in
    /// the background; a source that a value is needed of and that never answered is waited for.
    ///
    /// # Errors
    /// [`ApiError::Unauthenticated`] if the session's tokens do not open.
    ///
    /// # Cancel safety
    /// Dropped, it leaves the reading going on.
    pub(crate) async fn user_context(
        self: &Arc<Self>,
        session: &ActiveSession,
        needed: &[&str],
    ) -> Result<Arc<UserContext>, ApiError> {
        let context = Arc::new(self.tokens(session)?.context);
        let Some(reading) = self.reread_if_due(session, &context) else { return Ok(context) };
        let settings = &self.config.user_context;
        let unread = |name: &&str| {
            let place = settings.place(name);
            place.is_some_and(|place| !context.0.contains_key(&place.source.name))
        };
        if !needed.iter().any(unread) {
            return Ok(context);
        }
        let read = tokio::time::timeout(PATIENCE, reading.result()).await;
        Ok(read.ok().flatten().flatten().unwrap_or(context))
    }

    /// Begins to read what is old again, unless that failed a moment ago.
    pub(crate) fn reread_if_due(
        self: &Arc<Self>,
        session: &ActiveSession,
        context: &UserContext,
    ) -> Option<crate::single_flight::Wait<Option<Arc<UserContext>>>> {
        let (settings, now) = (&self.config.user_context, self.now());
        if !settings.sources.iter().any(|source| is_due(settings, context, &source.name, now)) {
            return None;
        }
        let failed = self.user_contexts.failures.get(&session.key);
        if failed.is_some_and(|at| now.abs_diff(at) < REST) {
            return None;
        }
        let flight = || Flight::new(self, session).run();
        Some(self.user_contexts.flights.begin(session.key, &self.shutdown, flight))
    }
}

/// Whether a source is to be asked. Claims come with ID tokens and by no other way.
fn is_due(settings: &ContextSettings, context: &UserContext, name: &str, now: u64) -> bool {
    let Some(source) = settings.sources.iter().find(|source| source.name == name) else {
        return false;
    };
    let known = context.0.get(name);
    let is_old = known.is_none_or(|told| now.saturating_sub(told.read_at) >= settings.refresh);
    !matches!(source.kind, SourceKind::Claims) && is_old
}

/// Why a value is not to be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lacking {
    /// Its source said nothing yet.
    Unread,
    /// Its source says nothing of it.
    Missing,
}

/// The value called `name`.
///
/// # Errors
/// [`Lacking`]
pub(crate) fn value<'c>(
    settings: &ContextSettings,
    context: &'c UserContext,
    name: &str,
) -> Result<&'c Value, Lacking> {
    let place = settings.place(name).ok_or(Lacking::Missing)?;
    let told = context.0.get(&place.source.name).ok_or(Lacking::Unread)?;
    let whole = told.values.get(place.name).ok_or(Lacking::Missing)?;
    match place.rest {
        None => Ok(whole),
        Some(rest) => rest.find(whole).ok_or(Lacking::Missing),
    }
}

/// What the user's browser may see of it, by the names that the configuration lists.
pub(crate) fn for_browser(settings: &ContextSettings, context: &UserContext) -> Map<String, Value> {
    let shown = settings.browser.iter().filter_map(|name| {
        let value = value(settings, context, name).ok()?;
        Some((name.clone(), value.clone()))
    });
    shown.collect()
}

#[cfg(test)]
mod tests;
