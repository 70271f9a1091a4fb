//! Owns: what can go wrong between us and the identity provider, by whose fault it is.

use validator_lib::keysource::KeysUnavailable;

use crate::http_client::HttpError;
use crate::metrics;

/// An error code of RFC 6749 sections 4.1.2.1 and 5.2, OpenID Connect Core section 3.1.2.6 or
/// RFC 9449, parsed. Codes nobody registered stay [`OAuthCode::Other`]: they are not repeated,
/// because the other side chose their text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the registry")]
#[non_exhaustive]
pub enum OAuthCode {
    InvalidRequest,
    InvalidClient,
    InvalidGrant,
    UnauthorizedClient,
    UnsupportedGrantType,
    UnsupportedResponseType,
    InvalidScope,
    InvalidTarget,
    AccessDenied,
    ServerError,
    TemporarilyUnavailable,
    InteractionRequired,
    LoginRequired,
    AccountSelectionRequired,
    ConsentRequired,
    UnmetAuthenticationRequirements,
    InvalidRequestUri,
    InvalidRequestObject,
    InvalidDpopProof,
    UseDpopNonce,
    InvalidToken,
    Other,
}

impl OAuthCode {
    /// Reads the `error` member or parameter.
    pub fn parse(code: &str) -> Self {
        Self::TABLE
            .iter()
            .find(|(_, name)| *name == code)
            .map_or(Self::Other, |(parsed, _)| *parsed)
    }

    /// The registered spelling, or `other`.
    pub fn as_str(self) -> &'static str {
        Self::TABLE.iter().find(|(code, _)| *code == self).map_or("other", |(_, name)| name)
    }

    const TABLE: [(Self, &'static str); 21] = [
        (Self::InvalidRequest, "invalid_request"),
        (Self::InvalidClient, "invalid_client"),
        (Self::InvalidGrant, "invalid_grant"),
        (Self::UnauthorizedClient, "unauthorized_client"),
        (Self::UnsupportedGrantType, "unsupported_grant_type"),
        (Self::UnsupportedResponseType, "unsupported_response_type"),
        (Self::InvalidScope, "invalid_scope"),
        (Self::InvalidTarget, "invalid_target"),
        (Self::AccessDenied, "access_denied"),
        (Self::ServerError, "server_error"),
        (Self::TemporarilyUnavailable, "temporarily_unavailable"),
        (Self::InteractionRequired, "interaction_required"),
        (Self::LoginRequired, "login_required"),
        (Self::AccountSelectionRequired, "account_selection_required"),
        (Self::ConsentRequired, "consent_required"),
        (Self::UnmetAuthenticationRequirements, "unmet_authentication_requirements"),
        (Self::InvalidRequestUri, "invalid_request_uri"),
        (Self::InvalidRequestObject, "invalid_request_object"),
        (Self::InvalidDpopProof, "invalid_dpop_proof"),
        (Self::UseDpopNonce, "use_dpop_nonce"),
        (Self::InvalidToken, "invalid_token"),
    ];
}

/// A refusal that the identity provider spelled out. Its description is not kept: it may name
/// the user, and nobody may render it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}", code.as_str())]
pub struct OAuthError {
    /// What it said.
    pub code: OAuthCode,
    /// The HTTP status it came with; `None` for one that came through the browser.
    pub status: Option<u16>,
}

/// A server-side endpoint of the identity provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are those of the metadata document")]
pub enum Endpoint {
    Discovery,
    Jwks,
    Par,
    Token,
    Userinfo,
    Revocation,
    Introspection,
}

impl Endpoint {
    /// A short stable name for logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Discovery => "discovery",
            Self::Jwks => "jwks",
            Self::Par => "par",
            Self::Token => "token",
            Self::Userinfo => "userinfo",
            Self::Revocation => "revocation",
            Self::Introspection => "introspection",
        }
    }
}

