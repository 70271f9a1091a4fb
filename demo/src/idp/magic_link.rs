//! Owns: signing in by a link in a mail.
//!
//! The link is good once, for five minutes, and only in the browser that asked for it: whoever reads the mail
//! elsewhere is told so and signs nobody in. Opening it changes nothing, because programs that look at mails open
//! links too; its button does.

use axum::response::Response;
use http::StatusCode;
use subtle::ConstantTimeEq as _;

use crate::idp::acr::Acr;
use crate::idp::bounded::key_of;
use crate::idp::login_page::gone;
use crate::idp::mailbox::{self, Mail};
use crate::idp::page::{PageError, escape, page};
use crate::idp::params::Params;
use crate::idp::session::Browser;
use crate::idp::users::User;
use crate::idp::{Call, Idp, authorize, logout, users};

/// Where one asks for a link.
pub(super) const PATH: &str = "/link";
/// Where a link leads.
pub(super) const OPEN_PATH: &str = "/link/open";
/// Seconds for which a link is good.
const TTL: u64 = 5 * 60;

/// A link that was sent and not used.
pub(super) struct Sent {
    interaction: String,
    user: &'static User,
}

/// Asks for the address to send the link to.
pub(super) fn show(idp: &Idp, call: &Call) -> Result<Response, PageError> {
    let now = idp.now();
    let params = Params::parse(call.query.as_bytes())?;
    let name = params.require("interaction")?;
    let browser = Browser::of(idp, &call.headers, now);
    let interaction = browser.interaction(idp, name, now).ok_or_else(gone)?;
    let typed = interaction.request.login_hint.as_deref().unwrap_or_default();
    let token = browser.form_token(idp, name);
    let client = escape(&interaction.request.client_id);
    let [name, token, typed] = [name, &token, typed].map(escape);
    let body = format!(
        r#"<h1>Sign in by mail</h1>
<p>to continue to <strong>{client}</strong></p>
<form method="post" action="{PATH}">
<input type="hidden" name="interaction" value="{name}">
<input type="hidden" name="csrf" value="{token}">
<label for="address">Mail address</label>
<input id="address" name="address" type="email" value="{typed}" autocomplete="email" required autofocus>
<button id="send" type="submit">Send the link</button>
</form>
<footer>
<p>Demo accounts.</p>
<dl>
{}</dl>
</footer>"#,
        addresses()
    );
    Ok(page(StatusCode::OK, "Sign in by mail", &body))
}

/// Sends the link, and says the same where nobody has the address.
pub(super) fn send(idp: &Idp, call: &Call) -> Result<Response, PageError> {
    let now = idp.now();
    let params = Params::form(call)?;
    let name = params.require("interaction")?;
    let browser = Browser::of(idp, &call.headers, now);
    let interaction = browser.interaction(idp, name, now).ok_or_else(gone)?;
    check(&params, &browser.form_token(idp, name))?;
    let address = params.get("address").unwrap_or_default().trim();
    if let Some(user) = users::of_address(address) {
        let token = idp.fresh();
        let mail = Mail {
            to: user.email,
            client_id: interaction.request.client_id,
            link: idp.url(&format!("{OPEN_PATH}?token={token}")),
            sent_at: now,
        };
        let mut store = idp.store();
        let sent = Sent { interaction: name.to_owned(), user };
        store.links.insert(key_of(&token), sent, now + TTL, now);
        mailbox::deliver(&mut store.mailbox, mail);
        tracing::info!(user = user.name, "a link was sent");
    }
    let body = format!(
        r#"<h1>Look at your mail</h1>
<p id="sent">If somebody here has the address <strong>{}</strong>, a link is on its way. It is good for five minutes,
once, in this browser.</p>
<p><a id="mailbox" href="{}">Open the mailbox of the demo</a></p>"#,
        escape(address),
        mailbox::PATH
    );
    Ok(page(StatusCode::OK, "Look at your mail", &body))
}

/// Shows whom the link signs in, if this browser asked for it.
pub(super) fn open(idp: &Idp, call: &Call) -> Result<Response, PageError> {
    let now = idp.now();
    let params = Params::parse(call.query.as_bytes())?;
    let token = params.require("token")?;
    let browser = Browser::of(idp, &call.headers, now);
    let (user, _) = asked_here(idp, &browser, token, now)?;
    let form_token = browser.form_token(idp, token);
    let [token, form_token, address] = [token, &form_token, user.email].map(escape);
    let body = format!(
        r#"<h1>Sign in</h1>
<p>as <strong>{address}</strong></p>
<form method="post" action="{OPEN_PATH}">
<input type="hidden" name="token" value="{token}">
<input type="hidden" name="csrf" value="{form_token}">
<button id="submit" type="submit">Sign in</button>
</form>"#
    );
    Ok(page(StatusCode::OK, "Sign in", &body))
}

/// Spends the link: signs its user in and answers the client.
pub(super) fn follow(idp: &Idp, call: &Call) -> Result<Response, PageError> {
    let now = idp.now();
    let params = Params::form(call)?;
    let token = params.require("token")?;
    let mut browser = Browser::of(idp, &call.headers, now);
    let (user, name) = asked_here(idp, &browser, token, now)?;
    check(&params, &browser.form_token(idp, token))?;
    // Taken rather than read: of two that follow one link, one is answered.
    let mut store = idp.store();
    let link = store.links.take(&key_of(token), now);
    let interaction = link.and_then(|_| store.interactions.take(&key_of(&name), now));
    drop(store);
    let interaction = interaction.ok_or_else(spent)?;
    if let Some(other) = browser.sign_in(idp, user, Acr::Link, now) {
        logout::wind_up(idp, &other, now);
    }
    tracing::info!(user = user.name, client = interaction.request.client_id, "signed in by mail");
    authorize::issue_code(idp, &browser, &interaction.request, now)
}

/// Whom the link of `token` signs in, and for which request, if `browser` asked for it.
fn asked_here(
    idp: &Idp,
    browser: &Browser,
    token: &str,
    now: u64,
) -> Result<(&'static User, String), PageError> {
    let store = idp.store();
    let sent = store.links.get(&key_of(token), now).ok_or_else(spent)?;
    let (user, name) = (sent.user, sent.interaction.clone());
    let waits = store.interactions.get(&key_of(&name), now).is_some();
    drop(store);
    if !waits {
        return Err(spent());
    }
    match browser.interaction(idp, &name, now) {
        Some(_) => Ok((user, name)),
        None => Err(PageError::bad_request(
            "this link was asked for in another browser; open it there, or ask for one here",
        )),
    }
}

fn check(params: &Params, token: &str) -> Result<(), PageError> {
    let sent = params.get("csrf").unwrap_or_default();
    if bool::from(sent.as_bytes().ct_eq(token.as_bytes())) {
        Ok(())
    } else {
        Err(PageError::bad_request("the form did not come from this page"))
    }
}

fn addresses() -> String {
    let row = |user: &User| format!("<dt>{}</dt><dd>{}</dd>\n", user.email, user.role);
    users::USERS.iter().map(row).collect::<Vec<_>>().concat()
}

fn spent() -> PageError {
    PageError::bad_request("this link was used before, or is too old; ask for another one")
}
