//! Owns: making a session out of a login.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value, json};
use session::edge::{EdgeView, EdgeWriter};
use session::header_text;
use session::id::SessionId;
use session::record::{Management, TokenPart, TokenType, UserContext};
use session::store::{Store as _, StoredSession};

use crate::app::App;
use crate::audit;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::oidc::{self, IdClaims, LoggedIn, TokenSet};

use super::{LoginAge, indexes, keep_for};

/// The first version of a session's token part.
const FIRST_VERSION: u64 = 1;

/// Longest device label.
const DEVICE_MAX: usize = 200;

impl App {
    /// Makes a session of the caller's tenant for `login` under a fresh id (bff-checklist 15). `provider` is the name of who
    /// vouches; `None` for the main one.
    ///
    /// The lists come first: a crash between the writes leaves an entry that points to nothing,
    /// never a session that no list knows. What would forbid the session is looked at last, when
    /// nobody can miss it any more.
    ///
    /// # Errors
    /// [`ApiError`] if it cannot be stored; then there is none.
    pub async fn begin_session(
        &self,
        login: &LoggedIn,
        provider: Option<&str>,
        caller: &Caller,
        age: &LoginAge,
    ) -> Result<SessionId, ApiError> {
        let now = self.now();
        if session_expiry(&login.claims) <= now {
            return Err(ApiError::Login("session_expiry_past"));
        }
        let id = SessionId::from_random(self.random.bytes());
        let key = id.store_key();
        let tenant = &caller.tenant;
        let party = tenant.providers.get(provider).ok_or(ApiError::Login("provider_gone"))?;
        let asked = &party.config().scopes;
        let tokens = token_part(&login.tokens, login.dpop_key.as_ref(), now, asked);
        let context = self.first_context(login, party, &tenant.id).await?;
        let tokens = TokenPart { profile: profile(&login.claims), context, ..tokens };
        let management = Management {
            tenant: tenant.id.clone(),
            provider: provider.map(str::to_owned),
            ..management_part(login, &tokens, caller, now)
        };
        // One key for the marks and the view, also where the ring is exchanged in between.
        let writer = self.config.clients.edge_keys.writer();
        let view = self.edge_view(&writer, login, &tokens, caller, now);

        let sealed = StoredSession {
            edge: writer.seal(&key, &view).map_err(|_| ApiError::Login("identity_too_long"))?,
            tokens: self.config.session_keys.seal_tokens(
                &id,
                &tenant.id,
                FIRST_VERSION,
                &tokens,
                self.random.bytes(),
            )?,
            management: self.config.session_keys.seal_management(
                &key,
                &management,
                self.random.bytes(),
            )?,
            version: FIRST_VERSION,
        };
        let lists = indexes(&management);
        for index in &lists {
            self.store.index_add(index, &key, keep_for(self.config.lifetimes.session)).await?;
        }
        let keep = keep_for(view.idle_deadline().saturating_sub(now));
        if !self.store.create(&key, sealed, keep).await? {
            return Err(ApiError::Internal("session_id_taken"));
        }
        self.admit(&key, &lists, tenant.limits.max_sessions_per_user, age).await?;
        audit::session_created(caller, &key, &management);
        Ok(id)
    }

