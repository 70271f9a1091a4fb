//! Owns: the mails that the provider would send, and the page that shows them: nothing leaves this machine.

use axum::response::Response;
use http::StatusCode;

use crate::idp::bounded::{Bounded, key_of};
use crate::idp::page::{escape, page};
use crate::idp::{Call, Idp};

/// Where the page is.
pub(super) const PATH: &str = "/mailbox";
/// Seconds for which a mail is kept, longer than its link is good.
const KEPT: u64 = 60 * 60;

/// A mail with a link that signs its reader in.
pub(super) struct Mail {
    pub(super) to: &'static str,
    pub(super) client_id: String,
    pub(super) link: String,
    pub(super) sent_at: u64,
}

/// Puts `mail` in.
pub(super) fn deliver(mailbox: &mut Bounded<Mail>, mail: Mail) {
    let (key, now) = (key_of(&mail.link), mail.sent_at);
    mailbox.insert(key, mail, now + KEPT, now);
}

/// Everybody's mails, the newest first.
pub(super) fn show(idp: &Idp, _: &Call) -> Response {
    let now = idp.now();
    let mails: String = idp.store().mailbox.newest_first(now).map(|mail| item(mail, now)).collect();
    let mails = if mails.is_empty() { "<p>No mail yet.</p>".to_owned() } else { mails };
    let body = format!(
        "<h1>Mailbox</h1>\n<p>All that this provider would send. A real one sends each mail to its reader \
         alone.</p>\n{mails}"
    );
    page(StatusCode::OK, "Mailbox", &body)
}

fn item(mail: &Mail, now: u64) -> String {
    let [to, client, link] = [mail.to, &mail.client_id, &mail.link].map(escape);
    let age = now.saturating_sub(mail.sent_at);
    format!(
        "<article>\n<p>To <strong>{to}</strong>, {age} s ago</p>\n\
         <p><a class=\"link\" href=\"{link}\">Sign in to {client}</a></p>\n</article>\n"
    )
}
