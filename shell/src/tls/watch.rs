//! Owns: the exchange of a certificate: a new pair is checked as at the start, and a broken one leaves the
//! old one in place.

use std::io;
use std::sync::Arc;

use metrics::{Counter, Gauge, counter, gauge};

use super::source::Pems;
use super::{Certificate, Tls, TlsError};
use crate::clock::Clock;
use crate::reload::{Changes, Look, Trust, Watched};

/// The certificate of one listener.
struct WatchedTls {
    listener: &'static str,
    tls: Tls,
    clock: Arc<dyn Clock>,
    changes: Changes,
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

impl Tls {
    /// What exchanges its certificate when the files change; `None` where it comes from no file. `listener`
    /// is its label in metrics, which tell of the certificate either way: install the recorder first.
    pub fn watched(
        &self,
        listener: &'static str,
        clock: Arc<dyn Clock>,
    ) -> Option<Box<dyn Watched>> {
        let reloads = |result| counter!("tls_certificate_reloads_total", "listener" => listener, "result" => result);
        let watched = WatchedTls {
            listener,
            tls: self.clone(),
            clock,
            changes: Changes::after(Some(self.sources.first)),
            refused: false,
            ok: reloads("ok"),
            broken: reloads("refused"),
            expiry: gauge!("tls_certificate_expiry_timestamp_seconds", "listener" => listener),
        };
        watched.tell_expiry();
        let watched: Box<dyn Watched> = Box::new(watched);
        self.sources.can_change().then_some(watched)
    }
}

impl Watched for WatchedTls {
    fn look(&mut self, trust: Trust) -> Look<'_> {
        Box::pin(async move {
            let read = self.tls.sources.read().await;
            let due = self.changes.is_due(read.as_ref().ok().map(Pems::fingerprint), trust);
            if due {
                self.decide(read);
            }
            due
        })
    }

    fn is_refused(&self) -> bool {
        self.refused
    }
}

impl WatchedTls {
    fn decide(&mut self, read: io::Result<Pems>) {
        let taken = read
            .map_err(|error| Refusal::Unreadable(error.kind()))
            .and_then(|pems| self.exchange(&pems));
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
    }

    /// One that has expired is refused: every peer would, and the old one may still serve.
    fn exchange(&self, pems: &Pems) -> Result<(), Refusal> {
        let next = Certificate::from_pem(&pems.certificates, &pems.key)?;
        if next.expires.is_some_and(|expires| expires <= self.clock.unix_seconds()) {
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
