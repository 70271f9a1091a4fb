//! Owns: the parsed settings of one relying party. It reads no environment.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};
use validator_lib::algorithm::Algorithm;

use super::client_key::ClientKey;

/// Everything the relying party needs to know about one issuer and our registration there.
#[derive(Debug, Clone)]
pub struct OidcConfig {
    /// The issuer identifier, character for character: it is compared, never normalised.
    pub issuer: String,
    /// Origin for server-side calls where it differs from the issuer's.
    pub internal_base: Option<Url>,
    /// Our client identifier.
    pub client_id: String,
    /// How we prove to be that client.
    pub client_auth: ClientAuth,
    /// What a client assertion names as its audience.
    pub assertion_audience: AssertionAudience,
    /// Space separated; sent as it stands.
    pub scopes: String,
    /// Pushed authorization requests (RFC 9126).
    pub par: Mode,
    /// Sender-constrained tokens (RFC 9449).
    pub dpop: Mode,
    /// A new DPoP key at every refresh. Only for confidential clients at an issuer that, as
    /// RFC 9449 section 5 has it, does not bind their refresh tokens to the key.
    pub rotate_dpop_key: bool,
    /// Resource indicators (RFC 8707).
    pub resources: Vec<String>,
    /// The claim that becomes the user id.
    pub user_id_claim: String,
    /// Where roles are found: claim names, nested by dots. All that exist are joined.
    pub role_claims: Vec<String>,
    /// Where groups are found, likewise.
    pub group_claims: Vec<String>,
    /// Where the tenant is found.
    pub tenant_claim: Option<String>,
    /// Signature algorithms an ID token may have. Narrowed further by the metadata.
    pub id_token_algorithms: Vec<Algorithm>,
    /// Audiences an ID token may have beside us.
    pub id_token_extra_audiences: Vec<String>,
    /// Refuses a logout token that does not say in its header that it is one.
    pub require_logout_token_typ: bool,
    /// Refuses a response without `iss` even if the metadata does not promise one.
    pub require_iss_parameter: bool,
    /// The longest a single call may take, connection included.
    pub http_timeout: Duration,
    /// How long after its use the issuer takes a rotated refresh token once more; zero if it does not.
    pub refresh_grace: Duration,
    /// How far the issuer's clock may differ from ours: at most a few minutes (OpenID Connect
    /// Core section 2).
    pub clock_leeway: Duration,
}

impl OidcConfig {
    /// Settings with the defaults of the product for everything that has one.
    pub fn new(issuer: String, client_id: String, client_auth: ClientAuth) -> Self {
        Self {
            issuer,
            internal_base: None,
            client_id,
            client_auth,
            assertion_audience: AssertionAudience::Issuer,
            scopes: "openid profile email offline_access".to_owned(),
            par: Mode::Auto,
            dpop: Mode::Auto,
            rotate_dpop_key: false,
            resources: Vec::new(),
            user_id_claim: "sub".to_owned(),
            role_claims: vec![
                "roles".to_owned(),
                "role".to_owned(),
                "realm_access.roles".to_owned(),
            ],
            group_claims: vec!["groups".to_owned()],
            tenant_claim: None,
            id_token_algorithms: Algorithm::ALL.to_vec(),
            id_token_extra_audiences: Vec::new(),
            require_logout_token_typ: false,
            require_iss_parameter: false,
            http_timeout: Duration::from_secs(10),
            refresh_grace: Duration::ZERO,
            clock_leeway: Duration::from_secs(120),
        }
    }

    /// What can be said against these settings before anybody is called.
    ///
    /// # Errors
    /// A short stable code of the first problem.
    pub fn check(&self) -> Result<(), &'static str> {
        let issuer = Url::parse(&self.issuer).map_err(|_| "issuer_not_a_url")?;
        if !is_https_or_loopback(&issuer) {
            return Err("issuer_not_https");
        }
        if issuer.query().is_some() || issuer.fragment().is_some() {
            return Err("issuer_has_query_or_fragment");
        }
        if self.internal_base.as_ref().is_some_and(|url| !matches!(url.scheme(), "http" | "https"))
        {
            return Err("internal_base_not_http");
        }
        if self.client_id.is_empty() {
            return Err("client_id_empty");
        }
        if !self.scopes.split(' ').any(|scope| scope == "openid") {
            return Err("scope_openid_missing");
        }
        if self.scopes.contains("${") {
            return Err("scope_unexpanded");
        }
        let is_resource =
            |text: &String| Url::parse(text).is_ok_and(|url| url.fragment().is_none());
        if !self.resources.iter().all(is_resource) {
            return Err("resource_not_an_absolute_uri");
        }
        match &self.client_auth {
            ClientAuth::SecretBasic(secret) | ClientAuth::SecretPost(secret)
                if secret.expose_secret().is_empty() =>
            {
                return Err("client_secret_empty");
            }
            _ => {}
        }
        if self.id_token_algorithms.is_empty() {
            return Err("no_id_token_algorithm");
        }
        if self.rotate_dpop_key && matches!(self.client_auth, ClientAuth::None) {
            return Err("public_client_cannot_rotate_dpop_key");
        }
        Ok(())
    }
}

