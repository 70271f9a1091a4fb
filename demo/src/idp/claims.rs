//! Owns: what the tokens say: the access token (RFC 9068), the ID token (`OpenID` Connect Core
//! section 2), the logout token (Back-Channel Logout section 2.4) and the userinfo claims.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::idp::Idp;
use crate::idp::error::OAuthError;
use crate::idp::grant::Grant;
use crate::idp::scope::Scope;
use crate::idp::users::User;

/// `typ` of access tokens.
pub(super) const ACCESS_TOKEN: &str = "at+jwt";
/// `typ` of ID tokens.
pub(super) const ID_TOKEN: &str = "JWT";

/// Seconds in which a client must have looked at an ID token.
const ID_TOKEN_TTL: u64 = 300;
/// Seconds in which a logout token must have arrived.
const LOGOUT_TOKEN_TTL: u64 = 120;

/// An access token that was just made.
pub(super) struct AccessToken {
    pub(super) token: String,
    pub(super) jti: String,
    pub(super) expires_at: u64,
}

/// Whose key a token is bound to (RFC 9449 section 6.1).
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Confirmation {
    pub(super) jkt: String,
}

/// What this provider reads of its own access tokens.
#[derive(Debug, Deserialize)]
pub(super) struct AccessClaims {
    pub(super) jti: String,
    pub(super) exp: u64,
    pub(super) client_id: String,
    pub(super) scope: String,
    pub(super) cnf: Option<Confirmation>,
}

/// What this provider reads of an ID token that comes back as a hint.
#[derive(Debug, Deserialize)]
pub(super) struct HintClaims {
    pub(super) aud: String,
    pub(super) sid: String,
}

/// What a person lets be known about herself, by scope.
#[derive(Serialize)]
pub(super) struct Profile {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    preferred_username: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email_verified: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    roles: Option<[&'static str; 1]>,
}

impl Profile {
    pub(super) fn of(user: &User, scope: &Scope) -> Self {
        let profile = scope.contains("profile");
        let email = scope.contains("email");
        Self {
            name: profile.then_some(user.full_name),
            preferred_username: profile.then_some(user.name),
            email: email.then_some(user.email),
            email_verified: email.then_some(true),
            roles: scope.contains("roles").then_some([user.role]),
        }
    }
}

/// An access token for `grant`, bound to the key `jkt` names, if any.
pub(super) fn access_token(
    idp: &Idp,
    grant: &Grant,
    jkt: Option<String>,
    now: u64,
) -> Result<AccessToken, OAuthError> {
    #[derive(Serialize)]
    struct Claims<'a> {
        iss: &'a str,
        sub: &'a str,
        aud: &'a str,
        client_id: &'a str,
        scope: String,
        roles: [&'a str; 1],
        jti: &'a str,
        iat: u64,
        exp: u64,
        auth_time: u64,
        acr: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        cnf: Option<Confirmation>,
    }
    let jti = idp.fresh();
    let expires_at = now + idp.config.access_token_ttl;
    let claims = Claims {
        iss: &idp.config.issuer,
        sub: grant.user.name,
        aud: &idp.config.audience,
        client_id: &grant.client_id,
        scope: grant.scope.to_string(),
        roles: [grant.user.role],
        jti: &jti,
        iat: now,
        exp: expires_at,
        auth_time: grant.auth_time,
        acr: grant.acr.as_str(),
        cnf: jkt.map(|jkt| Confirmation { jkt }),
    };
    Ok(AccessToken { token: idp.keys.sign(ACCESS_TOKEN, &claims)?, jti, expires_at })
}

/// An ID token for `grant` beside `access_token`. A refreshed one carries no nonce (Core 12.2).
pub(super) fn id_token(
    idp: &Idp,
    grant: &Grant,
    nonce: Option<&str>,
    access_token: &str,
    now: u64,
) -> Result<String, OAuthError> {
    #[derive(Serialize)]
    struct Claims<'a> {
        iss: &'a str,
        sub: &'a str,
        aud: &'a str,
        iat: u64,
        exp: u64,
        auth_time: u64,
        acr: &'a str,
        amr: [&'a str; 1],
        sid: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        nonce: Option<&'a str>,
        at_hash: String,
        #[serde(flatten)]
        profile: Profile,
    }
    let claims = Claims {
        iss: &idp.config.issuer,
        sub: grant.user.name,
        aud: &grant.client_id,
        iat: now,
        exp: now + ID_TOKEN_TTL,
        auth_time: grant.auth_time,
        acr: grant.acr.as_str(),
        amr: [grant.acr.amr()],
        sid: &grant.sid,
        nonce,
        at_hash: left_half_of_hash(access_token),
        profile: Profile::of(grant.user, &grant.scope),
    };
    idp.keys.sign(ID_TOKEN, &claims)
}

/// The token that tells `client_id` that `sid` of `user` is over.
pub(super) fn logout_token(
    idp: &Idp,
    client_id: &str,
    sid: &str,
    user: &User,
    now: u64,
) -> Result<String, OAuthError> {
    let claims: Value = json!({
        "iss": idp.config.issuer,
        "aud": client_id,
        "sub": user.name,
        "sid": sid,
        "iat": now,
        "exp": now + LOGOUT_TOKEN_TTL,
        "jti": idp.fresh(),
        "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
    });
    idp.keys.sign("logout+jwt", &claims)
}

/// `at_hash` (Core section 3.1.3.6).
fn left_half_of_hash(token: &str) -> String {
    let hash = digest::digest(&digest::SHA256, token.as_bytes());
    URL_SAFE_NO_PAD.encode(hash.as_ref().get(..16).unwrap_or_default())
}
