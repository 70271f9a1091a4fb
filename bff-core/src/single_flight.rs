//! Owns: doing a thing once for everyone who asks at the same time.
//!
//! The work is a task of its own: a caller that goes away drops its wait, never the work.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use shell::shutdown::Shutdown;
use tokio::sync::watch;

/// Works under way, by what they are about. Clones share them.
#[derive(Debug)]
pub struct SingleFlight<K, V>(Arc<Mutex<HashMap<K, watch::Receiver<Option<V>>>>>);

impl<K, V> Default for SingleFlight<K, V> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K, V> Clone for SingleFlight<K, V> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// Somebody's wait for a work.
#[derive(Debug)]
pub struct Wait<V> {
    result: watch::Receiver<Option<V>>,
    joined: bool,
}

impl<V: Clone> Wait<V> {
    /// Whether somebody else began the work.
    pub const fn joined(&self) -> bool {
        self.joined
    }

    /// What the work gave; `None` if it died.
    ///
    /// # Cancel safety
    /// Dropping the wait leaves the work going on.
    pub async fn result(mut self) -> Option<V> {
        let done = self.result.wait_for(Option::is_some).await.ok()?;
        done.clone()
    }
}

impl<K, V> SingleFlight<K, V>
where
    K: Eq + Hash + Clone + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// [`SingleFlight::begin`], and its result. `None` if the work died.
    ///
    /// # Cancel safety
    /// Dropping the wait leaves the work going on.
    pub async fn run<F>(&self, key: K, tasks: &Shutdown, work: impl FnOnce() -> F) -> Option<V>
    where
        F: Future<Output = V> + Send + 'static,
    {
        self.begin(key, tasks, work).result().await
    }

    /// Whether any work is under way.
    #[cfg(test)]
    pub(crate) fn is_flying(&self) -> bool {
        !self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// The work about `key`: that under way, or `work` begun now as a task that `tasks` waits for. It
    /// goes on whether anybody waits or not.
    pub fn begin<F>(&self, key: K, tasks: &Shutdown, work: impl FnOnce() -> F) -> Wait<V>
    where
        F: Future<Output = V> + Send + 'static,
    {
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = flights.get(&key) {
            return Wait { result: flight.clone(), joined: true };
        }
        let (sender, receiver) = watch::channel(None);
        flights.insert(key.clone(), receiver.clone());
        let landing = Landing { flights: Arc::clone(&self.0), key };
        let work = work();
        tasks.spawn(async move {
            // Also where the work panics: nobody may wait for it for ever, nor be told its result
            // later.
            let _landing = landing;
            let value = work.await;
            sender.send_replace(Some(value));
        });
        Wait { result: receiver, joined: false }
    }
}

struct Landing<K: Eq + Hash, V> {
    flights: Arc<Mutex<HashMap<K, watch::Receiver<Option<V>>>>>,
    key: K,
}

impl<K: Eq + Hash, V> Drop for Landing<K, V> {
    fn drop(&mut self) {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

#[cfg(test)]
mod every_order;
#[cfg(test)]
mod tests;
