//! Owns: following one session for a stream: when to look, and what is worth telling.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use session::edge::LiveEdge;
use session::id::StoreKey;

use crate::app::App;
use crate::live::Seat;
use crate::live::look::{Ends, Seen, look};
use crate::step_up::{Recent, StepUp};

/// Longest time between two looks, and between two signs of life on the connection: below what proxies
/// allow a silent one.
const LOOK_EVERY: Duration = Duration::from_secs(15);

/// Seconds before its end at which a session is called expiring.
const EXPIRING: u64 = 120;

/// What the browser is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Told {
    /// A sign of life.
    Nothing,
    /// The stream has begun.
    Ready(Life),
    /// New tokens, or a later end.
    Refreshed(Life),
    /// The session ends soon unless it is used, or in any case.
    Expiring { life: Life, seconds: u64 },
    /// A service asks for a fresher or stronger login, which begins at this address.
    StepUp { asked: StepUp, login_url: String },
    /// The session is over, and so is the stream: `expired`, `suspended`, or `ended` by somebody.
    Revoked(&'static str),
}

/// What a browser may know of the life of its session, seconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Life {
    pub(super) expires_at: u64,
    pub(super) idle_expires_at: u64,
    token_version: u64,
}

impl Life {
    fn of(edge: &LiveEdge) -> Self {
        Self {
            expires_at: edge.expires_at(),
            idle_expires_at: edge.idle_deadline(),
            token_version: edge.token_version(),
        }
    }

    fn ends(&self) -> Ends {
        Ends { expires_at: self.expires_at, idle_expires_at: self.idle_expires_at }
    }
}

/// One session, followed.
pub(super) struct Watch {
    app: Arc<App>,
    key: StoreKey,
    seat: Seat,
    /// As the browser knows it; `None` before the first look.
    known: Option<Life>,
    warned: bool,
    /// Where the session's logins begin, if not at the main provider.
    provider: Option<String>,
    steps: Recent,
    to_tell: VecDeque<Told>,
    over: bool,
}

impl Watch {
    /// Follows the session under `key`, which `provider` vouches for. `seat` was taken before its first
    /// look, so that no end of it falls between the two.
    pub(super) fn new(app: Arc<App>, key: StoreKey, provider: Option<String>, seat: Seat) -> Self {
        let (steps, to_tell) = (Recent::default(), VecDeque::new());
        Self { app, key, seat, known: None, warned: false, provider, steps, to_tell, over: false }
    }

    /// What to tell next; `None` at the end.
    pub(super) async fn next(&mut self) -> Option<Told> {
        loop {
            if let Some(told) = self.to_tell.pop_front() {
                return Some(told);
            }
            if self.over || !self.is_time_to_look().await {
                return None;
            }
            self.look().await;
        }
    }

    /// Waits for a reason to look. `false` if the stream is to end.
    async fn is_time_to_look(&mut self) -> bool {
        let Some(known) = self.known else { return true };
        let pause = self.pause(&known);
        tokio::select! {
            () = self.app.shutdown.begun() => false,
            is_ours = self.seat.called() => is_ours,
            () = tokio::time::sleep(pause) => true,
        }
    }

    /// Until there may be something to tell that nobody wakes us for.
    fn pause(&self, known: &Life) -> Duration {
        let left = known.idle_expires_at.saturating_sub(self.app.now());
        let until = if self.warned { left } else { left.saturating_sub(EXPIRING) };
        Duration::from_secs(until.max(1)).min(LOOK_EVERY)
    }

    async fn look(&mut self) {
        let ends = self.known.as_ref().map(Life::ends);
        match look(&self.app, &self.key, ends).await {
            Seen::Alive(edge) => {
                self.compare(Life::of(&edge));
                self.pass_on(&edge);
            }
            Seen::Over(reason) => {
                self.over = true;
                self.to_tell.push_back(Told::Revoked(reason));
            }
            // A stream that began without the store knows nothing to compare with later.
            Seen::Unknown if self.known.is_none() => self.over = true,
            Seen::Unknown => self.to_tell.push_back(Told::Nothing),
        }
    }

    fn compare(&mut self, life: Life) {
        let before = self.known.replace(life);
        let seconds = life.idle_expires_at.saturating_sub(self.app.now());
        let is_soon = seconds <= EXPIRING;
        match before {
            None => self.to_tell.push_back(Told::Ready(life)),
            Some(before) if before != life => self.to_tell.push_back(Told::Refreshed(life)),
            Some(_) if is_soon && !self.warned => {}
            Some(_) => self.to_tell.push_back(Told::Nothing),
        }
        if is_soon && !self.warned {
            self.to_tell.push_back(Told::Expiring { life, seconds });
        }
        self.warned = is_soon;
    }

    /// What services asked for, unless it was told a moment ago, or is met: anybody may have published it.
    fn pass_on(&mut self, edge: &LiveEdge) {
        let now = self.app.now();
        for asked in self.seat.asked() {
            let is_met = asked.is_met(edge.auth_time(), edge.acr(), now);
            if !is_met && self.steps.is_new(&asked, now) {
                let login_url = asked.login_url(self.provider.as_deref());
                self.to_tell.push_back(Told::StepUp { asked, login_url });
            }
        }
    }
}