/// Client authentication (OpenID Connect Core section 9).
#[derive(Debug, Clone)]
pub enum ClientAuth {
    /// `client_secret_basic`
    SecretBasic(SecretString),
    /// `client_secret_post`
    SecretPost(SecretString),
    /// `private_key_jwt`
    PrivateKeyJwt(ClientKey),
    /// `none`: a public client.
    None,
}

/// What a client assertion names as its audience.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AssertionAudience {
    /// The issuer identifier, as FAPI 2.0 wants it.
    #[default]
    Issuer,
    /// The token endpoint, whichever endpoint is called.
    TokenEndpoint,
    /// The endpoint that is called.
    Endpoint,
}

/// Whether an optional protocol is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// If the metadata offers it.
    #[default]
    Auto,
    /// Always; never falls back.
    Required,
    /// Never.
    Off,
}

/// Whether `url` may carry a secret: TLS, or plain text that does not leave the machine.
pub(crate) fn is_https_or_loopback(url: &Url) -> bool {
    match url.scheme() {
        "https" => url.has_host(),
        "http" => match url.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(change: impl FnOnce(&mut OidcConfig)) -> Option<&'static str> {
        let auth = ClientAuth::SecretBasic("secret".to_owned().into());
        let issuer = "https://idp.example".to_owned();
        let mut config = OidcConfig::new(issuer, "client".to_owned(), auth);
        change(&mut config);
        config.check().err()
    }

    #[test]
    fn t09_settings_that_mean_less_than_they_seem_are_refused() {
        assert_eq!(problem(|_| {}), None);
        assert_eq!(problem(|c| c.issuer = "idp.example".into()), Some("issuer_not_a_url"));
        assert_eq!(problem(|c| c.issuer = "http://idp.example".into()), Some("issuer_not_https"));
        assert_eq!(
            problem(|c| c.issuer = "https://idp.example?x".into()),
            Some("issuer_has_query_or_fragment")
        );
        assert_eq!(problem(|c| c.client_id.clear()), Some("client_id_empty"));
        assert_eq!(problem(|c| c.scopes = "profile".into()), Some("scope_openid_missing"));
        assert_eq!(problem(|c| c.scopes = "openid ${SCOPE}".into()), Some("scope_unexpanded"));
        assert_eq!(
            problem(|c| c.internal_base = Some(Url::parse("mailto:idp").unwrap())),
            Some("internal_base_not_http")
        );
        assert_eq!(
            problem(|c| c.resources = vec!["orders".into()]),
            Some("resource_not_an_absolute_uri")
        );
        assert_eq!(
            problem(|c| c.client_auth = ClientAuth::SecretPost(String::new().into())),
            Some("client_secret_empty")
        );
        assert_eq!(problem(|c| c.id_token_algorithms.clear()), Some("no_id_token_algorithm"));
        assert_eq!(
            problem(|c| {
                c.client_auth = ClientAuth::None;
                c.rotate_dpop_key = true;
            }),
            Some("public_client_cannot_rotate_dpop_key")
        );
    }

    #[test]
    fn plain_text_is_for_loopback_only() {
        for (url, good) in [
            ("https://idp.example", true),
            ("http://localhost:9000", true),
            ("http://idp.localhost", true),
            ("http://127.0.0.1", true),
            ("http://[::1]:1", true),
            ("http://10.0.0.1", false),
            ("http://localhost.evil.example", false),
            ("http://[::ffff:127.0.0.1]", false),
            ("file:///etc/passwd", false),
        ] {
            assert_eq!(is_https_or_loopback(&Url::parse(url).unwrap()), good, "{url}");
        }
    }
}
