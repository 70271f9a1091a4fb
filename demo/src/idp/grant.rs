//! Owns: what was granted, and the life of the codes and refresh tokens that stand for it
//! (RFC 6749 sections 4.1.2 and 6, RFC 7636 section 4.6, RFC 9700 section 4.14.2).
//!
//! A refresh token is `family.secret`. The family names the grant and holds the hash of the one
//! secret that is good now, so any other secret of a living family is a token that was spent: the
//! family dies, and however often a token rotates, nothing piles up.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;

use crate::idp::acr::Acr;
use crate::idp::bounded::{Bounded, Key, key_of};
use crate::idp::error::{Code, OAuthError};
use crate::idp::request::AuthorizationRequest;
use crate::idp::scope::Scope;
use crate::idp::session::Session;
use crate::idp::users::User;

/// Seconds in which a code must be redeemed.
const CODE_TTL: u64 = 60;
/// Seconds for which a redeemed code is remembered, so that a second use is noticed.
const SPENT_CODE_TTL: u64 = 600;
/// Seconds a grant lives, whatever is refreshed in between.
const GRANT_TTL: u64 = 24 * 60 * 60;

/// What a user granted a client at one sign-in.
#[derive(Debug, Clone)]
pub(super) struct Grant {
    pub(super) client_id: String,
    pub(super) user: &'static User,
    pub(super) sid: String,
    pub(super) auth_time: u64,
    pub(super) acr: Acr,
    pub(super) scope: Scope,
    pub(super) nonce: Option<String>,
}

struct IssuedCode {
    grant: Grant,
    redirect_uri: String,
    challenge: String,
    dpop_jkt: Option<String>,
    /// The family that was opened with it, once it is redeemed.
    spent_on: Option<Key>,
}

struct Family {
    grant: Grant,
    /// Whether its tokens are bound to a DPoP key. Then a refresh without a proof is refused: it
    /// would turn a bound token into one that anybody can use.
    bound: bool,
    refresh: Option<Key>,
}

/// What a client shows to redeem a code.
pub(super) struct Redemption<'a> {
    pub(super) code: &'a str,
    pub(super) client_id: &'a str,
    pub(super) redirect_uri: &'a str,
    pub(super) verifier: &'a str,
    /// The thumbprint of its DPoP key.
    pub(super) jkt: Option<&'a str>,
}

/// What a client shows to refresh.
pub(super) struct Rotation<'a> {
    pub(super) token: &'a str,
    pub(super) client_id: &'a str,
    /// A narrower scope than the one granted, if it wants that.
    pub(super) scope: Option<&'a str>,
    pub(super) has_proof: bool,
}

/// A grant ready to have tokens made for it.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) grant: Grant,
    pub(super) family: Key,
    pub(super) refresh_token: Option<String>,
}

/// Every grant.
pub(super) struct Grants {
    codes: Bounded<IssuedCode>,
    families: Bounded<Family>,
    /// The family of every living access token, by `jti`.
    access: Bounded<Key>,
}

impl Default for Grants {
    fn default() -> Self {
        Self {
            codes: Bounded::new(1_000),
            families: Bounded::new(4_000),
            access: Bounded::new(20_000),
        }
    }
}

impl Grants {
    /// Remembers that `code` stands for what `request` asked of the user of `session`.
    pub(super) fn open(
        &mut self,
        code: &str,
        request: &AuthorizationRequest,
        session: &Session,
        now: u64,
    ) {
        let grant = Grant {
            client_id: request.client_id.clone(),
            user: session.user,
            sid: session.sid.clone(),
            auth_time: session.auth_time,
            acr: session.acr,
            scope: request.scope.for_user(session.user),
            nonce: request.nonce.clone(),
        };
        let entry = IssuedCode {
            grant,
            redirect_uri: request.answer_to.redirect_uri.clone(),
            challenge: request.code_challenge.clone(),
            dpop_jkt: request.dpop_jkt.clone(),
            spent_on: None,
        };
        self.codes.insert(key_of(code), entry, now + CODE_TTL, now);
    }

