//! Owns: a source and a clock in the test's hands.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;

use crate::permissions::{PermissionCache, PermissionSource, Rights, SourceError, User};

/// Who may do what. Clones are the same.
#[derive(Clone)]
pub(crate) struct Directory(Arc<Inner>);

struct Inner {
    users: Mutex<HashMap<User, Rights>>,
    failing: AtomicBool,
    asked: AtomicUsize,
    held: watch::Sender<bool>,
}

impl Directory {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Inner {
            users: Mutex::default(),
            failing: AtomicBool::new(false),
            asked: AtomicUsize::new(0),
            held: watch::Sender::new(false),
        }))
    }

    pub(crate) fn set(&self, user: &User, rights: Rights) {
        self.0.users.lock().unwrap().insert(user.clone(), rights);
    }

    pub(crate) fn remove(&self, user: &User) {
        self.0.users.lock().unwrap().remove(user);
    }

    pub(crate) fn fail(&self, failing: bool) {
        self.0.failing.store(failing, Ordering::SeqCst);
    }

    /// Whether who asks from now on has read the rights, and does not get them yet.
    pub(crate) fn hold(&self, held: bool) {
        self.0.held.send_replace(held);
    }

    pub(crate) fn asked(&self) -> usize {
        self.0.asked.load(Ordering::SeqCst)
    }

    /// Until it was asked so often.
    pub(crate) async fn until_asked(&self, times: usize) {
        while self.asked() < times {
            tokio::task::yield_now().await;
        }
    }

    /// A cache before it that goes by `hand`.
    pub(crate) fn cache(&self, hand: &Hand) -> PermissionCache {
        PermissionCache::builder(self.clone()).clock(hand.clock()).build()
    }
}

impl PermissionSource for Directory {
    async fn load(&self, user: &User) -> Result<Option<Rights>, SourceError> {
        let read = self.0.users.lock().unwrap().get(user).cloned();
        self.0.asked.fetch_add(1, Ordering::SeqCst);
        self.0.held.subscribe().wait_for(|held| !held).await.unwrap();
        if self.0.failing.load(Ordering::SeqCst) {
            return Err(SourceError::new("told to fail"));
        }
        Ok(read)
    }
}

/// What the clock tells apart.
pub(crate) const MOMENT: Duration = Duration::from_millis(1);

/// The hand of a clock.
#[derive(Clone, Default)]
pub(crate) struct Hand(Arc<AtomicU64>);

impl Hand {
    pub(crate) fn advance(&self, by: Duration) {
        self.0.fetch_add(u64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }

    /// To the last moment before.
    pub(crate) fn advance_nearly(&self, by: Duration) {
        self.advance(by.saturating_sub(MOMENT));
    }

    pub(crate) fn clock(&self) -> impl Fn() -> Duration + Send + Sync + 'static + use<> {
        let hand = self.clone();
        move || Duration::from_millis(hand.0.load(Ordering::SeqCst))
    }
}
