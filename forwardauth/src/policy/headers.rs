//! Owns: which headers claims may be told in (`headers` of a policy). None that says who we are, where a
//! message goes or how it is framed: a claim's value is the user's to choose, at times (class T4).

use http::HeaderName;
use session::edge::{EdgeFrame, claims};
use session::header_text;

use super::{TokenClaims, verified_email};

/// A header, and where its value is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MappedHeader {
    /// The header's name.
    pub(crate) name: HeaderName,
    /// The claim's, as the file has it.
    pub(crate) claim: String,
    source: Source,
}

/// Where a value is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    UserId,
    TenantId,
    TenantSlug,
    Issuer,
    Roles,
    Groups,
    Scopes,
    Acr,
    SessionId,
    AuthTime,
    /// The address, where it is verified.
    VerifiedEmail,
    /// The address, verified or not.
    Email,
    /// Any other claim.
    Claim,
}

/// A value for a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    /// A part of the edge view; empty where it is unknown.
    Text(&'a [u8]),
    /// What `X-Session-ID` has.
    SessionId,
    /// What `X-Auth-Time` has.
    AuthTime,
}

impl MappedHeader {
    /// The value for the session of `edge`.
    pub(crate) fn value<'a>(&self, edge: &'a EdgeFrame) -> Value<'a> {
        Value::Text(match self.source {
            Source::UserId => edge.user_id(),
            Source::TenantId => edge.tenant_id(),
            Source::TenantSlug => edge.tenant_slug(),
            Source::Issuer => edge.issuer(),
            Source::Roles => edge.roles(),
            Source::Groups => edge.groups(),
            Source::Scopes => edge.scopes(),
            Source::Acr => edge.acr(),
            Source::VerifiedEmail => verified_email(edge).unwrap_or_default(),
            Source::Email => edge.claim(claims::EMAIL).unwrap_or_default(),
            Source::Claim => edge.claim(&self.claim).unwrap_or_default(),
            Source::SessionId => return Value::SessionId,
            Source::AuthTime => return Value::AuthTime,
        })
    }
}

impl MappedHeader {
    /// The value for `user` of a bearer token, as header text; empty where it is unknown, and where only
    /// sessions have it.
    pub(crate) fn value_of_token(&self, user: &str, claims: &TokenClaims<'_>) -> String {
        let token = claims.token;
        let list =
            |entries: &[String]| header_text::encode_list(entries.iter().map(String::as_str));
        match self.source {
            Source::UserId => header_text::encode(user),
            Source::Issuer => header_text::encode(token.issuer()),
            Source::Roles => list(token.roles()),
            Source::Groups => header_text::encode_list(claims.groups()),
            Source::Scopes => header_text::encode_phrase(&token.scopes().join(" ")),
            Source::Acr => header_text::encode(token.acr().unwrap_or_default()),
            Source::VerifiedEmail => {
                header_text::encode(claims.verified_email().unwrap_or_default())
            }
            Source::Email => header_text::encode(claims.email().unwrap_or_default()),
            Source::Claim => {
                claims.get(&self.claim).and_then(header_text::encode_json).unwrap_or_default()
            }
            Source::AuthTime => {
                token.authenticated_at().map(|at| at.to_string()).unwrap_or_default()
            }
            Source::TenantId | Source::TenantSlug | Source::SessionId => String::new(),
        }
    }
}

fn source(claim: &str) -> Source {
    match claim {
        "user_id" => Source::UserId,
        "tenant_id" => Source::TenantId,
        "tenant_slug" => Source::TenantSlug,
        "issuer" => Source::Issuer,
        "roles" => Source::Roles,
        "groups" => Source::Groups,
        "scopes" => Source::Scopes,
        "acr" => Source::Acr,
        "session_id" => Source::SessionId,
        "auth_time" => Source::AuthTime,
        claims::EMAIL => Source::VerifiedEmail,
        claims::UNVERIFIED_EMAIL => Source::Email,
        _ => Source::Claim,
    }
}

