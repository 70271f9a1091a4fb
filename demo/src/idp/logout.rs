//! Owns: the end of a session at the provider (`OpenID` Connect RP-Initiated Logout 1.0). The
//! user is asked, unless the client shows by an ID token which session it means.

use axum::response::Response;
use http::StatusCode;
use subtle::ConstantTimeEq as _;

use crate::idp::claims::{HintClaims, ID_TOKEN};
use crate::idp::page::{PageError, escape, page};
use crate::idp::params::Params;
use crate::idp::request::see_other;
use crate::idp::session::{Browser, Session, forget};
use crate::idp::{Call, Client, Idp, backchannel};

/// Where clients send the browser.
pub(super) const PATH: &str = "/logout";
/// Where the page that asks is sent.
pub(super) const CONFIRM_PATH: &str = "/logout/confirm";

/// What the form that asks is for.
const PURPOSE: &str = "logout";
/// The parameters that the page that asks must carry on.
const CARRIED: [&str; 3] = ["client_id", "post_logout_redirect_uri", "state"];

/// Ends the session that the ID token names, else asks.
pub(super) fn respond(idp: &Idp, call: &Call) -> Result<Response, PageError> {
    let now = idp.now();
    let params = Params::of(call)?;
    let hint = hint(idp, &params)?;
    let client_id = match (&hint, params.get("client_id")) {
        (Some(hint), Some(id)) if hint.aud != id => {
            return Err(PageError::bad_request("the id_token_hint was made for another client"));
        }
        (Some(hint), _) => Some(hint.aud.as_str()),
        (None, id) => id,
    };
    let client = client_id.and_then(|id| idp.client(id));
    let after = After::parse(&params, client)?;

    let browser = Browser::of(idp, &call.headers, now);
    if let Some(hint) = &hint {
        end(idp, &hint.sid, now);
    }
    let meant = hint.as_ref().map(|hint| hint.sid.as_str());
    match &browser.session {
        Some(session) if Some(session.sid.as_str()) != meant => {
            Ok(ask(&browser.form_token(idp, PURPOSE), client_id, &params))
        }
        _ => Ok(forget(after.respond())),
    }
}

/// Ends the session of the browser whose user said yes.
pub(super) fn confirm(idp: &Idp, call: &Call) -> Result<Response, PageError> {
    let now = idp.now();
    let params = Params::form(call)?;
    let browser = Browser::of(idp, &call.headers, now);
    let sent = params.get("csrf").unwrap_or_default();
    if !bool::from(sent.as_bytes().ct_eq(browser.form_token(idp, PURPOSE).as_bytes())) {
        return Err(PageError::bad_request("the form did not come from this page"));
    }
    let client = params.get("client_id").and_then(|id| idp.client(id));
    let after = After::parse(&params, client)?;
    if let Some(session) = &browser.session {
        end(idp, &session.sid, now);
    }
    Ok(forget(after.respond()))
}

/// Takes back all that was granted in `session`, which is over, and tells its clients.
pub(super) fn wind_up(idp: &Idp, session: &Session, now: u64) {
    idp.store().grants.revoke_session(&session.sid);
    tracing::info!(user = session.user.name, "signed out");
    backchannel::tell(idp, session, now);
}

fn end(idp: &Idp, sid: &str, now: u64) {
    let mut store = idp.store();
    let ended = store.sessions.find(now, |session| session.sid == sid).cloned();
    store.sessions.retain(|session| session.sid != sid);
    // What was granted may outlive a session that expired or was evicted.
    store.grants.revoke_session(sid);
    drop(store);
    if let Some(session) = ended {
        wind_up(idp, &session, now);
    }
}

/// An ID token of this provider, expired or not: a session may well outlive it (section 2).
fn hint(idp: &Idp, params: &Params) -> Result<Option<HintClaims>, PageError> {
    let Some(token) = params.get("id_token_hint") else {
        return Ok(None);
    };
    let claims = idp.keys.read(ID_TOKEN, token);
    claims.map(Some).ok_or_else(|| {
        PageError::bad_request("the id_token_hint is not an ID token of this provider")
    })
}

/// Where the browser goes afterwards: a registered URI, or nowhere.
struct After<'a> {
    uri: Option<&'a str>,
    state: Option<&'a str>,
}

impl<'a> After<'a> {
    fn parse(params: &'a Params, client: Option<&Client>) -> Result<Self, PageError> {
        let uri = params.get("post_logout_redirect_uri");
        let registered = client.map(|client| client.post_logout_redirect_uris.as_slice());
        if let Some(uri) = uri
            && !registered.unwrap_or_default().iter().any(|known| known == uri)
        {
            let why = "the post_logout_redirect_uri is not one the client registered";
            return Err(PageError::bad_request(why));
        }
        Ok(Self { uri, state: params.get("state") })
    }

    fn respond(&self) -> Response {
        if let Some(uri) = self.uri {
            return see_other(uri, self.state.map(|state| ("state", state)));
        }
        let body = "<h1>You are signed out</h1>\n<p>You may close this page.</p>";
        page(StatusCode::OK, "Signed out", body)
    }
}

fn ask(token: &str, client_id: Option<&str>, params: &Params) -> Response {
    let carried = CARRIED.iter().filter_map(|name| {
        let value = if *name == "client_id" { client_id } else { params.get(name) }?;
        Some(format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">\n", escape(value)))
    });
    let body = format!(
        r#"<h1>Sign out?</h1>
<p>You will be signed out of every application that you entered through this provider.</p>
<form method="post" action="{CONFIRM_PATH}">
<input type="hidden" name="csrf" value="{}">
{}<button id="submit" type="submit">Sign out</button>
</form>"#,
        escape(token),
        carried.collect::<String>()
    );
    page(StatusCode::OK, "Sign out", &body)
}
