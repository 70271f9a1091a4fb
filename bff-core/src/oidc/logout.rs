//! Owns: the request that ends the session at the issuer (OpenID Connect RP-Initiated Logout 1.0
//! section 2), which the browser makes.

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

/// A logout request, to be made by GET of [`Self::url`] or by POST of its parameters.
#[derive(Clone)]
pub struct LogoutRequest {
    endpoint: Url,
    parameters: Vec<(&'static str, String)>,
}

impl LogoutRequest {
    /// Where it goes.
    pub fn endpoint(&self) -> &Url {
        &self.endpoint
    }

    /// What it says. The hint is an ID token.
    pub fn parameters(&self) -> &[(&'static str, String)] {
        &self.parameters
    }

    /// All of it in one address.
    pub fn url(&self) -> Url {
        let mut url = self.endpoint.clone();
        url.query_pairs_mut().extend_pairs(&self.parameters);
        url
    }
}

impl std::fmt::Debug for LogoutRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogoutRequest").finish_non_exhaustive()
    }
}

/// `None` where the issuer has no such endpoint.
pub(super) fn request(
    config: &OidcConfig,
    metadata: &Metadata,
    request: &EndSession<'_>,
) -> Option<LogoutRequest> {
    let endpoint = metadata.end_session_endpoint()?.clone();
    let state = request.post_logout_redirect_uri.and(request.state);
    let parameters = [
        ("id_token_hint", request.id_token_hint),
        ("client_id", Some(config.client_id.as_str())),
        ("post_logout_redirect_uri", request.post_logout_redirect_uri),
        ("state", state),
    ];
    let told = |(name, value): (&'static str, Option<&str>)| Some((name, value?.to_owned()));
    Some(LogoutRequest { endpoint, parameters: parameters.into_iter().filter_map(told).collect() })
}

#[cfg(test)]
mod tests;
