//! Owns: a door before one call of the store, to look at what happens while it is under way.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;

use session::faulty::{Fault, Turnstile};
use tokio::sync::watch;

/// Closed until it is opened, once.
#[derive(Debug)]
pub(crate) struct Door {
    call: &'static str,
    is_open: watch::Sender<bool>,
}

impl Door {
    /// Before every call of the method `call`.
    pub(crate) fn before(call: &'static str) -> Self {
        Self { call, is_open: watch::Sender::new(false) }
    }

    pub(crate) fn open(&self) {
        self.is_open.send_replace(true);
    }
}

impl Turnstile for Door {
    fn pass(&self, call: &'static str) -> Pin<Box<dyn Future<Output = Option<Fault>> + Send + '_>> {
        Box::pin(async move {
            if call == self.call {
                self.is_open.subscribe().wait_for(|is_open| *is_open).await.unwrap();
            }
            None
        })
    }

    fn passed(&self, _: &'static str, _: &dyn Debug) {}
}
