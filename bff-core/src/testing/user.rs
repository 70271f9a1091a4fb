//! Owns: users whose sessions begin without a browser, so that there can be hundreds.

use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use futures_util::future::join_all;
use serde_json::{Value, json};
use session::any::AnyStore;
use session::faulty::FaultyStore;
use session::id::{SessionId, StoreKey};
use session::shelf::TakenLogin;
use session::store::{IndexKey, Store as _};

use super::{Browser, World};
use crate::app::App;
use crate::caller::{Caller, Requester};
use crate::error::ApiError;
use crate::login_state::LOGIN_SECONDS;
use crate::oidc::LoggedIn;
use crate::sessions::{LoginAge, User, keep_for};

/// A login that began this long ago.
pub(crate) fn begun_ago(age: Duration) -> LoginAge {
    let remaining = keep_for(LOGIN_SECONDS).saturating_sub(age);
    LoginAge::of(&TakenLogin { sealed: Bytes::new(), remaining }, Instant::now())
}

/// An access token that services can read.
pub(crate) fn readable_token(jti: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.c2ln", part(&json!({ "alg": "none" })), part(&json!({ "jti": jti })))
}

/// Two replicas of which each may do any step between any two of the other.
pub(crate) struct Pair {
    pub(crate) apps: [Arc<App>; 2],
    stores: [FaultyStore; 2],
}

impl Pair {
    /// From now on in the order that `seed` has.
    pub(crate) fn pace(&self, seed: u64) {
        for (number, store) in (0_u64..).zip(&self.stores) {
            store.pace(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(number));
        }
    }
}

impl World {
    /// What the IdP says of alice.
    pub(crate) async fn logged_in(&self) -> LoggedIn {
        self.idp.login(self.app.tenants.only().providers.main()).await
    }

    /// Her, as we know her.
    pub(crate) fn alice(&self) -> User {
        User { tenant: String::new(), issuer: self.idp.issuer.clone(), id: "alice".to_owned() }
    }

    /// `count` sessions of hers, made one after the other: session `n` at the IdP is `sid-n`, and its
    /// access token is called `jti-n`.
    pub(crate) async fn sessions(&self, count: usize) -> Vec<SessionId> {
        let login = self.logged_in().await;
        let mut made = Vec::new();
        for number in 0..count {
            let mut login = login.clone();
            login.claims.sid = Some(format!("sid-{number}"));
            login.tokens.access_token = readable_token(&format!("jti-{number}")).into();
            made.push(begin(&self.app, &login, Duration::ZERO).await.unwrap());
        }
        made
    }

    pub(crate) fn idp_session(&self, number: usize) -> IndexKey {
        IndexKey::idp_session("", &self.idp.issuer, &format!("sid-{number}"))
    }

    /// What services are told of a token or a user.
    pub(crate) fn denied(&self, name: &str) -> Option<Value> {
        let AnyStore::Memory(store) = &self.app.store else { return None };
        store.denied(name).map(|value| serde_json::from_slice(&value).unwrap())
    }

    /// Two replicas that give way to each other at every call to the store.
    pub(crate) fn pair(&self) -> Pair {
        let stores = [self.faulty(), self.faulty()];
        let apps = stores.each_ref().map(|store| self.another().over(store).start());
        Pair { apps, stores }
    }

    /// Which of hers the store holds.
    pub(crate) async fn stored(&self) -> Vec<StoreKey> {
        let listed = self.app.store.index_list(&self.alice().index()).await.unwrap();
        let views = join_all(listed.iter().map(|key| self.app.store.edge_view(key))).await;
        let there = |view: &Result<Option<Bytes>, _>| matches!(view, Ok(Some(_)));
        listed.into_iter().zip(views).filter(|(_, view)| there(view)).map(|(key, _)| key).collect()
    }
}

/// Begins a session out of a login that began `age` ago.
pub(crate) async fn begin(
    app: &Arc<App>,
    login: &LoggedIn,
    age: Duration,
) -> Result<SessionId, ApiError> {
    let caller = Caller::new(Requester::unknown(app.request_ids.fresh()), app.tenants.only());
    app.begin_session(login, None, &caller, &begun_ago(age)).await
}

impl Browser {
    /// A browser that holds this session.
    pub(crate) fn holding(id: &SessionId) -> Self {
        let browser = Self::new();
        browser.plant(&format!("bff_session={}; Path=/", id.expose()));
        browser
    }

    /// The reference of the session that it holds.
    pub(crate) fn reference(&self) -> String {
        let id = SessionId::parse(self.session().unwrap().as_bytes()).unwrap();
        id.store_key().to_string()
    }
}