/// What is wrong with an entry.
pub(super) struct Wrong {
    pub(super) key: String,
    pub(super) problem: &'static str,
    pub(super) hint: &'static str,
}

/// Longest name of a header or a claim.
const NAME_MAX: usize = 128;

/// What other gateways call their users, of names that begin as others do which are refused.
const USERS: [&str; 5] = [
    "x-forwarded-user",
    "x-forwarded-email",
    "x-forwarded-groups",
    "x-forwarded-preferred-username",
    "x-forwarded-name",
];

/// Names that begin so say where a message goes, how it is framed, or what a browser vouches for.
const BEGINNINGS: [&str; 13] = [
    "accept",
    "access-control-",
    "content-",
    "if-",
    "proxy-",
    "sec-",
    "x-envoy-",
    "x-forwarded",
    "x-http-",
    "x-method-",
    "x-original-",
    "x-rewrite-",
    "x-wicket-",
];

/// What is written by us, by proxies, by tracing or by the protocol.
const NAMES: [&str; 60] = [
    "age",
    "allow",
    "alt-svc",
    "authorization",
    "baggage",
    "cache-control",
    "clear-site-data",
    "connection",
    "cookie",
    "cookie2",
    "date",
    "digest",
    "dpop",
    "dpop-nonce",
    "early-data",
    "etag",
    "expect",
    "expires",
    "forwarded",
    "from",
    "host",
    "http2-settings",
    "keep-alive",
    "last-modified",
    "link",
    "location",
    "max-forwards",
    "origin",
    "pragma",
    "range",
    "referer",
    "refresh",
    "retry-after",
    "server",
    "set-cookie",
    "set-cookie2",
    "signature",
    "signature-input",
    "strict-transport-security",
    "te",
    "traceparent",
    "tracestate",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "vary",
    "via",
    "www-authenticate",
    "x-auth-time",
    "x-csrf-token",
    "x-master-flags",
    "x-real-ip",
    "x-request-id",
    "x-scheme",
    "x-session-id",
    "x-tenant-id",
    "x-tenant-slug",
    "x-user-id",
    "x-user-roles",
];

/// The header and the claim of an entry of `headers`, which may name either first. The names of claims that are
/// known tell which is which, and else the form: headers have capitals or hyphens, and claims seldom.
pub(super) fn either_way(one: String, other: String) -> (String, String) {
    let is_known = |text: &str| claims::RESERVED.contains(&text);
    let is_headers = |byte: u8| byte.is_ascii_uppercase() || byte == b'-';
    let in_form = !one.bytes().any(is_headers) && other.contains('-');
    let claim_first = !is_known(&other) && (is_known(&one) || in_form);
    if claim_first { (other, one) } else { (one, other) }
}

/// The entry `name: claim` of a policy's `headers`.
pub(super) fn mapped(name: &str, claim: &str) -> Result<MappedHeader, Wrong> {
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if name.is_empty() || name.len() > NAME_MAX || !plain {
        return Err(Wrong {
            key: "headers".to_owned(),
            problem: "names a header that is not of letters, digits and hyphens",
            hint: "Write a name such as Remote-User. Proxies drop or alias names with _ and dots.",
        });
    }
    let wrong = |problem, hint| Wrong { key: format!("headers.{name}"), problem, hint };
    let lower = name.to_ascii_lowercase();
    let is_users = USERS.contains(&lower.as_str());
    let begins = BEGINNINGS.iter().any(|beginning| lower.starts_with(beginning));
    if (begins || NAMES.contains(&lower.as_str())) && !is_users {
        return Err(wrong(
            "is a header that has a meaning of its own",
            "Choose a name that only says who the user is, such as Remote-User.",
        ));
    }
    if claim.is_empty() || claim.len() > NAME_MAX || claim.contains(char::is_control) {
        return Err(wrong("has no claim's name", "Name a claim such as preferred_username."));
    }
    let Ok(name) = HeaderName::try_from(lower) else {
        return Err(wrong("is no header's name", "Write a name such as Remote-User."));
    };
    Ok(MappedHeader { name, claim: claim.to_owned(), source: source(claim) })
}
