//! Owns: telling of settings of `bff` that work, and that no attacker would mind.

use secrecy::ExposeSecret as _;
use session::keys::KeyRing;
use shell::config::Settings;

use super::{Lifetimes, Network};
use crate::admin::Access;

/// Longest life of a session that a stolen cookie should have, in seconds; and longest idle one.
const LONG: u64 = 7 * 86_400;
const LONG_IDLE: u32 = 86_400;

/// `forwardauth` has the edge keys, and must not be able to open sessions with them.
pub(super) fn keys(settings: &mut Settings, session: Option<&KeyRing>) {
    // On a copy: what is wrong with them is told where they are read.
    let edge = settings.clone().secret("BFF_EDGE_KEYS");
    let edge = edge.and_then(|list| KeyRing::parse(list.expose_secret()).ok());
    if session.zip(edge.as_ref()).is_some_and(|(session, edge)| session.shares_with(edge)) {
        settings.warn(
            "BFF_SESSION_KEYS",
            "shares a key with BFF_EDGE_KEYS: whoever has those of forwardauth opens all sessions",
            "Make keys of their own: openssl rand -base64 32",
        );
    }
}

pub(super) fn lifetimes(settings: &mut Settings, lifetimes: Lifetimes) {
    let hint = "Shorter is safer; a user who comes back signs in at the IdP without a password.";
    if lifetimes.session > LONG {
        settings.warn("SESSION_TTL", "is longer than a week", hint);
    }
    if lifetimes.idle > LONG_IDLE {
        settings.warn("SESSION_IDLE_TTL", "is longer than a day", hint);
    }
}

/// Whoever has the tokens of this listener has every session.
pub(super) fn admin(settings: &mut Settings, network: &Network, access: &Access) {
    let is_open = access.administrators() != 0 || access.has_internal();
    let in_clear = network.admin_tls.is_none() && !network.admin_listen.ip().is_loopback();
    if is_open && in_clear {
        settings.warn(
            "BFF_ADMIN_LISTEN",
            "is reached from other hosts in clear text, and takes BFF_ADMIN_TOKENS or BFF_INTERNAL_TOKEN",
            "Set BFF_ADMIN_TLS_CERT and BFF_ADMIN_TLS_KEY, or listen on 127.0.0.1.",
        );
    }
}
