//! Owns: the end of a process: readiness withdrawn, connections drained, nothing waited for without
//! a limit.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tokio_util::task::TaskTracker;

use crate::traces;

/// Longest wait for what is under way when a process is told to stop.
pub const DRAIN: Duration = Duration::from_secs(30);

/// Tells every part of a process that it ends, and waits for them. Clones are one.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    token: CancellationToken,
    /// As `token` says, for who looks at it on every request.
    ending: Arc<AtomicBool>,
    tasks: TaskTracker,
    started: Arc<AtomicBool>,
}

impl Shutdown {
    /// A process that goes on.
    pub fn new() -> Self {
        Self::default()
    }

    /// Marks the process as started: [`Self::is_ready`] from now on.
    pub fn started(&self) {
        self.started.store(true, Ordering::Release);
    }

    /// Started and not ending.
    pub fn is_ready(&self) -> bool {
        self.started.load(Ordering::Acquire) && !self.has_begun()
    }

    /// Begins the end.
    pub fn begin(&self) {
        self.ending.store(true, Ordering::Release);
        self.token.cancel();
    }

    /// Waits for the end to begin.
    ///
    /// # Cancel safety
    /// Safe to drop and call again.
    pub async fn begun(&self) {
        self.token.cancelled().await;
    }

    /// [`Self::begun`], as a value to be kept.
    pub fn begun_owned(&self) -> WaitForCancellationFutureOwned {
        self.token.clone().cancelled_owned()
    }

    /// Whether the end has begun.
    pub fn has_begun(&self) -> bool {
        self.ending.load(Ordering::Acquire)
    }

    /// Runs `task` so that the end waits for it. What it does for a request is of that one's trace.
    pub fn spawn<F>(&self, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        match traces::current() {
            Some(current) => self.track(current.scope(task)),
            None => self.track(task),
        }
    }

    /// [`Self::spawn`], for who waits for what `task` gives. `None` if it panicked.
    ///
    /// # Cancel safety
    /// Dropped, it leaves the task going on.
    pub fn see_through<F>(&self, task: F) -> impl Future<Output = Option<F::Output>> + Send + use<F>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        let (sender, result) = oneshot::channel();
        self.spawn(async move {
            // Whoever waited may have gone away.
            drop(sender.send(task.await));
        });
        async move { result.await.ok() }
    }

    /// The same for what is done for nobody's request.
    pub(crate) fn track<F>(&self, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        drop(self.tasks.spawn(task));
    }

    /// Waits for all spawned tasks, at most `limit`. `false` if some were left behind.
    pub async fn drained(&self, limit: Duration) -> bool {
        self.tasks.close();
        tokio::time::timeout(limit, self.tasks.wait()).await.is_ok()
    }

    /// Begins the end when the process receives SIGTERM or SIGINT.
    ///
    /// # Errors
    /// If the signals cannot be listened to.
    pub fn on_signal(&self) -> std::io::Result<()> {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let shutdown = self.clone();
        drop(tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            tracing::info!("shutting down");
            shutdown.begin();
        }));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn ready_means_started_and_not_ending() {
        let shutdown = Shutdown::new();
        assert!(!shutdown.is_ready());
        shutdown.started();
        assert!(shutdown.is_ready());
        shutdown.begin();
        assert!(!shutdown.is_ready());
        shutdown.begun().await;
    }

    #[tokio::test]
    async fn what_is_seen_through_goes_on_where_nobody_waits_for_it() {
        let shutdown = Shutdown::new();
        assert_eq!(shutdown.see_through(async { 7 }).await, Some(7));
        let (done, is_done) = oneshot::channel();
        drop(shutdown.see_through(async move { done.send(()) }));
        assert_eq!(is_done.await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_never_ends_does_not_hold_the_process() {
        let shutdown = Shutdown::new();
        shutdown.spawn(async {});
        assert!(shutdown.clone().drained(DRAIN).await);
        shutdown.spawn(std::future::pending());
        assert!(!shutdown.drained(DRAIN).await);
    }
}
