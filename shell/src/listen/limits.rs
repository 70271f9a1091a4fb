//! Owns: what one listener allows its peers.

use std::time::Duration;

use super::Connections;

/// What one listener allows its peers. Clones share their [`Connections`].
#[derive(Debug, Clone)]
pub struct Limits {
    /// Longest time that an HTTP/1.1 connection may be without a whole request, be it idle or in the
    /// middle of a header; it is closed up to half as long after. Traefik keeps idle connections for
    /// 90 s and must not meet one that we are just closing.
    pub header_timeout: Duration,
    /// Most header fields of a request (431 beyond). `None`: hyper's own 100, for which it has room
    /// on the stack; any other number costs two allocations a request.
    pub max_headers: Option<usize>,
    /// Most bytes of a request's header (431 beyond).
    pub max_header_bytes: usize,
    /// Longest TLS handshake, and longest wait for the preface of HTTP/2 after it.
    pub handshake_timeout: Duration,
    /// Most requests at once on one HTTP/2 connection. Traefik opens another one beyond, so that
    /// more of them cost less than more connections.
    pub max_streams: u32,
    /// How often an HTTP/2 peer is asked whether it lives (RFC 9113 section 6.7).
    pub ping_interval: Duration,
    /// Longest wait for its answer; the connection of a peer that died ends here.
    pub ping_timeout: Duration,
    /// How long an idle HTTP/1.1 connection stays open at the drain for one more request, which a peer may
    /// just have sent. Answers say `Connection: close` from then on.
    pub linger: Duration,
    /// Whether bodies get a [`Cut`](super::Cut), which costs a little whenever something moves.
    pub cuttable: bool,
    /// The open connections, their count and the most there may be.
    pub connections: Connections,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_timeout: Duration::from_secs(120),
            max_headers: None,
            max_header_bytes: 128 * 1024,
            handshake_timeout: Duration::from_secs(10),
            max_streams: 512,
            ping_interval: Duration::from_secs(30),
            ping_timeout: Duration::from_secs(10),
            linger: Duration::from_secs(3),
            cuttable: false,
            connections: Connections::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traefik_closes_idle_connections_before_we_do() {
        const TRAEFIK_KEEPS_IDLE: Duration = Duration::from_secs(90);
        let limits = Limits::default();
        assert!(limits.header_timeout >= TRAEFIK_KEEPS_IDLE + Duration::from_secs(10));
    }

    #[test]
    fn a_dead_peer_is_found_before_traefik_gives_up_on_its_request() {
        let limits = Limits::default();
        assert!(limits.ping_interval + limits.ping_timeout < limits.header_timeout);
        assert!(limits.max_streams >= 256, "Traefik would open connections instead");
    }
}
