//! Owns: the sign-in form and what is done with it.

use axum::response::Response;
use http::StatusCode;
use subtle::ConstantTimeEq as _;

use crate::idp::acr::Acr;
use crate::idp::bounded::key_of;
use crate::idp::page::{PageError, escape, page};
use crate::idp::params::Params;
use crate::idp::session::{Browser, Interaction};
use crate::idp::users::User;
use crate::idp::{Call, Idp, authorize, logout, users};

/// Where the form is.
pub(super) const PATH: &str = "/login";

/// Shows the form for the request that `interaction` in the query names.
pub(super) fn show(idp: &Idp, call: &Call) -> Result<Response, PageError> {
    let now = idp.now();
    let params = Params::parse(call.query.as_bytes())?;
    let name = params.require("interaction")?;
    let browser = Browser::of(idp, &call.headers, now);
    let interaction = browser.interaction(idp, name, now).ok_or_else(gone)?;
    let typed = interaction.request.login_hint.as_deref().unwrap_or_default();
    let form = Form { name, token: &browser.form_token(idp, name), typed, complaint: "" };
    Ok(form.render(&interaction))
}

/// Signs the user in and answers the client, or shows the form again.
pub(super) fn submit(idp: &Idp, call: &Call) -> Result<Response, PageError> {
    let now = idp.now();
    let params = Params::form(call)?;
    let name = params.require("interaction")?;
    let mut browser = Browser::of(idp, &call.headers, now);
    let interaction = browser.interaction(idp, name, now).ok_or_else(gone)?;
    let token = browser.form_token(idp, name);
    let sent = params.get("csrf").unwrap_or_default();
    if !bool::from(sent.as_bytes().ct_eq(token.as_bytes())) {
        return Err(PageError::bad_request("the form did not come from this page"));
    }

    let typed = params.get("username").unwrap_or_default();
    let password = params.get("password").unwrap_or_default();
    let Some(user) = users::authenticate(typed, password) else {
        tracing::info!("a sign-in was refused");
        let complaint = "That name and password do not belong together.";
        let form = Form { name, token: &token, typed, complaint };
        return Ok(form.render(&interaction));
    };
    // Taken rather than read: of two submissions of one form, one is answered.
    if idp.store().interactions.take(&key_of(name), now).is_none() {
        return Err(gone());
    }
    if let Some(other) = browser.sign_in(idp, user, Acr::Password, now) {
        logout::wind_up(idp, &other, now);
    }
    tracing::info!(user = user.name, client = interaction.request.client_id, "signed in");
    authorize::issue_code(idp, &browser, &interaction.request, now)
}

pub(super) fn gone() -> PageError {
    PageError::bad_request("this sign-in is over, or was begun in another browser")
}

struct Form<'a> {
    name: &'a str,
    token: &'a str,
    typed: &'a str,
    complaint: &'a str,
}

impl Form<'_> {
    fn render(&self, interaction: &Interaction) -> Response {
        let client = escape(&interaction.request.client_id);
        let [name, token, typed] = [self.name, self.token, self.typed].map(escape);
        let (alarm, described) = if self.complaint.is_empty() {
            (String::new(), "")
        } else {
            let text = escape(self.complaint);
            (
                format!("<p class=\"alarm\" role=\"alert\" id=\"error\">{text}</p>\n"),
                r#" aria-invalid="true" aria-describedby="error""#,
            )
        };
        // The cursor goes where there is something left to type.
        let (at_name, at_password) =
            if typed.is_empty() { (" autofocus", "") } else { ("", " autofocus") };
        let body = format!(
            r#"<h1>Sign in</h1>
<p>to continue to <strong>{client}</strong></p>
{alarm}<form method="post" action="{PATH}">
<input type="hidden" name="interaction" value="{name}">
<input type="hidden" name="csrf" value="{token}">
<label for="username">Name</label>
<input id="username" name="username" value="{typed}" autocomplete="username" autocapitalize="none" spellcheck="false" required{described}{at_name}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required{described}{at_password}>
<button id="submit" type="submit">Sign in</button>
</form>
<footer>
<p>Demo accounts. The password is the name.</p>
<dl>
{}</dl>
</footer>"#,
            people()
        );
        page(StatusCode::OK, "Sign in", &body)
    }
}

fn people() -> String {
    let row = |user: &User| format!("<dt>{}</dt><dd>{}</dd>\n", user.name, user.role);
    users::USERS.iter().map(row).collect::<Vec<_>>().concat()
}
