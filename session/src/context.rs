//! Owns: the context token, with which either program tells a service whose request it passes on (DESIGN
//! section 7): a JWT of our own, for one audience, that lives for a minute at most.
//!
//! Only a [`LiveEdge`] is spoken for, so a token says nothing that verify would not. Its type and issuer
//! are unlike those of every access token, and bearer routes take neither (class T12).

mod jwk;
mod key;
mod settings;
mod tokens;
mod watched;

use std::borrow::Cow;
use std::sync::Arc;

use arc_swap::ArcSwap;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::Value;
use shell::random::Random;
use shell::reload::SecretFile;

pub use jwk::ContextKeyError;
pub use key::ContextKeys;
pub use tokens::ContextTokens;

use crate::edge::LiveEdge;
use crate::header_text;
use crate::id::StoreKey;

/// The `typ` of every context token.
pub const TYPE: &str = "wicket-context+jwt";
/// Longest life in seconds; `validator-lib` takes no longer one.
pub const LIFE_MAX: u64 = 60;

/// Who signs context tokens, and for how long. Clones share the keys; `Debug` shows no private one.
#[derive(Debug, Clone)]
pub struct ContextSigner {
    /// As they are now.
    keys: Arc<ArcSwap<ContextKeys>>,
    file: Option<SecretFile>,
    /// `iss`.
    issuer: String,
    /// Seconds that a token lives.
    life: u64,
}

/// Why a session has no context token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ContextError {
    /// The edge view names no user, or one that cannot be read; its writer is at fault.
    #[error("the session names no user that a token could speak for")]
    NoUser,
    /// The crypto library failed.
    #[error("the context token cannot be signed")]
    Signing,
}

/// A token as it goes out.
pub(crate) struct Minted {
    /// The compact JWT.
    pub(crate) jwt: String,
    /// The end of its life, seconds since the epoch.
    pub(crate) expires_at: u64,
}

#[derive(Serialize)]
struct Header<'a> {
    typ: &'static str,
    alg: &'static str,
    kid: &'a str,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: Cow<'a, str>,
    jti: String,
    sid: Cow<'a, str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    tenant: Cow<'a, str>,
    roles: Vec<Cow<'a, str>>,
    scope: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<u64>,
    #[serde(skip_serializing_if = "str::is_empty")]
    acr: Cow<'a, str>,
    iat: u64,
    exp: u64,
}

impl ContextSigner {
    /// One whose tokens name `issuer` and live for `life` seconds, [`LIFE_MAX`] at most.
    pub fn new(keys: ContextKeys, issuer: String, life: u64) -> Self {
        let keys = Arc::new(ArcSwap::from_pointee(keys));
        Self { keys, file: None, issuer, life: life.clamp(1, LIFE_MAX) }
    }

    /// `BFF_CONTEXT_ISSUER`.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// `BFF_CONTEXT_TTL`, in seconds.
    pub const fn life(&self) -> u64 {
        self.life
    }

    /// The public halves, as JWKs.
    pub fn public_keys(&self) -> Vec<Value> {
        self.keys.load().public()
    }

    /// A token by `keys` for `audience` about the session under `key` at `now`. It does not outlive the session.
    pub(crate) fn mint(
        &self,
        keys: &ContextKeys,
        key: &StoreKey,
        edge: &LiveEdge,
        audience: &str,
        now: u64,
        random: &dyn Random,
    ) -> Result<Minted, ContextError> {
        let signing = keys.signing();
        let expires_at = now.saturating_add(self.life).min(edge.expires_at());
        let user = header_text::decode(edge.user_id()).filter(|user| !user.is_empty());
        let claims = Claims {
            iss: &self.issuer,
            aud: audience,
            sub: user.ok_or(ContextError::NoUser)?,
            jti: URL_SAFE_NO_PAD.encode(random.bytes::<16>()),
            sid: String::from_utf8_lossy(key.text()),
            tenant: String::from_utf8_lossy(edge.tenant_id()),
            roles: header_text::decode_list(edge.roles()).collect(),
            scope: String::from_utf8_lossy(edge.scopes()),
            auth_time: Some(edge.auth_time()).filter(|time| *time != 0),
            acr: header_text::decode(edge.acr()).unwrap_or_default(),
            iat: now,
            exp: expires_at,
        };
        let header = Header { typ: TYPE, alg: signing.algorithm(), kid: signing.kid() };
        let mut jwt = String::with_capacity(768);
        let json =
            |part: Result<Vec<u8>, serde_json::Error>| part.map_err(|_| ContextError::Signing);
        URL_SAFE_NO_PAD.encode_string(json(serde_json::to_vec(&header))?, &mut jwt);
        jwt.push('.');
        URL_SAFE_NO_PAD.encode_string(json(serde_json::to_vec(&claims))?, &mut jwt);
        let signature = signing.sign(jwt.as_bytes()).ok_or(ContextError::Signing)?;
        jwt.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut jwt);
        Ok(Minted { jwt, expires_at })
    }
}

#[cfg(test)]
mod tests;
