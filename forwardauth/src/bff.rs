//! Owns: what verify and the BFF say to each other (DESIGN section 4): a nudge, off the response path, when
//! an access token nears its end; and the token itself where it is handed on. Only for requests that
//! were admitted already, and nothing of it lets anybody in.

mod access;
mod answer;
mod client;
mod nudge;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use http::HeaderValue;
use session::edge::EdgeFrame;
use session::id::{SessionId, StoreKey};
use shell::clock::Clock;

use self::access::Access;
use self::client::Client;
use self::nudge::Told;
use crate::background::Background;
use crate::config::BffSettings;
use crate::metrics;
use crate::policy::HandOn;
use crate::refusal::Refusal;

/// Most nudges under way in one thread.
const NUDGES_MAX: usize = 16;

/// What the edge view knows of a session's access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TokenState {
    /// Counts the changes of the tokens.
    pub(crate) version: u64,
    /// Seconds since the epoch; zero if unknown.
    pub(crate) expires_at: u64,
}

impl TokenState {
    pub(crate) const fn of(edge: &EdgeFrame) -> Self {
        Self { version: edge.token_version(), expires_at: edge.access_expires_at() }
    }
}

/// The BFF as one thread knows it.
pub(crate) struct Bff {
    client: Arc<Client>,
    clock: Arc<dyn Clock>,
    told: Told,
    nudges: Background,
    access: Arc<Access>,
}

/// What there is to hand on.
pub(crate) enum Handed {
    /// Nothing, and nothing is asked for.
    Nothing,
    /// The value of `Authorization`.
    Token(HeaderValue),
    /// The same, once the BFF answers.
    Later(Pin<Box<dyn Future<Output = Result<HeaderValue, Refusal>> + Send>>),
}

impl Bff {
    /// Connects to nobody yet.
    pub(crate) fn new(settings: &BffSettings, clock: Arc<dyn Clock>) -> Self {
        let client = Arc::new(Client::new(settings));
        let access =
            Arc::new(Access::new(settings.access, Arc::clone(&client), Arc::clone(&clock)));
        let nudges = Background::with_room_for(NUDGES_MAX);
        metrics::appear_with_bff();
        Self { client, clock, told: Told::default(), nudges, access }
    }

    /// Sees to the token of the session under `key`, whose request was admitted. `cookie` finds the
    /// session's id once more, where it is needed.
    pub(crate) fn see_to(
        &self,
        key: &StoreKey,
        token: TokenState,
        hand_on: HandOn,
        cookie: impl FnOnce() -> Option<SessionId>,
    ) -> Handed {
        let now = self.clock.unix_seconds();
        let kept = match hand_on {
            // A context token was put on where the request was judged.
            HandOn::Nothing | HandOn::ContextToken => Handed::Nothing,
            HandOn::AccessToken => match self.access.kept(key, token.version, now) {
                Some(kept) => Handed::Token(kept),
                None => return ask(&self.access, (*key, token.version), cookie()),
            },
        };
        if token.nears_end(now) && self.told.is_turn(key, token, now) {
            self.nudge(cookie());
        }
        kept
    }

    fn nudge(&self, id: Option<SessionId>) {
        let Some(id) = id else { return };
        let client = Arc::clone(&self.client);
        self.nudges.run("nudge", async move { client.nudge(&id).await });
    }
}

/// The BFF refreshes what is due before it answers, so nobody needs to nudge it besides.
fn ask(access: &Arc<Access>, version: (StoreKey, u64), id: Option<SessionId>) -> Handed {
    let access = Arc::clone(access);
    Handed::Later(Box::pin(async move {
        let id = id.ok_or(Refusal::CookieMissing)?;
        Ok(access.ask(version, id).await?)
    }))
}
