//! Owns: waking, in this process, who waits for news of a session: the open streams of
//! `/api/auth/events`.
//!
//! News are only a reason to look: whoever is woken reads the session again. So nothing is lost where
//! news are, and nobody can end a stream by publishing.

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
    by_session: HashMap<StoreKey, VecDeque<(u64, watch::Sender<()>)>>,
    taken: usize,
    next: u64,
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
        self.listening.call_once(|| {
            let relay = relay(store.follow(), Arc::clone(&self.seats), shutdown.clone());
            drop(tokio::spawn(relay));
        });
        let (number, called) = lock(&self.seats).take(key, self.most)?;
        metrics::event_stream_opened();
        Some(Seat { seats: Arc::clone(&self.seats), key, number, called })
    }
}

impl Seats {
    fn take(&mut self, key: StoreKey, most: usize) -> Option<(u64, watch::Receiver<()>)> {
        let full = self.by_session.get(&key).is_some_and(|seats| seats.len() >= PER_SESSION);
        if full && let Some(seats) = self.by_session.get_mut(&key) {
            // Its receiver sees the sender go.
            drop(seats.pop_front());
            self.taken = self.taken.saturating_sub(1);
        }
        if self.taken >= most {
            return None;
        }
        let (sender, receiver) = watch::channel(());
        let number = self.next;
        self.next = self.next.wrapping_add(1);
        self.taken = self.taken.saturating_add(1);
        self.by_session.entry(key).or_default().push_back((number, sender));
        Some((number, receiver))
    }

    fn leave(&mut self, key: &StoreKey, number: u64) {
        let Some(seats) = self.by_session.get_mut(key) else { return };
        if let Some(place) = seats.iter().position(|(taken, _)| *taken == number) {
            drop(seats.remove(place));
            self.taken = self.taken.saturating_sub(1);
        }
        if seats.is_empty() {
            self.by_session.remove(key);
        }
    }

    fn call(&self, key: &StoreKey) {
        for (_, seat) in self.by_session.get(key).into_iter().flatten() {
            seat.send_replace(());
        }
    }

    fn call_all(&self) {
        for (_, seat) in self.by_session.values().flatten() {
            seat.send_replace(());
        }
    }
}

/// A place among those who hear of one session. Given up when dropped.
pub struct Seat {
    seats: Arc<Mutex<Seats>>,
    key: StoreKey,
    number: u64,
    called: watch::Receiver<()>,
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
}

impl Drop for Seat {
    fn drop(&mut self) {
        lock(&self.seats).leave(&self.key, self.number);
        metrics::event_stream_closed();
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
                let seats = lock(&seats);
                for news in &news {
                    seats.call(news.session());
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
