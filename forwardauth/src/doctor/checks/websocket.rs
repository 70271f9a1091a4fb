//! Owns: `websocket-bypass` and `websocket-origin`: who may open a WebSocket.

use super::super::ask::Ask;
use super::super::finding::{Check, Seen};
use super::super::site::Site;
use super::super::wire::Failure;

pub(in super::super) const WEBSOCKET_BYPASS: Check = Check {
    id: "websocket-bypass",
    asks: "a WebSocket at the page without a cookie",
    why: "a router for upgrades leads to the service without asking verify",
    fix: "\
# No router of its own for WebSockets: the router with wicketgate-auth carries them as well. Take
# HeaderRegexp(`Upgrade`, ...) out of the rules of routers without it.",
};

pub(in super::super) const WEBSOCKET_ORIGIN: Check = Check {
    id: "websocket-origin",
    asks: "a WebSocket with the session, from a page of another origin, which claims to be of this host in `X-Forwarded-Host`",
    why: "any site that a signed-in user visits can speak to the service in their name",
    fix: "\
http:
  middlewares:
    wicketgate-auth:
      forwardAuth:
        authRequestHeaders: [Cookie, Authorization, Accept, Origin, User-Agent, Sec-Fetch-Mode, Sec-Fetch-Dest, Sec-Fetch-Site, X-Request-Id, Traceparent]
# and no forwardedHeaders.insecure at the entry point",
};

const OPEN: &str = "not judged: the page is open as it is";

/// RFC 6455 section 1.3.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

pub(in super::super) async fn websocket_bypass(site: &Site) -> Result<Seen, Failure> {
    if site.is_open() {
        return Ok(Seen::unknown(OPEN));
    }
    let answer = site.send(upgrade(site)).await?;
    let told = format!("gets {}", answer.status);
    Ok(if answer.status == 101 || answer.is_success() { Seen::bad(told) } else { Seen::good(told) })
}

pub(in super::super) async fn websocket_origin(site: &Site) -> Result<Seen, Failure> {
    if site.is_open() {
        return Ok(Seen::unknown(OPEN));
    }
    if site.allowed.is_none() {
        return Ok(Seen::unknown("needs a session: --cookie-file"));
    }
    let ask = upgrade(site)
        .line("Origin", "https://doctor.invalid")
        .line("X-Forwarded-Host", "doctor.invalid")
        .line("Sec-Fetch-Site", "cross-site");
    let answer = site.send(site.as_user(ask)).await?;
    let told = format!("gets {}", answer.status);
    Ok(match answer.status {
        403 => Seen::good(told),
        101 | 200..=299 => Seen::bad(told),
        _ => Seen::unknown(format!(
            "{told}: the service has no WebSocket there, or refuses by itself"
        )),
    })
}

fn upgrade(site: &Site) -> Ask {
    Ask::get(&site.page)
        .connection("Upgrade")
        .line("Upgrade", "websocket")
        .line("Sec-WebSocket-Version", "13")
        .line("Sec-WebSocket-Key", KEY)
}
