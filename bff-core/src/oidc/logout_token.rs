//! Owns: judging a logout token (OpenID Connect Back-Channel Logout 1.0 section 2.6), and the value that
//! proves it was judged.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{Context, SHA256};
use serde::Deserialize;
use serde_json::{Map, Value};
use validator_lib::jws::{JwsError, VerifiedJws};

use super::RelyingParty;
use super::config::OidcConfig;
use super::error::OidcError;
use super::id_claims::{Audience, Seconds};
use super::id_token;

/// The member of `events` that makes a token a logout token.
pub(super) const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// What a logout token calls itself, if it does (section 2.4).
pub(super) const TYP: &str = "logout+jwt";

/// A token that took longer than this to arrive is a replayed one. Issuers are advised to make them good
/// for two minutes.
const MAX_AGE: u64 = 300;

/// Whom an issuer logged out of us. Only [`RelyingParty::logout_token`] makes one.
#[derive(Clone, PartialEq, Eq)]
pub struct LogoutToken {
    /// `iss`
    pub issuer: String,
    /// What is over.
    pub scope: LogoutScope,
    /// Names this very token, of bounded length: the hash of `iss` and `jti`.
    pub name: String,
    /// How long a copy of it would still be accepted.
    pub replayable_for: Duration,
}

/// What a logout token ends.
#[derive(Clone, PartialEq, Eq)]
pub enum LogoutScope {
    /// One session at the issuer.
    Session {
        /// `sid`
        sid: String,
        /// `sub`, which must be that session's, if it was told.
        subject: Option<String>,
    },
    /// All sessions of this `sub`.
    Subject(String),
}

impl std::fmt::Debug for LogoutToken {
    /// Who it is about is personal data, so a log gets none of it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogoutToken").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for LogoutScope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Session { .. } => "Session",
            Self::Subject(_) => "Subject",
        })
    }
}

/// Why a logout token ends nothing.
#[derive(Debug, thiserror::Error)]
pub enum LogoutTokenError {
    /// The token is at fault; a short stable code.
    #[error("the logout token is not acceptable: {0}")]
    Refused(&'static str),
    /// It cannot be judged now. The issuer is to send it again.
    #[error(transparent)]
    Unavailable(OidcError),
}

impl From<OidcError> for LogoutTokenError {
    fn from(error: OidcError) -> Self {
        match error {
            OidcError::IdToken(what) => Self::Refused(what),
            other => Self::Unavailable(other),
        }
    }
}

/// Who a token says it is from and for. Proves nothing: it only chooses whose keys to look at, so that
/// what names no issuer of ours costs no signature and no request.
#[derive(Deserialize)]
pub struct Addressed {
    iss: String,
    aud: Audience,
}

impl std::fmt::Debug for Addressed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Addressed").finish_non_exhaustive()
    }
}

impl Addressed {
    /// Reads it out of a compact JWT; `None` if it is none.
    pub fn of(compact: &str) -> Option<Self> {
        let payload = compact.split('.').nth(1)?;
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
    }

    /// Whether it is from this provider to our client there.
    pub fn is_for(&self, provider: &RelyingParty) -> bool {
        self.iss == provider.config.issuer
            && self.aud.as_slice().contains(&provider.config.client_id)
    }
}

impl RelyingParty {
    /// Every check of a logout token, signature first. Whether it was sent before is for the caller to
    /// find out, by its name.
    ///
    /// # Errors
    /// [`LogoutTokenError`], which says whether the token is at fault or the time is bad.
    pub async fn logout_token(
        &self,
        compact: &str,
        now: u64,
    ) -> Result<LogoutToken, LogoutTokenError> {
        let metadata = self.metadata(now).await?;
        let allowed = id_token::algorithms(&self.config, &metadata)?;
        let refused = |error: JwsError| OidcError::IdToken(error.reason());
        let keys = &self.logout_keys;
        let verified = keys.verify(metadata.jwks(), compact, &allowed, refused, now).await?;
        judge(&verified, &self.config, now).map_err(LogoutTokenError::Refused)
    }
}

