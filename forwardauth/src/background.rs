//! Owns: work that no response waits for. Bounded, so that a slow store cannot pile it up; what finds
//! no room is dropped, because the next request will ask for it again.

use std::future::Future;
use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::metrics;

/// Most tasks under way in one thread.
const TASKS_MAX: usize = 64;

/// A bounded place to spawn tasks.
#[derive(Debug, Clone)]
pub(crate) struct Background(Arc<Semaphore>);

impl Background {
    pub(crate) fn new() -> Self {
        Self::with_room_for(TASKS_MAX)
    }

    /// A place for at most `tasks` at once.
    pub(crate) fn with_room_for(tasks: usize) -> Self {
        Self(Arc::new(Semaphore::new(tasks)))
    }

    /// Runs `task` if there is room. `name` is its label in metrics.
    pub(crate) fn run(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let Ok(permit) = Arc::clone(&self.0).try_acquire_owned() else {
            metrics::background_dropped(name);
            return;
        };
        drop(tokio::spawn(async move {
            task.await;
            drop(permit);
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::sync::Notify;

    #[tokio::test]
    async fn what_finds_no_room_is_dropped_and_room_comes_back() {
        let background = Background::new();
        let (gate, done) = (Arc::new(Semaphore::new(0)), Arc::new(Notify::new()));
        let ran = Arc::new(AtomicUsize::new(0));
        let task = || {
            let (gate, done, ran) = (Arc::clone(&gate), Arc::clone(&done), Arc::clone(&ran));
            async move {
                drop(gate.acquire().await);
                if ran.fetch_add(1, Ordering::SeqCst) + 1 == TASKS_MAX {
                    done.notify_one();
                }
            }
        };
        for _ in 0..TASKS_MAX * 2 {
            background.run("test", task());
        }
        gate.add_permits(TASKS_MAX * 2);
        done.notified().await;
        while background.0.available_permits() < TASKS_MAX {
            tokio::task::yield_now().await;
        }
        assert_eq!(ran.load(Ordering::SeqCst), TASKS_MAX);
    }
}
