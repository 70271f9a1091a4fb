//! Owns: proving to the authorization server which client we are (RFC 6749 section 2.3.1,
//! RFC 7523 section 2.2, FAPI 2.0 section 5.3.3).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use secrecy::ExposeSecret;
use url::form_urlencoded::byte_serialize;
use zeroize::Zeroizing;

use super::client_key::AssertionClaims;
use super::config::{AssertionAudience, ClientAuth};
use super::endpoint::{Caller, unguessable};
use super::error::OidcError;
use super::metadata::EndpointUrl;

/// FAPI 2.0 lets a server refuse more.
const ASSERTION_LIFETIME: u64 = 60;

/// What one attempt carries. Never used for a second one.
pub(super) struct Credentials {
    header: Option<HeaderValue>,
    parameters: Vec<(&'static str, Zeroizing<String>)>,
}

impl Credentials {
    pub(super) fn parameters(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.parameters.iter().map(|(name, value)| (*name, value.as_str()))
    }

    pub(super) fn into_header(self) -> Option<HeaderValue> {
        self.header
    }
}

/// Credentials for one attempt at `url`.
pub(super) fn credentials(
    caller: &Caller<'_>,
    url: &EndpointUrl,
) -> Result<Credentials, OidcError> {
    let config = caller.config;
    let id = || ("client_id", Zeroizing::new(config.client_id.clone()));
    let in_body = |parameters| Credentials { header: None, parameters };
    Ok(match &config.client_auth {
        // Whoever made the handshake holds the key of the certificate (RFC 8705 section 2).
        ClientAuth::None | ClientAuth::Tls(_) | ClientAuth::SelfSignedTls(_) => in_body(vec![id()]),
        ClientAuth::SecretPost(secret) => in_body(vec![
            id(),
            ("client_secret", Zeroizing::new(secret.expose_secret().to_owned())),
        ]),
        ClientAuth::SecretBasic(secret) => Credentials {
            header: Some(basic(&config.client_id, secret.expose_secret())?),
            parameters: Vec::new(),
        },
        ClientAuth::PrivateKeyJwt(key) => {
            let audience = match config.assertion_audience {
                AssertionAudience::Issuer => &config.issuer,
                AssertionAudience::TokenEndpoint => caller.metadata.token_endpoint().public(),
                AssertionAudience::Endpoint => url.public(),
            };
            let assertion = key.assertion(&AssertionClaims {
                client_id: &config.client_id,
                audience,
                jti: &unguessable(caller.random),
                issued_at: caller.now,
                expires_at: caller.now.saturating_add(ASSERTION_LIFETIME),
            })?;
            in_body(vec![
                id(),
                (
                    "client_assertion_type",
                    Zeroizing::new(
                        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".to_owned(),
                    ),
                ),
                ("client_assertion", Zeroizing::new(assertion)),
            ])
        }
    })
}

fn basic(id: &str, secret: &str) -> Result<HeaderValue, OidcError> {
    // Both halves are form-encoded first, so that a colon or a percent sign survives.
    let encode = |text: &str| Zeroizing::new(byte_serialize(text.as_bytes()).collect::<String>());
    let pair = Zeroizing::new(format!("{}:{}", *encode(id), *encode(secret)));
    let value = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
    let mut header =
        HeaderValue::from_str(&value).map_err(|_| OidcError::Config("client_secret"))?;
    header.set_sensitive(true);
    Ok(header)
}

#[cfg(test)]
mod tests;
