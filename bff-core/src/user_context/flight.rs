//! Owns: reading the sources again for a session that lives, and keeping what they say.
//!
//! The result goes into the token part by compare-and-set on its bytes, under the version that it has: a
//! refresh of tokens is not disturbed, and a session that ended meanwhile stays ended.

use std::sync::Arc;

use secrecy::ExposeSecret as _;
use session::id::{SessionId, StoreKey};
use session::record::{self, SourceValues, TokenPart, UserContext};
use session::store::{Store as _, Swap};

use super::{is_due, read};
use crate::app::App;
use crate::config::Source;
use crate::oidc::{DpopKey, TokenSet, TokenType};
use crate::sessions::{ActiveSession, tenant_of};

/// How often keeping is tried, where others change the session at the same time.
const ATTEMPTS: usize = 5;

/// One reading for one session.
pub(super) struct Flight {
    app: Arc<App>,
    id: SessionId,
    key: StoreKey,
}

/// What a source said that was asked.
type Fresh<'s> = Vec<(&'s Source, SourceValues)>;

impl Flight {
    pub(super) fn new(app: &Arc<App>, session: &ActiveSession) -> Self {
        Self { app: Arc::clone(app), id: session.id.clone(), key: session.key }
    }

    /// The context as it is known then; `None` if the session is gone or the store is away.
    pub(super) async fn run(self) -> Option<Arc<UserContext>> {
        let (fresh, all_answered) = self.read().await?;
        let kept = self.keep(&fresh).await;
        if kept.is_none() || !all_answered {
            self.app.user_contexts.failures.insert(self.key, self.app.now());
        }
        kept.map(Arc::new)
    }

    async fn session(&self) -> Option<ActiveSession> {
        match self.app.session_by_id(self.id.clone()).await {
            Ok(session) => session,
            Err(error) => {
                tracing::warn!(reason = error.reason(), "user context not read");
                None
            }
        }
    }

    /// What the sources say that are due, and whether all of them say something.
    async fn read(&self) -> Option<(Fresh<'_>, bool)> {
        let (app, session) = (&self.app, self.session().await?);
        let settings = &app.config.user_context;
        let context = app.tokens(&session).ok()?.context;
        let due = |source: &&Source| is_due(settings, &context, &source.name, app.now());
        let sources: Vec<&Source> = settings.sources.iter().filter(due).collect();
        let management = app.management(&session).ok()?;
        let party = app.tenants.provider_of(&management)?;
        // A dead token is renewed first; without a living one some sources still answer.
        let tokens = app.fresh_tokens(&session).await.ok();
        let key = tokens.as_ref().and_then(|tokens| tokens.dpop_key.as_ref());
        let key = key.and_then(|key| DpopKey::from_bytes(key.expose_secret()).ok());
        let tokens = tokens.as_deref().map(shown);
        let about = read::About {
            party: &party,
            tokens: tokens.as_ref(),
            dpop_key: key.as_ref(),
            subject: &management.subject,
            user_id: &management.user_id,
            tenant_id: &management.tenant,
        };
        let told = read::read(app, sources, &about).await;
        let asked = told.len();
        let fresh: Fresh<'_> =
            told.into_iter().filter_map(|(source, told)| Some((source, told.ok()?))).collect();
        let all_answered = fresh.len() == asked;
        Some((fresh, all_answered))
    }

    async fn keep(&self, fresh: &Fresh<'_>) -> Option<UserContext> {
        for _ in 0..ATTEMPTS {
            let session = self.session().await?;
            let mut tokens = self.app.tokens(&session).ok()?;
            if !self.merge(&mut tokens.context, fresh) {
                return Some(tokens.context);
            }
            let sealed = self.app.config.session_keys.seal_tokens(
                &self.id,
                &tenant_of(&session),
                session.stored.version,
                &tokens,
                self.app.random.bytes(),
            );
            let old = &session.stored.tokens;
            match self.app.store.replace_tokens(&self.key, old, sealed.ok()?).await {
                Ok(Swap::Done) => return Some(tokens.context),
                Ok(Swap::Gone) => return None,
                Ok(Swap::Stale) => {}
                Err(error) => {
                    tracing::warn!(reason = error.reason(), "user context not kept");
                    // Known all the same; the next use reads it again.
                    return Some(tokens.context);
                }
            }
        }
        None
    }

    /// Whether anything is newer than what another replica may have kept meanwhile.
    fn merge(&self, context: &mut UserContext, fresh: &Fresh<'_>) -> bool {
        let settings = &self.app.config.user_context;
        let mut changed = false;
        for (source, told) in fresh {
            let known = context.0.get(&source.name);
            if known.is_some_and(|known| known.read_at >= told.read_at) {
                continue;
            }
            match read::add(settings, context, source, told.clone()) {
                Ok(()) => changed = true,
                Err(reason) => {
                    tracing::warn!(
                        source = source.name,
                        reason,
                        "source of the user context left out"
                    );
                }
            }
        }
        changed
    }
}

/// The session's token as sources are shown it.
fn shown(tokens: &TokenPart) -> TokenSet {
    TokenSet {
        access_token: tokens.access_token.clone(),
        refresh_token: None,
        id_token: None,
        token_type: match tokens.token_type {
            record::TokenType::Bearer => TokenType::Bearer,
            record::TokenType::Dpop => TokenType::Dpop,
        },
        sender_constrained: tokens.dpop_key.is_some(),
        scope: None,
        expires_in: None,
    }
}
