//! Owns: noticing that files changed while a program runs, for whatever is made of them. What is new is
//! checked as at the start, and what is broken leaves the old in place.
//!
//! Contents are compared, because a secret or a map that Kubernetes mounts changes by a symbolic link.
//! Files are not written in one moment, so a change counts when it is seen twice, or on SIGHUP.

mod changes;
mod file;
mod files;
mod secret;
mod told;

use std::io;
use std::pin::Pin;
use std::time::Duration;

use metrics::{Gauge, gauge};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::MissedTickBehavior;

pub use self::changes::{Changes, Fingerprint, Trust};
pub use self::file::WatchedFile;
pub use self::files::WatchedFiles;
pub use self::secret::SecretFile;

use crate::shutdown::Shutdown;

/// How often programs look at their files.
pub const INTERVAL: Duration = Duration::from_secs(2);

/// Something that is made of files.
pub trait Watched: Send {
    /// Reads the files, and exchanges what is made of them if they changed. Answers whether there was
    /// something to decide.
    ///
    /// Cancel safety: an exchange happens as a whole or not at all.
    fn look(&mut self, trust: Trust) -> Look<'_>;

    /// Whether what is in the files was refused, so that the old is still in use.
    fn is_refused(&self) -> bool;

    /// Decides once more, at the next look, on what was refused: it may have waited for another file.
    fn again(&mut self) {}
}

/// A look at files under way.
pub type Look<'a> = Pin<Box<dyn Future<Output = bool> + Send + 'a>>;

/// All that a program watches.
pub struct Watch {
    watched: Vec<Box<dyn Watched>>,
    /// 0 while something old is in use because the new one is broken.
    successful: Gauge,
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").field("watched", &self.watched.len()).finish_non_exhaustive()
    }
}

impl Watch {
    /// Watches over all of these. Install the metrics recorder first, and make one of it in a program:
    /// `config_last_reload_successful` speaks of all.
    pub fn over(watched: impl IntoIterator<Item = Box<dyn Watched>>) -> Self {
        let successful = gauge!("config_last_reload_successful");
        Self { watched: watched.into_iter().collect(), successful }
    }

    /// Looks every `interval` until `shutdown` begins, and at once on SIGHUP. Does nothing where there is
    /// nothing to watch.
    ///
    /// # Errors
    /// If the signal cannot be listened to.
    pub fn start(mut self, interval: Duration, shutdown: &Shutdown) -> io::Result<()> {
        if self.watched.is_empty() {
            return Ok(());
        }
        let mut hangup = signal(SignalKind::hangup())?;
        let mut tick = tokio::time::interval(interval);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let shutdown = shutdown.clone();
        drop(tokio::spawn(async move {
            loop {
                let trust = tokio::select! {
                    _ = tick.tick() => Trust::WhenSeenTwice,
                    Some(()) = hangup.recv() => Trust::AtOnce,
                    () = shutdown.begun() => return,
                };
                self.look(trust).await;
            }
        }));
        Ok(())
    }

    /// Reads all files, and exchanges what changed. What was refused before is looked at once more after
    /// something else was taken: two files that name each other's content need not change in one order.
    pub async fn look(&mut self, trust: Trust) {
        let (mut decided, mut taken) = (false, false);
        for watched in &mut self.watched {
            if watched.look(trust).await {
                decided = true;
                taken |= !watched.is_refused();
            }
        }
        if taken {
            let refused = self.watched.iter_mut().filter(|watched| watched.is_refused());
            refused.for_each(|watched| watched.again());
        }
        if decided {
            let refused = self.watched.iter().any(|watched| watched.is_refused());
            self.successful.set(if refused { 0.0 } else { 1.0 });
        }
    }
}
