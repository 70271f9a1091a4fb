//! Owns: the address that ends the session at the issuer (OpenID Connect RP-Initiated Logout 1.0
//! section 2).

use url::Url;

use super::config::OidcConfig;
use super::metadata::Metadata;

/// What goes along when the browser is sent to the issuer's logout.
#[derive(Clone, Copy, Default)]
pub struct EndSession<'a> {
    /// The ID token of the session; it may have expired.
    pub id_token_hint: Option<&'a str>,
    /// Registered at the issuer.
    pub post_logout_redirect_uri: Option<&'a str>,
    /// Comes back with the redirect. Sent only where there is one.
    pub state: Option<&'a str>,
}

impl std::fmt::Debug for EndSession<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EndSession").finish_non_exhaustive()
    }
}

/// `None` where the issuer has no such endpoint.
pub(super) fn url(
    config: &OidcConfig,
    metadata: &Metadata,
    request: &EndSession<'_>,
) -> Option<Url> {
    let mut url = metadata.end_session_endpoint()?.clone();
    let state = request.post_logout_redirect_uri.and(request.state);
    let parameters = [
        ("id_token_hint", request.id_token_hint),
        ("client_id", Some(config.client_id.as_str())),
        ("post_logout_redirect_uri", request.post_logout_redirect_uri),
        ("state", state),
    ];
    url.query_pairs_mut()
        .extend_pairs(parameters.into_iter().filter_map(|(name, value)| Some((name, value?))));
    Some(url)
}

#[cfg(test)]
mod tests;
