//! Owns: who is signed in at the provider, in which browser, and the cookie that says so.

use axum::response::Response;
use http::HeaderValue;
use http::header::{COOKIE, HeaderMap, SET_COOKIE};

use crate::idp::Idp;
use crate::idp::acr::Acr;
use crate::idp::bounded::{Bounded, Key, key_of};
use crate::idp::request::AuthorizationRequest;
use crate::idp::users::User;

/// Every port of a host shares its cookies, so the name must not be one the product uses.
const COOKIE_NAME: &str = "idp_session";
/// Seconds for which nobody has to sign in again.
const SESSION_TTL: u64 = 8 * 60 * 60;
/// Seconds for which a sign-in form is good.
const INTERACTION_TTL: u64 = 10 * 60;

/// Somebody signed in in a browser.
#[derive(Debug, Clone)]
pub(super) struct Session {
    pub(super) sid: String,
    pub(super) user: &'static User,
    pub(super) auth_time: u64,
    pub(super) acr: Acr,
    /// The clients that were told of it, and are told when it ends.
    pub(super) clients: Vec<String>,
    browser: Key,
}

/// An authorization request that waits for its user.
#[derive(Clone)]
pub(super) struct Interaction {
    pub(super) request: AuthorizationRequest,
    browser: Key,
}

/// The browser that sent a request.
pub(super) struct Browser {
    cookie: String,
    is_new: bool,
    /// Stays the same when signing in changes the cookie, so that a form that is open in another
    /// tab is still good.
    id: Key,
    /// The session it was in when it sent the request.
    pub(super) session: Option<Session>,
}

impl Browser {
    pub(super) fn of(idp: &Idp, headers: &HeaderMap, now: u64) -> Self {
        let sent = cookie_of(headers);
        let is_new = sent.is_none();
        let cookie = sent.map_or_else(|| idp.fresh(), str::to_owned);
        let key = key_of(&cookie);
        let session = idp.store().sessions.get(&key, now).cloned();
        let id = session.as_ref().map_or(key, |session| session.browser);
        Self { cookie, is_new, id, session }
    }

    /// Proves that a form came from this provider to this browser, for `purpose`.
    pub(super) fn form_token(&self, idp: &Idp, purpose: &str) -> String {
        idp.tag("form", &[&self.id, purpose.as_bytes()])
    }

    /// Puts `request` aside until this browser's user has signed in; the answer names it.
    pub(super) fn set_aside(&self, idp: &Idp, request: AuthorizationRequest, now: u64) -> String {
        let name = idp.fresh();
        let interaction = Interaction { request, browser: self.id };
        let mut store = idp.store();
        store.interactions.insert(key_of(&name), interaction, now + INTERACTION_TTL, now);
        name
    }

    /// The request set aside as `name`, if it was this browser's.
    pub(super) fn interaction(&self, idp: &Idp, name: &str, now: u64) -> Option<Interaction> {
        let store = idp.store();
        let interaction = store.interactions.get(&key_of(name), now)?;
        (interaction.browser == self.id).then(|| interaction.clone())
    }

    /// Signs `user` in under a new cookie. Somebody else's session in this browser is handed back:
    /// it is over, and must be ended.
    pub(super) fn sign_in(
        &mut self,
        idp: &Idp,
        user: &'static User,
        acr: Acr,
        now: u64,
    ) -> Option<Session> {
        let mut store = idp.store();
        let before = store.sessions.take(&key_of(&self.cookie), now);
        let (same, other) = match before {
            Some(before) if before.user == user => (Some(before), None),
            before => (None, before),
        };
        let session = Session {
            sid: same.as_ref().map_or_else(|| idp.fresh(), |same| same.sid.clone()),
            user,
            auth_time: now,
            acr,
            clients: same.map(|same| same.clients).unwrap_or_default(),
            browser: self.id,
        };
        self.cookie = idp.fresh();
        self.is_new = true;
        store.sessions.insert(key_of(&self.cookie), session, now + SESSION_TTL, now);
        other
    }

    /// Lets `client_id` take part in this browser's session; none if that is over by now.
    pub(super) fn join<'a>(
        &self,
        sessions: &'a mut Bounded<Session>,
        client_id: &str,
        now: u64,
    ) -> Option<&'a Session> {
        let session = sessions.get_mut(&key_of(&self.cookie), now)?;
        if !session.clients.iter().any(|known| known == client_id) {
            session.clients.push(client_id.to_owned());
        }
        Some(session)
    }

    /// `response` with the cookie, if the browser does not have it yet.
    pub(super) fn remember(&self, response: Response) -> Response {
        if !self.is_new {
            return response;
        }
        set_cookie(
            response,
            &format!("{COOKIE_NAME}={}; Path=/; HttpOnly; SameSite=Lax", self.cookie),
        )
    }
}

/// `response`, which takes the cookie away.
pub(super) fn forget(response: Response) -> Response {
    set_cookie(response, &format!("{COOKIE_NAME}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"))
}

fn set_cookie(mut response: Response, cookie: &str) -> Response {
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

fn cookie_of(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut cookies = lines.flat_map(|line| line.split(';')).filter_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        (name == COOKIE_NAME && value.len() == 43).then_some(value)
    });
    cookies.next()
}
