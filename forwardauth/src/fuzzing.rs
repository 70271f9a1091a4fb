//! Owns: what the crate `fuzz` asks of verify without a socket. Behind the feature `fuzzing`, which no
//! program has.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;

use crate::Verify;
use crate::policy::{Demands, Policies};
use crate::request::Peer;

/// The answer to `request` of a `peer` over TLS, which is a proxy where the settings name it.
///
/// # Cancel safety
/// As a connection that is lost: nothing is kept of the request.
pub async fn ask(verify: &Verify, peer: SocketAddr, request: Request<()>) -> Response<Full<Bytes>> {
    let peer = Peer { address: peer, tls: true, trusted: verify.trusts(peer) };
    verify.ask(peer, request).await
}

/// What the keys of a query ask of a session, where no policy is named.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asked {
    /// `scope`
    pub scopes: Vec<String>,
    /// `scope_any`
    pub any_scope: Vec<String>,
    /// `role`, as header text
    pub roles: Vec<String>,
    /// `role_any`, as header text
    pub any_role: Vec<String>,
    /// `tenant`
    pub tenant: Option<String>,
    /// `acr`
    pub acr: Vec<String>,
    /// `max_age`, in seconds
    pub max_age: Option<u64>,
}

/// Reads the query of a middleware's address.
///
/// # Errors
/// What is wrong with it, for people.
pub fn asked(query: &str) -> Result<Asked, String> {
    let demands =
        Demands::read(query, &Policies::default(), true).map_err(|error| error.to_string())?;
    let Some(own) = demands.parts().next().cloned() else { return Ok(Asked::default()) };
    Ok(Asked {
        scopes: own.scopes,
        any_scope: own.any_scope,
        roles: own.roles,
        any_role: own.any_role,
        tenant: own.tenant,
        acr: own.acr,
        max_age: own.max_age,
    })
}
