//! Owns: what a logout token does: which sessions it means, and their end.

use std::sync::Arc;

use futures_util::future::try_join_all;
use session::id::StoreKey;
use session::record::Management;
use session::shelf::Shelf as _;
use session::store::{IndexKey, Store as _, StoreError};

use super::Failure;
use crate::app::App;
use crate::oidc::{LogoutScope, LogoutToken};
use crate::sessions::Cause;

/// Sessions that are read at a time.
const AT_A_TIME: usize = 64;

/// A client of ours that a token is for: a tenant's, at one of its providers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Client {
    pub(super) tenant: String,
    /// `None` for the main one.
    pub(super) provider: Option<String>,
}

impl Client {
    fn made(&self, session: &Management) -> bool {
        self.tenant == session.tenant && self.provider == session.provider
    }
}

/// What a logout token ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// So many sessions, perhaps none.
    Sessions(usize),
    /// Nothing: it was carried out before.
    Before,
}

impl Ended {
    /// Stable code for metrics and logs.
    pub(super) const fn outcome(self) -> &'static str {
        match self {
            Self::Sessions(_) => "done",
            Self::Before => "repeated",
        }
    }

    pub(super) const fn sessions(self) -> usize {
        match self {
            Self::Sessions(count) => count,
            Self::Before => 0,
        }
    }
}

/// Ends what `token` means, unless that was done before. It is remembered after the deed: a failure on
/// the way makes the issuer send it again, and then it counts.
pub(super) async fn once(
    app: &Arc<App>,
    clients: &[Client],
    token: &LogoutToken,
) -> Result<Ended, Failure> {
    let note = format!("logout:{}", token.name);
    if app.store.note(&note).await?.is_some() {
        return Ok(Ended::Before);
    }
    let meant = meant(app, clients, token).await?;
    let count = app.end_keys(&meant, Cause::idp("backchannel_logout")).await?;
    app.store.put_note(&note, "".into(), Some(token.replayable_for)).await?;
    Ok(Ended::Sessions(count))
}

/// The sessions that `token` means. Logins in flight are told first: one that is stored while we read
/// finds the tombstone.
async fn meant(
    app: &Arc<App>,
    clients: &[Client],
    token: &LogoutToken,
) -> Result<Vec<StoreKey>, Failure> {
    let mut meant = Vec::new();
    for index in clients.iter().flat_map(|client| lists(&client.tenant, token)) {
        app.end_logins(&index).await?;
        let listed = app.store.index_list(&index).await?;
        for batch in listed.chunks(AT_A_TIME) {
            let read = try_join_all(batch.iter().map(|key| management(app, key))).await?;
            for (key, management) in batch.iter().zip(read) {
                match management.map(|management| judge(&management, clients, token)) {
                    Some(Verdict::Meant) => meant.push(*key),
                    Some(Verdict::Contradiction) => return Err("logout_token_sub".into()),
                    Some(Verdict::NotMeant) | None => {}
                }
            }
        }
    }
    meant.sort_unstable();
    meant.dedup();
    Ok(meant)
}

/// A subject's sessions stand in the user's list where user id and `sub` are the same, else in its own.
fn lists(tenant: &str, token: &LogoutToken) -> Vec<IndexKey> {
    let issuer = &token.issuer;
    match &token.scope {
        LogoutScope::Session { sid, .. } => vec![IndexKey::idp_session(tenant, issuer, sid)],
        LogoutScope::Subject(subject) => vec![
            IndexKey::user(tenant, issuer, subject),
            IndexKey::subject(tenant, issuer, subject),
        ],
    }
}

enum Verdict {
    Meant,
    NotMeant,
    /// The issuer says two things of one session.
    Contradiction,
}

/// What stands under the seal counts, not the list: a user id may be spelled like another user's `sub`,
/// and two of our clients at one issuer share its sessions.
fn judge(management: &Management, clients: &[Client], token: &LogoutToken) -> Verdict {
    if management.issuer != token.issuer || !clients.iter().any(|client| client.made(management)) {
        return Verdict::NotMeant;
    }
    match &token.scope {
        LogoutScope::Session { sid, .. } if management.idp_session.as_ref() != Some(sid) => {
            Verdict::NotMeant
        }
        LogoutScope::Session { subject: Some(subject), .. } if *subject != management.subject => {
            Verdict::Contradiction
        }
        LogoutScope::Subject(subject) if *subject != management.subject => Verdict::NotMeant,
        LogoutScope::Session { .. } | LogoutScope::Subject(_) => Verdict::Meant,
    }
}

/// The management part of a session; `None` if it has ended, or nobody can use it any more.
async fn management(app: &App, key: &StoreKey) -> Result<Option<Management>, StoreError> {
    let Some(stored) = app.store.load(key).await? else { return Ok(None) };
    match app.config.session_keys.open_management(key, &stored.management) {
        Ok(management) => Ok(Some(management)),
        Err(error) => {
            tracing::warn!(session = key.short(), reason = error.reason(), "session not believed");
            Ok(None)
        }
    }
}
