//! Owns: `open-page` and `session`: whether the page needs a session, and takes one.

use super::super::answer::Answer;
use super::super::finding::{Check, Seen};
use super::super::site::Site;

pub(in super::super) const OPEN_PAGE: Check = Check {
    id: "open-page",
    asks: "the page without a cookie, as a navigation and as a script",
    why: "anybody reads the page: its router does not ask verify",
    fix: "\
http:
  routers:
    protected:                              # the router of this page
      middlewares: [security-headers, content-security, rate-ip, wicketgate-auth, drop-cookies]",
};

pub(in super::super) const SESSION: Check = Check {
    id: "session",
    asks: "the page with the cookie of `--cookie-file`",
    why: "who is signed in is turned away: verify does not get what it needs, or the session has ended",
    fix: "\
http:
  middlewares:
    wicketgate-auth:
      forwardAuth:
        trustForwardHeader: true             # else verify takes Traefik for the client
        authRequestHeaders: [Cookie, Authorization, Accept, Origin, User-Agent, Sec-Fetch-Mode, Sec-Fetch-Dest, Sec-Fetch-Site, X-Request-Id, Traceparent]
# If that is so: sign in again, and give --user-agent as that browser sends it.",
};

pub(in super::super) fn session(site: &Site) -> Seen {
    match (&site.allowed, site.with_session) {
        (None, None) => Seen::unknown("not asked: --cookie-file"),
        (Some(page), _) => Seen::good(format!("gets {}", page.status)),
        (None, Some(status @ 500..)) => Seen::unknown(format!("gets {status}: see open-page")),
        (None, Some(status)) => Seen::bad(format!("gets {status}")),
    }
}

pub(in super::super) fn open_page(site: &Site) -> Seen {
    let seen = format!("a navigation gets {}, a script {}", told(&site.visit), told(&site.fetch));
    if site.is_open() {
        return Seen::bad(seen);
    }
    let refuses = |answer: &Answer| matches!(answer.status, 401 | 403) || answer.is_redirect();
    if refuses(&site.visit) && refuses(&site.fetch) {
        return Seen::good(seen);
    }
    let hint = match site.visit.status {
        404 => "no router has this address: give the URL of a page behind ForwardAuth",
        500 => "Traefik answers 500 where verify cannot be reached",
        503 => "verify answers 503 while Redis is away",
        _ => "neither a page nor a refusal",
    };
    Seen::unknown(format!("{seen}; {hint}"))
}

/// The status, and where it leads.
fn told(answer: &Answer) -> String {
    let status = answer.status;
    match answer.text("location") {
        "" => status.to_string(),
        location => {
            let path = location.split('?').next().unwrap_or_default();
            format!("{status} to {path}")
        }
    }
}