impl Endpoint {
    /// Counts a call.
    pub(super) fn asked<T>(self, result: &Result<T, OidcError>) {
        let outcome = result.as_ref().map_or_else(OidcError::outcome, |_| "ok");
        metrics::idp_asked(self.as_str(), outcome);
    }
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a conversation with the identity provider failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OidcError {
    /// The browser brought an authorization response that cannot be one of ours.
    #[error("the authorization response is not acceptable: {0}")]
    Callback(&'static str),
    /// The browser asked for a login with parameters we do not pass on.
    #[error("the login parameter {0} is not acceptable")]
    Hint(&'static str),
    /// The identity provider sent the user back with an error.
    #[error("the identity provider refused the login: {0}")]
    Denied(#[source] OAuthError),
    /// The identity provider refused a request of ours.
    #[error("the {endpoint} endpoint refused: {error}")]
    Rejected {
        /// Where.
        endpoint: Endpoint,
        /// What it said.
        error: OAuthError,
    },
    /// The identity provider answered something its standards do not allow.
    #[error("the {endpoint} endpoint answered nonsense: {what}")]
    Protocol {
        /// Where.
        endpoint: Endpoint,
        /// A short stable code.
        what: &'static str,
    },
    /// The metadata cannot be used with this configuration.
    #[error("the provider metadata is not acceptable: {0}")]
    Metadata(&'static str),
    /// The ID token (or what belongs to it) failed a check.
    #[error("the ID token is not acceptable: {0}")]
    IdToken(&'static str),
    /// The times in the ID token do not fit our clock: it is old, or one of the clocks is wrong.
    #[error("the ID token's times do not fit our clock: {0}")]
    Clock(&'static str),
    /// The identity provider is overloaded or broken and said so.
    #[error("the {endpoint} endpoint answered {status}")]
    Busy {
        /// Where.
        endpoint: Endpoint,
        /// 429 or 5xx.
        status: u16,
    },
    /// The identity provider could not be reached, or its answer got lost.
    #[error("the {endpoint} endpoint cannot be reached: {source}")]
    Unreachable {
        /// Where.
        endpoint: Endpoint,
        /// How.
        source: HttpError,
    },
    /// The signing keys of the identity provider cannot be had.
    #[error("the signing keys cannot be had: {0}")]
    Keys(#[source] KeysUnavailable),
    /// The identity provider failed a moment ago and is left alone for another moment.
    #[error("the {0} endpoint failed a moment ago")]
    BackingOff(Endpoint),
    /// Our own configuration or key is at fault.
    #[error("our own configuration is at fault: {0}")]
    Config(&'static str),
}

impl OidcError {
    /// A short stable code for logs, metrics and the browser's error page.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Callback(what)
            | Self::Protocol { what, .. }
            | Self::Metadata(what)
            | Self::IdToken(what)
            | Self::Clock(what)
            | Self::Config(what) => what,
            Self::Hint(_) => "login_parameter",
            Self::Denied(error) | Self::Rejected { error, .. } => error.code.as_str(),
            Self::Busy { .. } => "idp_busy",
            Self::Unreachable { source, .. } => source.reason(),
            Self::Keys(source) => source.reason(),
            Self::BackingOff(_) => "idp_backing_off",
        }
    }

    /// What became of the call that failed so, as a label of `bff_idp_requests_total`.
    fn outcome(&self) -> &'static str {
        match self {
            Self::Rejected { error: OAuthError { code: OAuthCode::UseDpopNonce, .. }, .. } => {
                "nonce"
            }
            Self::Denied(_) | Self::Rejected { .. } => "rejected",
            Self::Busy { .. } => "busy",
            Self::Unreachable {
                source:
                    source @ (HttpError::Connect(_) | HttpError::Timeout | HttpError::Interrupted(_)),
                ..
            } => source.reason(),
            Self::Unreachable { source: HttpError::TooLarge, .. }
            | Self::Callback(_)
            | Self::Hint(_)
            | Self::Protocol { .. }
            | Self::Metadata(_)
            | Self::IdToken(_)
            | Self::Clock(_)
            | Self::Keys(_)
            | Self::BackingOff(_)
            | Self::Config(_) => "nonsense",
        }
    }

    /// Whether the identity provider is away rather than at odds with us: the caller answers 503
    /// and nothing is thrown away.
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Busy { .. } | Self::Unreachable { .. } | Self::Keys(_) | Self::BackingOff(_) => {
                true
            }
            Self::Denied(error) | Self::Rejected { error, .. } => {
                matches!(error.code, OAuthCode::ServerError | OAuthCode::TemporarilyUnavailable)
            }
            Self::Callback(_)
            | Self::Hint(_)
            | Self::Protocol { .. }
            | Self::Metadata(_)
            | Self::IdToken(_)
            | Self::Clock(_)
            | Self::Config(_) => false,
        }
    }

    /// Whether the issuer's metadata and our settings exclude each other, so that asking again is of
    /// no use. A document that cannot be read says nothing about that.
    pub fn is_contradiction(&self) -> bool {
        matches!(self, Self::Metadata(what) if *what != "discovery_malformed")
    }

    /// Whether the browser (or who wrote its request) is at fault: the caller answers 400.
    pub fn is_client_fault(&self) -> bool {
        matches!(self, Self::Callback(_) | Self::Hint(_))
    }
}
