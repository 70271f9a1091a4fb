//! Owns: tokens for one service, in place of a broader one, in the memory of this process.
//!
//! One is asked for (`ways.rs`) for all who ask at the same time. A token is forgotten with the broad one that it came of:
//! when that is refreshed, and when its session ends. Nothing here is ever written anywhere.

mod held;
mod ways;

use std::fmt;
use std::sync::{Arc, Once};
use std::time::Duration;

use moka::sync::Cache;
use ring::digest::{SHA256, digest};
use secrecy::{ExposeSecret as _, SecretString};
use session::any::AnyStore;
use session::id::StoreKey;
use session::shelf::{News as Heard, Shelf as _};
use shell::shutdown::Shutdown;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::app::App;
use crate::news::News;
use crate::oidc::{DpopKey, RelyingParty, TokenType};
use crate::refresh::PATIENCE;
use crate::sessions::ActiveSession;
use crate::single_flight::SingleFlight;
use held::Held;
use ways::Way;

/// Holders whose tokens are kept.
const HOLDERS: u64 = 50_000;
/// Longest time for which a holder is remembered that nobody asks about.
const IDLE: Duration = Duration::from_secs(900);
/// Seconds for which an issuer that failed is left alone by one holder.
const REST: u64 = 1;
/// The same where it refused, and the answer costs a refresh token.
const LONG_REST: u64 = 60;
/// Seconds before its end from which a token is not sent any more.
const DYING: u64 = 5;
/// Assumed life, in seconds, of a token whose issuer tells none.
const ASSUMED_LIFE: u64 = 60;

/// The service that a token is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Target {
    /// As the issuer knows it.
    pub(crate) audience: Arc<str>,
    /// What the token is to be good for; without it the issuer decides.
    pub(crate) scope: Option<Arc<str>>,
}

/// Whose broad token it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Holder {
    /// A session's.
    Session(StoreKey),
    /// That of a caller, by its hash.
    Caller([u8; 32]),
}

/// A broad token.
pub(crate) struct Broad<'a> {
    pub(crate) holder: Holder,
    pub(crate) token: SecretString,
    pub(crate) dpop_key: Option<DpopKey>,
    /// The session that has it, and a refresh token with it.
    pub(crate) session: Option<&'a ActiveSession>,
}

/// A token for one service.
pub(crate) struct Narrow {
    pub(crate) token: SecretString,
    pub(crate) kind: TokenType,
    pub(crate) dpop_key: Option<DpopKey>,
    /// Whether nobody else can use it.
    pub(crate) is_bound: bool,
    expires_at: u64,
}

