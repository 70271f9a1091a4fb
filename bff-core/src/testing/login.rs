//! Owns: logins from their beginning to their end, at the scripted IdP.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Answer, Browser, World};
use crate::app::App;
use crate::oidc::mock::{self, Reply};

/// A login whose browser is at the IdP.
pub(crate) struct AtIdp {
    pub(crate) state: String,
    pub(crate) redirect_uri: String,
    pub(crate) nonce: String,
}

impl World {
    /// Sends `browser` to the IdP by way of `target`, a login address.
    pub(crate) async fn begin(&self, browser: &Browser, target: &str) -> AtIdp {
        self.begin_at(&self.app, browser, target).await
    }

    /// The same at another replica.
    pub(crate) async fn begin_at(&self, app: &Arc<App>, browser: &Browser, target: &str) -> AtIdp {
        self.idp.always("/par", mock::pushed("urn:example:1"));
        let answer = browser.get(target).send(app).await;
        assert_eq!(answer.status, 303, "{answer:?}");
        let pushed = self.idp.seen("/par").pop().unwrap();
        let of = |name: &str| pushed.param(name).unwrap().to_owned();
        AtIdp { state: of("state"), nonce: of("nonce"), redirect_uri: of("redirect_uri") }
    }

    /// Brings `browser` back from the IdP as somebody with these claims changed.
    pub(crate) async fn finish_as(
        &self,
        browser: &Browser,
        login: &AtIdp,
        changes: &Value,
    ) -> Answer {
        self.finish_at(&self.app, browser, login, changes).await
    }

    /// The same at another replica.
    pub(crate) async fn finish_at(
        &self,
        app: &Arc<App>,
        browser: &Browser,
        login: &AtIdp,
        changes: &Value,
    ) -> Answer {
        let now = self.app.now();
        let mut claims = json!({ "iat": now, "exp": now + 300 });
        claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let id_token = self.idp.id_token(&login.nonce, &claims);
        self.idp.once("/token", Reply::json(200, mock::tokens(self.token_type(), &id_token)));
        browser.get(&self.callback(&login.state)).send(app).await
    }

    pub(crate) async fn finish(&self, browser: &Browser, login: &AtIdp) -> Answer {
        self.finish_as(browser, login, &json!({})).await
    }

    /// Where the IdP sends a browser back to.
    pub(crate) fn callback(&self, state: &str) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("state", state).append_pair("code", "canary-code");
        query.append_pair("iss", &self.idp.issuer);
        format!("/auth/callback?{}", query.finish())
    }

    /// Signs a new browser in.
    pub(crate) async fn signed_in(&self) -> Browser {
        let browser = Browser::new();
        self.sign_in(&browser).await;
        browser
    }

    /// The same, at a provider that says when.
    pub(crate) async fn signed_in_just_now(&self) -> Browser {
        let browser = Browser::new();
        let login = self.begin(&browser, "/auth/login").await;
        let said = json!({ "auth_time": self.app.now() });
        assert_eq!(self.finish_as(&browser, &login, &said).await.status, 303);
        browser
    }

    /// Signs a new browser in at another replica.
    pub(crate) async fn signed_in_at(&self, app: &Arc<App>) -> Browser {
        let browser = Browser::new();
        let login = self.begin_at(app, &browser, "/auth/login").await;
        let answer = self.finish_at(app, &browser, &login, &json!({})).await;
        assert_eq!(answer.status, 303, "{answer:?}");
        browser
    }

    pub(crate) async fn sign_in(&self, browser: &Browser) {
        let login = self.begin(browser, "/auth/login").await;
        let answer = self.finish(browser, &login).await;
        assert_eq!(answer.status, 303, "{answer:?}");
        assert!(browser.session().is_some());
    }
}
