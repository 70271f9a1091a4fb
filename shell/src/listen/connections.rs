//! Owns: how many connections are open, the most there may be, and what is counted of them. A
//! request costs nothing here.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Once};

use metrics::{Counter, Gauge, counter, gauge};
use rustls::HandshakeKind;

/// The open connections of one listener, on all its threads. Clones are one.
#[derive(Clone)]
pub struct Connections(Arc<State>);

struct State {
    max: usize,
    open: AtomicUsize,
    /// Told once that connections are turned away; the counter goes on.
    full: Once,
    refused: Counter,
    h1: Protocol,
    h2: Protocol,
    handshakes: Handshakes,
}

struct Protocol {
    open: Gauge,
    accepted: Counter,
}

struct Handshakes {
    full: Counter,
    resumed: Counter,
    failed: Counter,
}

impl Default for Connections {
    /// Limited and not counted in any metric.
    fn default() -> Self {
        let protocol = || Protocol { open: Gauge::noop(), accepted: Counter::noop() };
        Self(Arc::new(State {
            max: Self::MOST,
            open: AtomicUsize::new(0),
            full: Once::new(),
            refused: Counter::noop(),
            h1: protocol(),
            h2: protocol(),
            handshakes: Handshakes {
                full: Counter::noop(),
                resumed: Counter::noop(),
                failed: Counter::noop(),
            },
        }))
    }
}

impl std::fmt::Debug for Connections {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let open = self.0.open.load(Ordering::Relaxed);
        f.debug_struct("Connections").field("max", &self.0.max).field("open", &open).finish()
    }
}

impl Connections {
    /// Most of them where nobody says otherwise: an idle one takes about 20 KiB.
    pub const MOST: usize = 50_000;

    /// At most `max`, or [`Connections::MOST`]. Counted as `{prefix}_connections`,
    /// `{prefix}_connections_total`, `{prefix}_connections_refused_total` and
    /// `{prefix}_tls_handshakes_total`. Install the metrics recorder first.
    pub fn counted(prefix: &str, max: Option<usize>) -> Self {
        let protocol = |name: &'static str| Protocol {
            open: gauge!(format!("{prefix}_connections"), "protocol" => name),
            accepted: counter!(format!("{prefix}_connections_total"), "protocol" => name),
        };
        let handshakes = |result: &'static str| counter!(format!("{prefix}_tls_handshakes_total"), "result" => result);
        Self(Arc::new(State {
            max: max.unwrap_or(Self::MOST),
            open: AtomicUsize::new(0),
            full: Once::new(),
            refused: counter!(format!("{prefix}_connections_refused_total")),
            h1: protocol("h1"),
            h2: protocol("h2"),
            handshakes: Handshakes {
                full: handshakes("full"),
                resumed: handshakes("resumed"),
                failed: handshakes("failed"),
            },
        }))
    }

    /// A place for one more connection; `None` if there is none.
    pub(super) fn admit(&self) -> Option<Open> {
        let state = &self.0;
        if state.open.fetch_add(1, Ordering::Relaxed) < state.max {
            return Some(Open { connections: self.clone(), speaks: None });
        }
        state.open.fetch_sub(1, Ordering::Relaxed);
        state.refused.increment(1);
        state.full.call_once(|| {
            tracing::warn!(max = state.max, "too many connections, new ones are closed");
        });
        None
    }
}

/// What a connection speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speaks {
    Http1,
    Http2,
}

/// The place of one open connection.
pub(super) struct Open {
    connections: Connections,
    speaks: Option<Speaks>,
}

impl Open {
    /// It is settled what the connection speaks. Once a connection.
    pub(super) fn speaks(&mut self, speaks: Speaks) {
        let protocol = self.connections.0.protocol(speaks);
        protocol.open.increment(1);
        protocol.accepted.increment(1);
        self.speaks = Some(speaks);
    }

    pub(super) fn handshake_done(&self, kind: Option<HandshakeKind>) {
        let handshakes = &self.connections.0.handshakes;
        match kind {
            Some(HandshakeKind::Resumed) => handshakes.resumed.increment(1),
            _ => handshakes.full.increment(1),
        }
    }

    pub(super) fn handshake_failed(&self) {
        self.connections.0.handshakes.failed.increment(1);
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let state = &self.connections.0;
        state.open.fetch_sub(1, Ordering::Relaxed);
        if let Some(speaks) = self.speaks {
            state.protocol(speaks).open.decrement(1);
        }
    }
}

impl State {
    fn protocol(&self, speaks: Speaks) -> &Protocol {
        match speaks {
            Speaks::Http1 => &self.h1,
            Speaks::Http2 => &self.h2,
        }
    }
}
