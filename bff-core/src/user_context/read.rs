//! Owns: asking the sources about one user, all at once, and what is taken from their answers.

use futures_util::future::join_all;
use serde_json::Value;
use session::record::{SourceValues, UserContext};

use super::http;
use crate::app::App;
use crate::config::{ContextSettings, Source, SourceKind};
use crate::metrics;
use crate::oidc::{DpopKey, RelyingParty, TokenSet};

/// Whom the sources are asked about, and by whose token.
pub(super) struct About<'a> {
    pub(super) party: &'a RelyingParty,
    /// A living one, if there is any.
    pub(super) tokens: Option<&'a TokenSet>,
    pub(super) dpop_key: Option<&'a DpopKey>,
    pub(super) subject: &'a str,
    pub(super) user_id: &'a str,
    pub(super) tenant_id: &'a str,
}

/// What each source says, or why it says nothing.
pub(super) type Told<'s> = (&'s Source, Result<SourceValues, &'static str>);

/// Asks `sources`, each for as long as it may take.
pub(super) async fn read<'s>(
    app: &App,
    sources: Vec<&'s Source>,
    about: &About<'_>,
) -> Vec<Told<'s>> {
    let asked = sources.into_iter().map(|source| async move {
        let told = tokio::time::timeout(source.timeout, ask(app, source, about)).await;
        let told = told.unwrap_or(Err("timeout"));
        match &told {
            Ok(_) => metrics::context_read("ok"),
            Err(reason) => {
                metrics::context_read("failed");
                tracing::warn!(source = source.name, reason, "source of the user context is away");
            }
        }
        (source, told.map(|told| taken(source, &told, app.now())))
    });
    join_all(asked).await
}

async fn ask(app: &App, source: &Source, about: &About<'_>) -> Result<Value, &'static str> {
    match &source.kind {
        SourceKind::Claims => Err("claims_not_asked_for"),
        SourceKind::Userinfo => {
            let tokens = about.tokens.ok_or("no_living_token")?;
            let now = app.now();
            let told = about.party.userinfo(tokens, about.dpop_key, about.subject, now).await;
            let told = told.map_err(|error| error.reason())?;
            told.map(Value::Object).ok_or("no_userinfo_endpoint")
        }
        SourceKind::Http { url, shows_token } => {
            let ask = http::Ask { url, shows_token: *shows_token, timeout: source.timeout };
            http::ask(app, &ask, about).await
        }
    }
}

/// What the source's map takes from `told`.
pub(super) fn taken(source: &Source, told: &Value, now: u64) -> SourceValues {
    let found = source.map.iter().filter_map(|(name, path)| {
        let value = path.find(told)?;
        Some((name.clone(), value.clone()))
    });
    SourceValues { read_at: now, values: found.collect() }
}

/// Puts what a source said in the place of what it said before.
///
/// # Errors
/// If the context would be larger than it may be; then it stays as it was.
pub(super) fn add(
    settings: &ContextSettings,
    context: &mut UserContext,
    source: &Source,
    told: SourceValues,
) -> Result<(), &'static str> {
    let others = context.0.iter().filter(|(name, _)| **name != source.name);
    let size: usize = others.map(|(_, told)| size(told)).sum();
    if size + self::size(&told) > settings.max_bytes {
        return Err("context_too_large");
    }
    context.0.insert(source.name.clone(), told);
    Ok(())
}

fn size(told: &SourceValues) -> usize {
    told.values.iter().map(|(name, value)| name.len() + value.to_string().len()).sum()
}