    fn edge_view(
        &self,
        writer: &EdgeWriter,
        login: &LoggedIn,
        tokens: &TokenPart,
        caller: &Caller,
        now: u64,
    ) -> EdgeView {
        let claims = &login.claims;
        let common = &self.config.clients;
        EdgeView {
            created_at: now,
            auth_time: claims.auth_time.unwrap_or_default(),
            expires_at: now
                .saturating_add(caller.tenant.limits.session)
                .min(session_expiry(claims)),
            last_seen: now,
            idle_ttl: caller.tenant.limits.idle,
            access_expires_at: tokens.access_expires_at.unwrap_or_default(),
            token_version: FIRST_VERSION,
            bindings: common.binding.bind(writer.binder(), caller.user_agent.as_bytes(), caller.ip),
            tenant_id: caller.tenant.id.clone().into(),
            tenant_slug: caller.tenant.slug.clone().into(),
            issuer: claims.issuer.clone().into(),
            user_id: header_text::encode(&claims.user_id).into(),
            roles: header_text::encode_list(claims.roles.iter().map(String::as_str)).into(),
            groups: header_text::encode_list(claims.groups.iter().map(String::as_str)).into(),
            scopes: tokens.scope.clone().into(),
            acr: header_text::encode(claims.acr.as_deref().unwrap_or_default()).into(),
            claims: self.config.edge_claims.of_login(claims),
            ..EdgeView::default()
        }
    }
}

fn management_part(login: &LoggedIn, tokens: &TokenPart, caller: &Caller, now: u64) -> Management {
    let agent = String::from_utf8_lossy(caller.user_agent.as_bytes());
    Management {
        created_at: now,
        tenant: String::new(),
        issuer: login.claims.issuer.clone(),
        subject: login.claims.subject.clone(),
        user_id: login.claims.user_id.clone(),
        idp_session: login.claims.sid.clone(),
        provider: None,
        device: agent
            .chars()
            .filter(|character| !character.is_control())
            .take(DEVICE_MAX)
            .collect(),
        access_jti: token_id(tokens.access_token.expose_secret()),
        access_expires_at: tokens.access_expires_at,
    }
}

/// Tokens as the IdP gave them at `now`. A response without `scope` grants what was asked (RFC 6749
/// section 5.1).
pub(crate) fn token_part(
    tokens: &TokenSet,
    dpop_key: Option<&oidc::DpopKey>,
    now: u64,
    asked: &str,
) -> TokenPart {
    TokenPart {
        access_token: tokens.access_token.clone(),
        obtained_at: now,
        access_expires_at: tokens.expires_in.map(|seconds| now.saturating_add(seconds)),
        refresh_token: tokens.refresh_token.clone(),
        id_token: tokens.id_token.clone(),
        token_type: match tokens.token_type {
            oidc::TokenType::Bearer => TokenType::Bearer,
            oidc::TokenType::Dpop => TokenType::Dpop,
        },
        scope: tokens.scope.clone().unwrap_or_else(|| asked.to_owned()),
        dpop_key: dpop_key.map(|key| key.to_bytes().to_vec().into()),
        profile: Map::new(),
        context: UserContext::default(),
    }
}

/// When sessions made from this login end at the latest (`session_expiry`, IPSIE SL1), seconds since the
/// epoch. A claim that is no date means at once: it was sent to shorten a session.
pub(crate) fn session_expiry(claims: &IdClaims) -> u64 {
    match claims.all.get("session_expiry") {
        None | Some(Value::Null) => u64::MAX,
        Some(date) => date.as_u64().or_else(|| whole_seconds(date.as_f64()?)).unwrap_or_default(),
    }
}

fn whole_seconds(date: f64) -> Option<u64> {
    Duration::try_from_secs_f64(date).ok().map(|date| date.as_secs())
}

/// What the browser may know of its user.
pub(crate) fn profile(claims: &IdClaims) -> Map<String, Value> {
    let told = json!({
        "id": claims.user_id,
        "name": claims.name,
        "preferred_username": claims.preferred_username,
        "email": claims.email,
        "email_verified": claims.email_verified,
        "picture": claims.picture,
        "roles": claims.roles,
    });
    match told {
        Value::Object(told) => told.into_iter().filter(|(_, value)| !value.is_null()).collect(),
        _ => Map::new(),
    }
}

/// The `jti` of our own access token, if it is a JWT. Read without verification: it comes from the
/// IdP directly and only names what to revoke.
pub(crate) fn token_id(access_token: &str) -> Option<String> {
    let payload = access_token.split('.').nth(1)?;
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    claims.get("jti")?.as_str().map(str::to_owned)
}
