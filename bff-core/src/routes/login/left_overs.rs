//! Owns: logins that a browser began and left: its login cookies, and what the store keeps for them
//! (bff-checklist 14).

use std::sync::Arc;

use axum::response::Response;
use http::HeaderMap;
use http::header::SET_COOKIE;
use session::shelf::Shelf as _;

use crate::app::App;
use crate::caller::Caller;
use crate::cookies;
use crate::login_state::{LOGIN_SECONDS, LOGINS_PER_BROWSER, LoginCookie, LoginState};

/// Most logins that one answer takes away: what it can carry.
const TAKEN_MAX: usize = 50;

/// This browser's login cookies: suffix of the name, and value.
pub(in crate::routes) fn login_cookies<'a>(
    caller: &Caller,
    headers: &'a HeaderMap,
) -> impl Iterator<Item = (&'a str, &'a [u8])> + use<'a> {
    let prefix = caller.tenant.cookies.login_prefix();
    cookies::pairs(headers).filter_map(move |pair| {
        let rest = pair.strip_prefix(prefix.as_bytes())?;
        let equals = rest.iter().position(|byte| *byte == b'=')?;
        let (suffix, value) = rest.split_at_checked(equals)?;
        Some((LoginState::parse_suffix(suffix)?, value.get(1..)?))
    })
}

/// Takes the oldest logins beyond what a browser may keep away from it, and out of the store.
///
/// A cookie's name is all the proof that is asked for: it holds 96 random bits of the login's `state`,
/// and who knows the `state` can end the login at the callback as well.
pub(super) fn take_away(
    app: &Arc<App>,
    caller: &Caller,
    headers: &HeaderMap,
    response: &mut Response,
) {
    let mut logins: Vec<(&str, Option<LoginCookie>)> = login_cookies(caller, headers)
        .map(|(suffix, value)| (suffix, LoginCookie::parse(value)))
        .collect();
    let begun_at = |cookie: &Option<LoginCookie>| cookie.as_ref().map_or(0, |login| login.begun_at);
    logins.sort_by_key(|(_, cookie)| std::cmp::Reverse(begun_at(cookie)));
    let kept = LOGINS_PER_BROWSER.saturating_sub(1);
    let mut stored = Vec::new();
    for (suffix, cookie) in logins.into_iter().skip(kept).take(TAKEN_MAX) {
        if let Some(clear) = caller.tenant.cookies.clear_login(suffix) {
            response.headers_mut().append(SET_COOKIE, clear);
        }
        let age = app.now().saturating_sub(begun_at(&cookie));
        if cookie.is_some() && age <= LOGIN_SECONDS {
            stored.push(suffix.to_owned());
        }
    }
    forget(app, stored);
}

/// One after the other, with nobody waiting. What the store does not give now expires by itself.
fn forget(app: &Arc<App>, logins: Vec<String>) {
    if logins.is_empty() {
        return;
    }
    let store = app.store.clone();
    app.shutdown.spawn(async move {
        for login in logins {
            if let Err(error) = store.take_login(&login).await {
                tracing::debug!(reason = error.reason(), "login left to expire");
                return;
            }
        }
    });
}
