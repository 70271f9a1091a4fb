//! Owns: the authorization endpoint (RFC 6749 section 3.1, RFC 9126 section 4): who may be answered,
//! and whether the user must be asked.

use axum::response::Response;

use crate::idp::acr::Acr;
use crate::idp::bounded::key_of;
use crate::idp::error::{Code, OAuthError};
use crate::idp::page::PageError;
use crate::idp::params::Params;
use crate::idp::request::{AuthorizationRequest, Prompt, Refusal, see_other};
use crate::idp::session::{Browser, Session};
use crate::idp::store::Store;
use crate::idp::{Call, Idp, login_page, magic_link};

/// Where a browser begins.
pub(super) const PATH: &str = "/authorize";

/// Answers the client at once where that is possible, else asks the user to sign in.
pub(super) fn respond(idp: &Idp, call: &Call) -> Result<Response, PageError> {
    let now = idp.now();
    let request = match request(idp, call, now) {
        Ok(request) => request,
        Err(Refusal { error, answer_to: Some(to) }) => {
            let answer =
                [("error", error.code.as_str()), ("error_description", &error.description)];
            return Ok(to.redirect(&answer, &idp.config.issuer));
        }
        // Nobody is answered at an address that is not known to be the client's.
        Err(Refusal { error, answer_to: None }) => {
            return Err(PageError::bad_request(error.description));
        }
    };

    let browser = Browser::of(idp, &call.headers, now);
    if browser.session.as_ref().is_some_and(|session| suffices(session, &request, now)) {
        return issue_code(idp, &browser, &request, now);
    }
    if request.prompt == Prompt::Never {
        let answer = [("error", Code::LoginRequired.as_str())];
        return Ok(request.answer_to.redirect(&answer, &idp.config.issuer));
    }
    let path = match request.acr {
        Some(Acr::Link) => magic_link::PATH,
        Some(Acr::Password) | None => login_page::PATH,
    };
    let name = browser.set_aside(idp, request, now);
    let form = idp.url(path);
    Ok(browser.remember(see_other(&form, [("interaction", name.as_str())])))
}

/// Answers `request` with a code for the user who is signed in in `browser`.
pub(super) fn issue_code(
    idp: &Idp,
    browser: &Browser,
    request: &AuthorizationRequest,
    now: u64,
) -> Result<Response, PageError> {
    let code = idp.fresh();
    // Under one lock: a logout comes before this and there is no session, or after it and takes
    // the code away.
    let mut store = idp.store();
    let Store { sessions, grants, .. } = &mut *store;
    let Some(session) = browser.join(sessions, &request.client_id, now) else {
        return Err(PageError::bad_request("the session ended in the meantime"));
    };
    grants.open(&code, request, session, now);
    drop(store);
    let response = request.answer_to.redirect(&[("code", &code)], &idp.config.issuer);
    Ok(browser.remember(response))
}

fn request(idp: &Idp, call: &Call, now: u64) -> Result<AuthorizationRequest, Refusal> {
    let unanswerable = |error| Refusal { error, answer_to: None };
    let params = Params::of(call).map_err(unanswerable)?;
    let id = params.require("client_id").map_err(unanswerable)?;
    let Some(client) = idp.client(id) else {
        return Err(unanswerable(OAuthError::invalid_request("the client is unknown")));
    };
    let Some(uri) = params.get("request_uri") else {
        return AuthorizationRequest::parse(&params, client, &idp.config);
    };
    // What was pushed is all that counts; whatever else the browser brought is ignored.
    let pushed = idp.store().pushed.take(&key_of(uri), now);
    pushed.filter(|request| request.client_id == client.id).ok_or_else(|| {
        let why = "the request_uri is unknown, expired or was used before";
        unanswerable(OAuthError::invalid_request(why))
    })
}

fn suffices(session: &Session, request: &AuthorizationRequest, now: u64) -> bool {
    let age = now.saturating_sub(session.auth_time);
    request.prompt != Prompt::Always
        && request.max_age.is_none_or(|max_age| age < max_age)
        && request.acr.is_none_or(|acr| acr == session.acr)
}
