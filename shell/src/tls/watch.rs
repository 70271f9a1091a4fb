//! Owns: noticing that the files of a certificate changed, and the exchange: the new pair is checked
//! as at the start, and a broken one leaves the old one in place.
//!
//! Contents are compared, because a secret that Kubernetes mounts changes by a symbolic link. Two
//! files are never written at once, so a change counts when it is seen twice, or on SIGHUP.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use metrics::{Counter, Gauge, counter, gauge};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::MissedTickBehavior;

use super::source::{Fingerprint, Pems};
use super::{Certificate, Tls, TlsError};
use crate::clock::Clock;
use crate::shutdown::Shutdown;

/// How often programs look at the files of their certificates.
pub const INTERVAL: Duration = Duration::from_secs(2);

/// The certificates of a program.
pub struct Watch {
    watched: Vec<Watched>,
    clock: Arc<dyn Clock>,
    /// 0 while a listener goes on with its old certificate because the new one is broken.
    successful: Gauge,
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").field("watched", &self.watched.len()).finish_non_exhaustive()
    }
}

impl Watch {
    /// Watches over the TLS of the named listeners. Install the metrics recorder first.
    pub fn over<'a>(
        listeners: impl IntoIterator<Item = (&'static str, Option<&'a Tls>)>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let watched =
            listeners.into_iter().filter_map(|(name, tls)| Some(Watched::new(name, tls?)));
        let successful = gauge!("config_last_reload_successful");
        Self { watched: watched.collect(), clock, successful }
    }

    /// Looks every `interval` until `shutdown` begins, and at once on SIGHUP. Does nothing where no
    /// certificate comes from a file.
    ///
    /// # Errors
    /// If the signal cannot be listened to.
    pub fn start(mut self, interval: Duration, shutdown: &Shutdown) -> io::Result<()> {
        self.watched.retain(|watched| watched.tls.sources.can_change());
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

    /// Reads all files, and exchanges what changed.
    pub(super) async fn look(&mut self, trust: Trust) {
        let now = self.clock.unix_seconds();
        let mut decided = false;
        for watched in &mut self.watched {
            decided |= watched.look(trust, now).await;
        }
        if decided {
            let refused = self.watched.iter().any(|watched| watched.refused);
            self.successful.set(if refused { 0.0 } else { 1.0 });
        }
    }
}

/// When a change is believed to be complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    AtOnce,
    WhenSeenTwice,
}

/// What was found in the files; `None` if they cannot be read.
type Seen = Option<Fingerprint>;

struct Watched {
    listener: &'static str,
    tls: Tls,
    /// What was decided on last.
    decided: Seen,
    /// A change that was seen once.
    fresh: Option<Seen>,
    /// Whether what is in the files was refused.
    refused: bool,
    ok: Counter,
    broken: Counter,
    expiry: Gauge,
}

/// Why a new pair is not shown.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("the files cannot be read ({0})")]
    Unreadable(io::ErrorKind),
    #[error("the files cannot be used: {0}")]
    Unusable(#[from] TlsError),
    #[error("the certificate has expired")]
    Expired,
}

impl Watched {
    fn new(listener: &'static str, tls: &Tls) -> Self {
        let reloads = |result| counter!("tls_certificate_reloads_total", "listener" => listener, "result" => result);
        let watched = Self {
            listener,
            tls: tls.clone(),
            decided: Some(tls.sources.first),
            fresh: None,
            refused: false,
            ok: reloads("ok"),
            broken: reloads("refused"),
            expiry: gauge!("tls_certificate_expiry_timestamp_seconds", "listener" => listener),
        };
        watched.tell_expiry();
        watched
    }

    /// Whether there was something to decide.
    async fn look(&mut self, trust: Trust, now: u64) -> bool {
        let read = self.tls.sources.read().await;
        let seen = read.as_ref().ok().map(Pems::fingerprint);
        if seen == self.decided {
            self.fresh = None;
            return false;
        }
        if trust == Trust::WhenSeenTwice && self.fresh != Some(seen) {
            self.fresh = Some(seen);
            return false;
        }
        self.decided = seen;
        self.fresh = None;
        let taken = read
            .map_err(|error| Refusal::Unreadable(error.kind()))
            .and_then(|pems| self.exchange(&pems, now));
        self.refused = taken.is_err();
        match taken {
            Ok(()) => {
                self.ok.increment(1);
                self.tell_expiry();
                tracing::info!(listener = self.listener, "new certificate");
            }
            Err(refusal) => {
                self.broken.increment(1);
                tracing::error!(
                    listener = self.listener,
                    %refusal,
                    "new certificate refused, the old one stays"
                );
            }
        }
        true
    }

    /// One that has expired is refused: every peer would, and the old one may still serve.
    fn exchange(&self, pems: &Pems, now: u64) -> Result<(), Refusal> {
        let next = Certificate::from_pem(&pems.certificates, &pems.key)?;
        if next.expires.is_some_and(|expires| expires <= now) {
            return Err(Refusal::Expired);
        }
        self.tls.shown.show(next);
        Ok(())
    }

    #[expect(clippy::cast_precision_loss, reason = "seconds fit for many million years")]
    fn tell_expiry(&self) {
        if let Some(expires) = self.tls.shown.expires() {
            self.expiry.set(expires as f64);
        }
    }
}