/// Why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoToken {
    /// The issuer is away.
    Later(&'static str),
    /// The issuer gives none, or nothing that can be used.
    Refused(&'static str),
    /// The session has ended.
    Ended(&'static str),
}

type Name = (Holder, [u8; 32], Target);
type Outcome = Result<Arc<Narrow>, NoToken>;

/// Why there was none, when, and for how many seconds nobody is asked again.
#[derive(Debug, Clone, Copy)]
struct Failed {
    at: u64,
    rest: u64,
    why: NoToken,
}

/// Tokens, exchanges under way, and what failed a moment ago.
pub(crate) struct Exchanges {
    held: Cache<Holder, Arc<Held>>,
    failed: Cache<Name, Failed>,
    under_way: SingleFlight<Name, Outcome>,
    listening: Once,
}

impl Default for Exchanges {
    fn default() -> Self {
        Self {
            held: Cache::builder().max_capacity(HOLDERS).time_to_idle(IDLE).build(),
            failed: Cache::builder().max_capacity(HOLDERS).time_to_live(IDLE).build(),
            under_way: SingleFlight::default(),
            listening: Once::new(),
        }
    }
}

impl App {
    /// The token for `target` that `broad` is good for at `party`.
    ///
    /// # Errors
    /// [`NoToken`]. The broad token is never sent in its place.
    ///
    /// # Cancel safety
    /// Dropped, it leaves the exchange going on.
    pub(crate) async fn narrowed(
        self: &Arc<Self>,
        broad: Broad<'_>,
        target: &Target,
        party: &Arc<RelyingParty>,
    ) -> Outcome {
        let (exchanges, now) = (&self.exchanges, self.now());
        let subject = hash(&broad.token);
        if let Some(token) = exchanges.kept(&broad.holder, &subject, target, now) {
            return Ok(token);
        }
        let name = (broad.holder, subject, target.clone());
        if let Some(failed) = exchanges.failed.get(&name)
            && now.abs_diff(failed.at) < failed.rest
        {
            return Err(failed.why);
        }
        exchanges.follow(&self.store, &self.shutdown);
        let work = || {
            let way = Way::new(self, broad, party);
            exchanges.ask(name.clone(), way, now)
        };
        let asked = exchanges.under_way.run(name.clone(), &self.shutdown, work);
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(outcome) => outcome.unwrap_or(Err(NoToken::Later("exchange_died"))),
            Err(_) => Err(NoToken::Later("exchange_slow")),
        }
    }
}

impl App {
    /// Forgets a token that its service does not take.
    pub(crate) fn forget_narrowed(&self, holder: &Holder, token: &Arc<Narrow>) {
        if let Some(held) = self.exchanges.held.get(holder) {
            held.remove(token);
        }
    }
}

impl Exchanges {
    fn kept(
        &self,
        holder: &Holder,
        subject: &[u8; 32],
        target: &Target,
        now: u64,
    ) -> Option<Arc<Narrow>> {
        let token = self.held.get(holder)?.get(subject, target)?;
        (now.saturating_add(DYING) < token.expires_at).then_some(token)
    }

    fn ask(
        &self,
        name: Name,
        way: Way,
        now: u64,
    ) -> impl Future<Output = Outcome> + Send + 'static {
        let (held, failed) = (self.held.clone(), self.failed.clone());
        async move {
            let (holder, _, target) = &name;
            match way.go(target, now).await {
                Ok((exchanged, subject)) => {
                    let tokens = exchanged.tokens;
                    let life = tokens.expires_in.unwrap_or(ASSUMED_LIFE);
                    let token = Arc::new(Narrow {
                        token: tokens.access_token,
                        kind: tokens.token_type,
                        dpop_key: exchanged.dpop_key,
                        is_bound: tokens.sender_constrained,
                        expires_at: now.saturating_add(life),
                    });
                    let held = held.get_with(*holder, Arc::default);
                    held.put(subject, target.clone(), Arc::clone(&token));
                    Ok(token)
                }
                Err(why) => {
                    let rest = way.rest(why);
                    failed.insert(name, Failed { at: now, rest, why });
                    Err(why)
                }
            }
        }
    }

    /// Begins, with the first exchange, to hear of sessions that end.
    fn follow(&self, store: &AnyStore, shutdown: &Shutdown) {
        self.listening.call_once(|| {
            let forget = forget(store.follow(), self.held.clone(), shutdown.clone());
            drop(tokio::spawn(forget));
        });
    }
}

/// Forgets the tokens of sessions that ended or have new ones; all where some news may have been missed.
async fn forget(
    mut heard: broadcast::Receiver<Heard>,
    held: Cache<Holder, Arc<Held>>,
    shutdown: Shutdown,
) {
    loop {
        let heard = tokio::select! {
            heard = heard.recv() => heard,
            () = shutdown.begun() => return,
        };
        match heard {
            Ok(Heard::Message(bytes)) => {
                for news in News::parse(&bytes) {
                    match news {
                        News::Ended { session, .. } | News::Refreshed { session } => {
                            held.invalidate(&Holder::Session(session));
                        }
                        News::Changed { .. } | News::StepUp { .. } => {}
                    }
                }
            }
            Ok(Heard::Missed) | Err(RecvError::Lagged(_)) => held.invalidate_all(),
            Err(RecvError::Closed) => return,
        }
    }
}

/// By which a token is known here.
pub(crate) fn hash(token: &SecretString) -> [u8; 32] {
    let mut name = [0; 32];
    let digest = digest(&SHA256, token.expose_secret().as_bytes());
    name.iter_mut().zip(digest.as_ref()).for_each(|(to, from)| *to = *from);
    name
}

impl fmt::Debug for Exchanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchanges")
            .field("holders", &self.held.entry_count())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Narrow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Narrow").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}