#[derive(Deserialize)]
struct Claims {
    iss: Option<String>,
    aud: Option<Audience>,
    iat: Option<Seconds>,
    exp: Option<Seconds>,
    nbf: Option<Seconds>,
    jti: Option<String>,
    events: Option<Map<String, Value>>,
    sub: Option<String>,
    sid: Option<String>,
}

/// Every check but the signature, which `token` is the proof of.
pub(super) fn judge(
    token: &VerifiedJws,
    config: &OidcConfig,
    now: u64,
) -> Result<LogoutToken, &'static str> {
    let header = token.header();
    match header.typ {
        Some(_) if !header.typ_is(TYP) => return Err("logout_token_typ"),
        None if config.require_logout_token_typ => return Err("logout_token_typ_missing"),
        _ => {}
    }
    let malformed = "logout_token_claims_malformed";
    let all: Map<String, Value> = token.claims().map_err(|_| malformed)?;
    // An ID token is the token that has one (section 2.4).
    if all.contains_key("nonce") {
        return Err("logout_token_nonce");
    }
    let claims: Claims = serde_json::from_value(Value::Object(all)).map_err(|_| malformed)?;
    let issuer = claims.iss.filter(|iss| *iss == config.issuer).ok_or("logout_token_iss")?;
    audience(claims.aud.as_ref(), config)?;
    let events = claims.events.ok_or("logout_token_events_missing")?;
    if !events.get(EVENT).is_some_and(Value::is_object) {
        return Err("logout_token_events");
    }
    let jti = claims.jti.filter(|jti| !jti.is_empty()).ok_or("logout_token_jti_missing")?;
    let scope = scope(claims.sid, claims.sub)?;
    let iat = claims.iat.ok_or("logout_token_iat_missing")?.get();
    let exp = claims.exp.ok_or("logout_token_exp_missing")?.get();
    let good_until = times(iat, exp, claims.nbf, config.clock_leeway.as_secs(), now)?;
    Ok(LogoutToken {
        name: name(&issuer, &jti),
        issuer,
        scope,
        replayable_for: Duration::from_secs(good_until.saturating_sub(now)),
    })
}

fn audience(audience: Option<&Audience>, config: &OidcConfig) -> Result<(), &'static str> {
    let audiences = audience.map(Audience::as_slice).unwrap_or_default();
    if !audiences.contains(&config.client_id) {
        return Err("logout_token_aud");
    }
    let known = |audience: &String| {
        *audience == config.client_id || config.id_token_extra_audiences.contains(audience)
    };
    if audiences.iter().all(known) { Ok(()) } else { Err("logout_token_aud_untrusted") }
}

/// Where both are told, `sid` says what is over and `sub` whose it must be.
fn scope(sid: Option<String>, sub: Option<String>) -> Result<LogoutScope, &'static str> {
    if [&sid, &sub].into_iter().flatten().any(String::is_empty) {
        return Err("logout_token_scope_empty");
    }
    match (sid, sub) {
        (Some(sid), subject) => Ok(LogoutScope::Session { sid, subject }),
        (None, Some(subject)) => Ok(LogoutScope::Subject(subject)),
        (None, None) => Err("logout_token_scope_missing"),
    }
}

/// The moment from which the token is refused for its age.
fn times(
    iat: u64,
    exp: u64,
    nbf: Option<Seconds>,
    leeway: u64,
    now: u64,
) -> Result<u64, &'static str> {
    let (expires, too_old) =
        (exp.saturating_add(leeway), iat.saturating_add(MAX_AGE).saturating_add(leeway));
    if expires <= now {
        return Err("logout_token_expired");
    }
    if too_old <= now {
        return Err("logout_token_iat_old");
    }
    let soon = now.saturating_add(leeway);
    if iat > soon {
        return Err("logout_token_iat_future");
    }
    if nbf.is_some_and(|nbf| nbf.get() > soon) {
        return Err("logout_token_not_yet_valid");
    }
    Ok(expires.min(too_old))
}

/// `jti` is unique for its issuer alone, and as long as the issuer likes.
fn name(issuer: &str, jti: &str) -> String {
    let mut hash = Context::new(&SHA256);
    for part in [issuer, jti] {
        hash.update(&part.len().to_be_bytes());
        hash.update(part.as_bytes());
    }
    URL_SAFE_NO_PAD.encode(hash.finish())
}

#[cfg(test)]
mod tests;
