//! Owns: waking, in this process, who waits for news of a session: the open streams of
//! `/api/auth/events`, and what guards the streams and sockets of the proxy (`streams.rs`).
//!
//! News are only a reason to look: whoever is woken reads the session again. So nothing is lost where
//! news are, and nobody can end a stream by publishing. A step-up that a service asks for is in no
//! session, so the news say which; an address they never say.

pub(crate) mod look;
mod step_ups;

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};

use session::any::AnyStore;
use session::id::StoreKey;
use session::shelf::{News as Heard, Shelf as _};
use shell::shutdown::Shutdown;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};

use crate::metrics;
use crate::news::News;
use crate::step_up::{self, StepUp};

pub(crate) use step_ups::StepUps;

/// Most streams of one session: as many tabs as anybody has. The oldest makes room.
const PER_SESSION: usize = 20;
/// Most streams of one process. Each looks at its session four times a minute.
const PER_PROCESS: usize = 10_000;

/// The open streams of this process.
pub struct Live {
    seats: Arc<Mutex<Seats>>,
    listening: Once,
    most: usize,
}

#[derive(Default)]
struct Seats {
    by_session: HashMap<StoreKey, VecDeque<Taken>>,
    /// Those that are counted.
    taken: usize,
    next: u64,
}

struct Taken {
    number: u64,
    called: watch::Sender<()>,
    is_counted: bool,
    /// What its session's user is asked for, until it is fetched. Streams alone fetch it.
    asked: Vec<StepUp>,
}

impl Default for Live {
    fn default() -> Self {
        Self { seats: Arc::default(), listening: Once::new(), most: PER_PROCESS }
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").field("taken", &lock(&self.seats).taken).finish_non_exhaustive()
    }
}

impl Live {
    /// A place among those who hear of `key`; `None` if this process has no more.
    ///
    /// The first call begins to follow the store, until `shutdown`.
    pub fn take(&self, key: StoreKey, store: &AnyStore, shutdown: &Shutdown) -> Option<Seat> {
        self.listen(store, shutdown);
        let (number, called) = lock(&self.seats).take(key, self.most)?;
        metrics::event_stream_opened();
        Some(Seat { seats: Arc::clone(&self.seats), key, number, called, is_counted: true })
    }

    /// A place that counts as no stream and is given to nobody else. Who takes them has limits of its own.
    pub fn follow(&self, key: StoreKey, store: &AnyStore, shutdown: &Shutdown) -> Seat {
        self.listen(store, shutdown);
        let (number, called) = lock(&self.seats).add(key, false);
        Seat { seats: Arc::clone(&self.seats), key, number, called, is_counted: false }
    }

    fn listen(&self, store: &AnyStore, shutdown: &Shutdown) {
        self.listening.call_once(|| {
            let relay = relay(store.follow(), Arc::clone(&self.seats), shutdown.clone());
            drop(tokio::spawn(relay));
        });
    }
}

impl Seats {
    fn take(&mut self, key: StoreKey, most: usize) -> Option<(u64, watch::Receiver<()>)> {
        let counted = |seats: &VecDeque<Taken>| seats.iter().filter(|one| one.is_counted).count();
        if let Some(seats) = self.by_session.get_mut(&key)
            && counted(seats) >= PER_SESSION
            && let Some(oldest) = seats.iter().position(|one| one.is_counted)
        {
            // Its receiver sees the sender go.
            drop(seats.remove(oldest));
            self.taken = self.taken.saturating_sub(1);
        }
        if self.taken >= most {
            return None;
        }
        self.taken = self.taken.saturating_add(1);
        Some(self.add(key, true))
    }

    fn add(&mut self, key: StoreKey, is_counted: bool) -> (u64, watch::Receiver<()>) {
        let (called, receiver) = watch::channel(());
        let number = self.next;
        self.next = self.next.wrapping_add(1);
        let taken = Taken { number, called, is_counted, asked: Vec::new() };
        self.by_session.entry(key).or_default().push_back(taken);
        (number, receiver)
    }

    fn leave(&mut self, key: &StoreKey, number: u64) {
        let Some(seats) = self.by_session.get_mut(key) else { return };
        let place = seats.iter().position(|one| one.number == number);
        if let Some(left) = place.and_then(|place| seats.remove(place))
            && left.is_counted
        {
            self.taken = self.taken.saturating_sub(1);
        }
        if seats.is_empty() {
            self.by_session.remove(key);
        }
    }

    fn call(&self, key: &StoreKey) {
        for seat in self.by_session.get(key).into_iter().flatten() {
            seat.called.send_replace(());
        }
    }

    /// Calls the streams of `key` to what its user is asked for.
    fn ask(&mut self, key: &StoreKey, asked: &StepUp) {
        let seats = self.by_session.get_mut(key).into_iter().flatten();
        for seat in seats.filter(|seat| seat.is_counted) {
            if seat.asked.len() < step_up::MOST && !seat.asked.contains(asked) {
                seat.asked.push(asked.clone());
                seat.called.send_replace(());
            }
        }
    }

    fn fetch(&mut self, key: &StoreKey, number: u64) -> Vec<StepUp> {
        let seats = self.by_session.get_mut(key).into_iter().flatten();
        let seat = seats.into_iter().find(|one| one.number == number);
        seat.map(|seat| std::mem::take(&mut seat.asked)).unwrap_or_default()
    }

    fn call_all(&self) {
        for seat in self.by_session.values().flatten() {
            seat.called.send_replace(());
        }
    }
}

/// A place among those who hear of one session. Given up when dropped.
pub struct Seat {
    seats: Arc<Mutex<Seats>>,
    key: StoreKey,
    number: u64,
    called: watch::Receiver<()>,
    is_counted: bool,
}

impl Seat {
    /// Waits for a reason to look at the session. `false` once the place was given to somebody else.
    /// Calls during a look count as one.
    ///
    /// # Cancel safety
    /// Safe to drop and call again: no call is lost.
    pub async fn called(&mut self) -> bool {
        self.called.changed().await.is_ok()
    }

    /// The logins that services asked for since this was asked last, none of them twice.
    pub fn asked(&self) -> Vec<StepUp> {
        lock(&self.seats).fetch(&self.key, self.number)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        lock(&self.seats).leave(&self.key, self.number);
        if self.is_counted {
            metrics::event_stream_closed();
        }
    }
}

impl fmt::Debug for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seat").field("key", &self.key).finish_non_exhaustive()
    }
}

fn lock(seats: &Mutex<Seats>) -> MutexGuard<'_, Seats> {
    seats.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Wakes whom the news are about; everybody where some may have been missed.
async fn relay(
    mut heard: broadcast::Receiver<Heard>,
    seats: Arc<Mutex<Seats>>,
    shutdown: Shutdown,
) {
    loop {
        let heard = tokio::select! {
            heard = heard.recv() => heard,
            () = shutdown.begun() => return,
        };
        match heard {
            Ok(Heard::Message(bytes)) => {
                let news = News::parse(&bytes);
                let mut seats = lock(&seats);
                for news in &news {
                    match news {
                        News::StepUp { session, asked } => seats.ask(session, asked),
                        other => seats.call(other.session()),
                    }
                }
            }
            Ok(Heard::Missed) | Err(RecvError::Lagged(_)) => lock(&seats).call_all(),
            // Streams still look every so often.
            Err(RecvError::Closed) => return,
        }
    }
}

#[cfg(test)]
mod tests;
