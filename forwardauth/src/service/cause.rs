//! Owns: what log lines and the answer call one request, so that each is found by the other.

use http::HeaderMap;
use shell::request_id::RequestId;
use shell::traces::TraceId;

use super::State;
use super::ask::Context;
use crate::fields::Fields;
use crate::request::{self, Peer};
use crate::traces;

/// Which request a line is about.
pub(super) struct Cause {
    pub(super) request_id: RequestId,
    /// That of a trusted proxy.
    pub(super) trace_id: Option<TraceId>,
}

impl State {
    /// Which request asked what `context` says.
    #[cold]
    pub(super) fn cause(&self, peer: Peer, context: &Context<'_>) -> Cause {
        let Context { headers, number, .. } = context;
        Cause {
            request_id: self.request_id(peer, &Fields::of(headers), headers, Some(*number)),
            trace_id: traces::trace_of(peer, headers),
        }
    }

    /// The id that the request brought, else the one of its `number`.
    pub(super) fn request_id(
        &self,
        peer: Peer,
        fields: &Fields<'_>,
        headers: &HeaderMap,
        number: Option<u64>,
    ) -> RequestId {
        let ids = &self.request_ids;
        request::request_id(peer, fields, headers)
            .unwrap_or_else(|| number.map_or_else(|| ids.fresh(), |number| ids.named(number)))
    }
}
