//! Owns: the parsed settings of one relying party. It reads no environment.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};
use validator_lib::algorithm::Algorithm;

use super::client_key::ClientKey;
use super::fapi2;
use super::resource::is_resource;
use crate::http_client::TlsIdentity;

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
    /// Signed authorization requests (RFC 9101).
    pub jar: Mode,
    /// Signed authorization responses (JARM).
    pub jarm: Mode,
    /// What all of this must add up to.
    pub profile: Profile,
    /// Signs authorization requests; the key of [`ClientAuth::PrivateKeyJwt`] does where there is
    /// none.
    pub request_key: Option<ClientKey>,
    /// A new DPoP key at every refresh. Only for confidential clients at an issuer that, as
    /// RFC 9449 section 5 has it, does not bind their refresh tokens to the key.
    pub rotate_dpop_key: bool,
    /// How tokens for one service are had.
    pub exchange: Exchange,
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
            jar: Mode::Off,
            jarm: Mode::Off,
            profile: Profile::Open,
            request_key: None,
            rotate_dpop_key: false,
            exchange: Exchange::Auto,
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

    /// The key that authorization requests are signed with.
    pub fn signing_key(&self) -> Option<&ClientKey> {
        match (&self.request_key, &self.client_auth) {
            (Some(key), _) | (None, ClientAuth::PrivateKeyJwt(key)) => Some(key),
            _ => None,
        }
    }

    /// What can be said against these settings before anybody is called.
    ///
    /// # Errors
    /// A short stable code of the first problem.
    pub fn check(&self) -> Result<(), &'static str> {
        self.check_parts()?;
        fapi2::weaknesses(self).first().map_or(Ok(()), |code| Err(*code))
    }

    /// [`OidcConfig::check`] without what the profile has to say.
    pub(crate) fn check_parts(&self) -> Result<(), &'static str> {
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
        if !self.resources.iter().all(|text| is_resource(text)) {
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
        if self.jar == Mode::Required && self.signing_key().is_none() {
            return Err("jar_without_client_key");
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
    /// `tls_client_auth` (RFC 8705 section 2.1): the issuer knows our certificate by its subject.
    Tls(TlsIdentity),
    /// `self_signed_tls_client_auth` (RFC 8705 section 2.2): it knows the certificate itself.
    SelfSignedTls(TlsIdentity),
    /// `none`: a public client.
    None,
}

impl ClientAuth {
    /// The certificate that is shown in the handshake.
    pub fn certificate(&self) -> Option<&TlsIdentity> {
        match self {
            Self::Tls(identity) | Self::SelfSignedTls(identity) => Some(identity),
            Self::SecretBasic(_) | Self::SecretPost(_) | Self::PrivateKeyJwt(_) | Self::None => {
                None
            }
        }
    }

    /// The registered name of the method.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::SecretBasic(_) => "client_secret_basic",
            Self::SecretPost(_) => "client_secret_post",
            Self::PrivateKeyJwt(_) => "private_key_jwt",
            Self::Tls(_) => "tls_client_auth",
            Self::SelfSignedTls(_) => "self_signed_tls_client_auth",
            Self::None => "none",
        }
    }
}

/// A named set of rules that the settings must keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Profile {
    /// Whatever the other settings say.
    #[default]
    Open,
    /// The FAPI 2.0 security profile; see [`OidcConfig::enforce_fapi2`].
    Fapi2,
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

/// How tokens for one service are had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Exchange {
    /// By token exchange, where the metadata lists the grant.
    #[default]
    Auto,
    /// By token exchange (RFC 8693), whatever the metadata says.
    Always,
    /// By the session's refresh token and a resource indicator (RFC 8707).
    Resource,
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
mod tests;