    /// Redeems a code. `fresh` makes unguessable values.
    pub(super) fn redeem(
        &mut self,
        shown: &Redemption<'_>,
        fresh: impl Fn() -> String,
        now: u64,
    ) -> Result<Opened, OAuthError> {
        let refuse = |why| Err(OAuthError::invalid_grant(why));
        let key = key_of(shown.code);
        // Another client may not use up a code that is not its own.
        let own = |code: &IssuedCode| code.grant.client_id == shown.client_id;
        let taken = self.codes.get(&key, now).is_some_and(own).then(|| self.codes.take(&key, now));
        let Some(code) = taken.flatten() else {
            return refuse("the code is unknown or expired");
        };
        if let Some(family) = code.spent_on {
            tracing::warn!(client = shown.client_id, "an authorization code was used twice");
            self.families.take(&family, now);
            return refuse("the code was used before; what it granted is revoked");
        }
        if code.redirect_uri != shown.redirect_uri {
            return refuse("the redirect_uri is not that of the authorization request");
        }
        if challenge_of(shown.verifier) != code.challenge {
            return refuse("the code_verifier does not match");
        }
        if code.dpop_jkt.is_some() && code.dpop_jkt.as_deref() != shown.jkt {
            return refuse("the code is bound to another DPoP key");
        }

        let name = fresh();
        let family = key_of(&name);
        let secret = code.grant.scope.contains("offline_access").then(fresh);
        let entry = Family {
            grant: code.grant.clone(),
            bound: shown.jkt.is_some(),
            refresh: secret.as_deref().map(key_of),
        };
        self.families.insert(family, entry, now + GRANT_TTL, now);
        let grant = code.grant.clone();
        let spent = IssuedCode { spent_on: Some(family), ..code };
        self.codes.insert(key, spent, now + SPENT_CODE_TTL, now);
        let refresh_token = secret.map(|secret| format!("{name}.{secret}"));
        Ok(Opened { grant, family, refresh_token })
    }

    /// Spends a refresh token. `fresh` makes unguessable values.
    pub(super) fn rotate(
        &mut self,
        shown: &Rotation<'_>,
        fresh: impl Fn() -> String,
        now: u64,
    ) -> Result<Opened, OAuthError> {
        let unknown = "the refresh token is unknown, expired or revoked";
        let refuse = |why| Err(OAuthError::invalid_grant(why));
        let Some((name, secret)) = shown.token.split_once('.') else {
            return refuse(unknown);
        };
        let key = key_of(name);
        let Some(family) = self.families.get_mut(&key, now) else {
            return refuse(unknown);
        };
        if family.grant.client_id != shown.client_id {
            return refuse(unknown);
        }
        if family.refresh != Some(key_of(secret)) {
            tracing::warn!(client = shown.client_id, "a spent refresh token was used again");
            self.families.take(&key, now);
            return refuse("the refresh token was used before; what it granted is revoked");
        }
        if family.bound && !shown.has_proof {
            let why = "the grant is bound to a DPoP key, and there is no proof";
            return Err(OAuthError::new(Code::InvalidDpopProof, why));
        }
        let mut grant = family.grant.clone();
        if let Some(scope) = shown.scope {
            let scope = Scope::parse(scope);
            if !scope.is_within(&grant.scope) {
                return Err(OAuthError::new(Code::InvalidScope, "the scope was not granted"));
            }
            grant.scope = scope;
        }
        let next = fresh();
        family.refresh = Some(key_of(&next));
        Ok(Opened { grant, family: key, refresh_token: Some(format!("{name}.{next}")) })
    }

    /// Remembers an access token of `family`, so that it can be revoked.
    pub(super) fn note_access(&mut self, jti: &str, family: Key, expires_at: u64, now: u64) {
        self.access.insert(key_of(jti), family, expires_at, now);
    }

    /// The grant of a living access token.
    pub(super) fn of_access(&self, jti: &str, now: u64) -> Option<&Grant> {
        let family = self.access.get(&key_of(jti), now)?;
        self.families.get(family, now).map(|family| &family.grant)
    }

    /// Revokes one access token.
    pub(super) fn revoke_access(&mut self, jti: &str, now: u64) {
        self.access.take(&key_of(jti), now);
    }

    /// The client whose refresh token this is, spent or not.
    pub(super) fn owner_of_refresh(&self, token: &str, now: u64) -> Option<&str> {
        let (name, _) = token.split_once('.')?;
        self.families.get(&key_of(name), now).map(|family| family.grant.client_id.as_str())
    }

    /// Revokes all that came of the grant whose refresh token this is.
    pub(super) fn revoke_refresh(&mut self, token: &str, now: u64) {
        if let Some((name, _)) = token.split_once('.') {
            self.families.take(&key_of(name), now);
        }
    }

    /// Revokes all that was granted in the session `sid`.
    pub(super) fn revoke_session(&mut self, sid: &str) {
        self.codes.retain(|code| code.grant.sid != sid);
        self.families.retain(|family| family.grant.sid != sid);
    }
}

fn challenge_of(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()))
}
