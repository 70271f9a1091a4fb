//! Owns: asking the issuer about a token (RFC 7662): the request, and the shape of the answer.
//!
//! What the answer means for a request is for the caller to judge.

use serde::Deserialize;
use serde_json::{Map, Value};
use url::Url;

use super::RelyingParty;
use super::endpoint::Form;
use super::error::{Endpoint, OidcError};
use super::metadata::EndpointUrl;
use crate::json;

/// What the issuer says of a token (section 2.2).
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Introspected {
    /// Whether it is good at all.
    pub(crate) active: bool,
    /// Everything else.
    #[serde(flatten)]
    pub(crate) claims: Map<String, Value>,
}

impl RelyingParty {
    /// Asks about `token` at `url`, or at the endpoint that the metadata names.
    ///
    /// # Errors
    /// [`OidcError`]; it says nothing about the token.
    pub(crate) async fn introspect(
        &self,
        url: Option<&Url>,
        token: &str,
        now: u64,
    ) -> Result<Introspected, OidcError> {
        let metadata = self.metadata(now).await?;
        let configured = url.map(EndpointUrl::configured);
        let endpoint = configured.as_ref().or(metadata.introspection_endpoint());
        let endpoint = endpoint.ok_or(OidcError::Metadata("introspection_endpoint_missing"))?;
        let form: Form<'_> = vec![("token", token), ("token_type_hint", "access_token")];
        let caller = self.caller(&metadata, now);
        let answer = caller.post(Endpoint::Introspection, endpoint, &form, None).await?;
        json::object(answer.body()).ok_or(OidcError::Protocol {
            endpoint: Endpoint::Introspection,
            what: "introspection_malformed",
        })
    }
}
