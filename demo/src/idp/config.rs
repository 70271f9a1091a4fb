//! Owns: what the provider is told when it starts, and what of it is refused.

use std::fmt;
use std::io;

use url::{Host, Url};

/// What the provider is told when it starts.
#[derive(Debug, Clone)]
pub(crate) struct IdpConfig {
    /// The issuer identifier: scheme, host and port, without a path.
    pub(crate) issuer: String,
    /// The relying parties.
    pub(crate) clients: Vec<Client>,
    /// Life of an access token in seconds.
    pub(crate) access_token_ttl: u64,
    /// The `aud` of access tokens.
    pub(crate) audience: String,
    /// Whether every DPoP proof must carry a nonce of this provider.
    pub(crate) require_dpop_nonce: bool,
}

/// A registered, confidential relying party.
#[derive(Clone)]
pub(crate) struct Client {
    /// `client_id`.
    pub(crate) id: String,
    /// `client_secret`.
    pub(crate) secret: String,
    /// Where an authorization response may go, compared exactly.
    pub(crate) redirect_uris: Vec<String>,
    /// Where the browser may go after a logout, compared exactly.
    pub(crate) post_logout_redirect_uris: Vec<String>,
    /// Where logout tokens are sent; on loopback.
    pub(crate) backchannel_logout_uri: Option<String>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("id", &self.id).finish_non_exhaustive()
    }
}

impl IdpConfig {
    /// Refuses a configuration that could not work.
    pub(super) fn check(&self) -> io::Result<()> {
        let issuer = Url::parse(&self.issuer).map_err(|_| unusable("the issuer is not a URL"))?;
        if issuer.origin().ascii_serialization() != self.issuer {
            return Err(unusable("the issuer is scheme, host and port, and nothing else"));
        }
        for client in &self.clients {
            for uri in client.redirect_uris.iter().chain(&client.post_logout_redirect_uris) {
                Url::parse(uri).map_err(|_| unusable("a redirect URI is not a URL"))?;
            }
            if let Some(uri) = &client.backchannel_logout_uri {
                let uri = Url::parse(uri).map_err(|_| unusable("a logout URI is not a URL"))?;
                if uri.scheme() != "http" || !is_loopback(&uri) {
                    return Err(unusable("logout tokens are sent to http URLs on loopback only"));
                }
            }
        }
        Ok(())
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// An error of the one who configured the provider.
pub(super) fn unusable(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
}
